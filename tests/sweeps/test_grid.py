"""Jobs of a grid: which there are, and identifiers that depend on overrides and seed alone."""

from __future__ import annotations

from typing import Any

import pytest

from netsim.errors import ScenarioError
from netsim.sweeps.grid import Job, grid, job_id, parse_over, parse_seeds

DENSITY = "topology.density_per_km2"


def _ids(jobs: list[Job]) -> dict[str, tuple[Any, ...]]:
    return {job.id: (*job.overrides.items(), job.seed) for job in jobs}


def test_every_combination_for_every_seed() -> None:
    jobs = grid(
        "quickstart",
        {"rounds": 2},
        {DENSITY: [0.5, 1, 2], "scheme.kind": ["fedlora", "round_robin"]},
        [3, 4],
    )
    assert len(jobs) == len({job.id for job in jobs}) == 12
    assert {(j.overrides[DENSITY], j.overrides["scheme.kind"], j.seed) for j in jobs} == {
        (d, s, n) for d in (0.5, 1.0, 2.0) for s in ("fedlora", "round_robin") for n in (3, 4)
    }
    for job in jobs:
        scenario = job.scenario
        assert (
            scenario.topology.density_per_km2,
            scenario.scheme.kind,
            scenario.seed,
            scenario.rounds,
        ) == (
            job.overrides[DENSITY],
            job.overrides["scheme.kind"],
            job.seed,
            2,
        )
        assert scenario.learning.workers == 1


def test_identifiers_depend_on_overrides_and_seed_alone() -> None:
    kinds = ["fedlora", "round_robin"]
    whole = _ids(grid("quickstart", {}, {DENSITY: [0.5, 1, 2], "scheme.kind": kinds}, range(4)))
    part = _ids(
        grid("quickstart", {"rounds": 9}, {"scheme.kind": kinds[::-1], DENSITY: [2.0]}, [3, 1])
    )
    assert len(part) == 4
    assert part.items() <= whole.items()
    assert job_id({"a.b": 1.0, "c": "x"}, 7) == job_id({"c": "x", "a.b": 1.0}, 7)
    # a name that stays: folders of earlier studies must be found again
    assert job_id({DENSITY: 0.5}, 3) == "density_per_km2-0.5_seed-3_49a2ca35"


def test_names_are_safe_and_bounded() -> None:
    odd = {
        "data.path": "../../etc/a b;c",
        "modules.0.target_modules": ["query", "value"],
        "name": "é" * 300,
    }
    name = job_id(odd, 1)
    assert len(name) < 120
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
    assert not name.startswith(".")
    assert name != job_id({**odd, "name": "é" * 299}, 1)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=0.5,1,2", [0.5, 1, 2]),
        ("a.b=fedlora,model_switching", ["fedlora", "model_switching"]),
        ('a.b="x,y","z"', ["x,y", "z"]),
        ("a.b=[1,2],[3]", [[1, 2], [3]]),
        ("a.b=fedlora, 2 ,true", ["fedlora", 2, True]),
        ("a.b=inf", [float("inf")]),
        ("a.b=1]\nc=[2", ["1]\nc=[2"]),
    ],
)
def test_values(text: str, values: list[Any]) -> None:
    assert parse_over(text) == ("a.b", values)


@pytest.mark.parametrize(
    ("text", "seeds"), [("0:3", [0, 1, 2]), ("5", [5]), ("1,7,3:5", [1, 7, 3, 4])]
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "3:1", "-1", "1:2:3", "1,1", "0:3,2", f"{2**63}", "0:200000"]
)
def test_bad_seeds(text: str) -> None:
    with pytest.raises(ScenarioError, match="--seeds"):
        parse_seeds(text)


@pytest.mark.parametrize("text", ["a.b", "=1", "a.b=", "seed=1,2", "learning.workers=1,2"])
def test_bad_over(text: str) -> None:
    with pytest.raises(ScenarioError, match="--over"):
        parse_over(text)


def test_bad_values_are_found_before_anything_runs() -> None:
    with pytest.raises(ScenarioError, match=r"density_per_km2.*greater than 0"):
        grid("quickstart", {}, {DENSITY: [1, -1]})
    with pytest.raises(ScenarioError, match=r"topology.densty.*did you mean"):
        grid("quickstart", {}, {"topology.densty_per_km2": [1]})
    with pytest.raises(ScenarioError, match=r"twice.*topology.density_per_km2"):
        grid("quickstart", {}, {DENSITY: [1, 1.0]})
    with pytest.raises(ScenarioError, match="at most 100000 runs"):
        grid("quickstart", {}, {DENSITY: range(1, 1001)}, range(101))
    with pytest.raises(ScenarioError, match=r"learning.workers.*--jobs"):
        grid("quickstart", {"learning.workers": 2}, {DENSITY: [1]})
