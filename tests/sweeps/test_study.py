"""What is to be done: nothing twice, nothing in another study's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import netsim
from netsim import open_sweep
from netsim.errors import InputError, OutputError, RunError
from netsim.sweeps.study import Study, open_study

DENSITY = "topology.density_per_km2"
pytestmark = pytest.mark.usefixtures("sweeps_here")  # test_local has the workers


def test_a_study_grows(
    make_study: Callable[..., Study], heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_study({DENSITY: [1]}, [0, 1])
    first.run(heard, at_once=1)
    assert [outcome.status for outcome in heard.ended] == ["done", "done"]
    more = make_study({DENSITY: [1, 2]}, [0, 1])
    assert [(job.overrides[DENSITY], job.seed) for job in more.todo] == [(2.0, 0), (2.0, 1)]
    # nothing to do starts no process
    monkeypatch.setattr("netsim.sweeps.study.run_local", None)
    make_study({DENSITY: [1]}, [0, 1]).run(heard)


def test_grids_are_joined(make_study: Callable[..., Study], heard: Any) -> None:
    """A run that two grids hold is one; a key that a grid does not vary has the scenario's
    value.
    """
    study = make_study([{DENSITY: [1, 2]}, {DENSITY: [2]}, {"scheme.kind": ["fedlora"]}], [1, 0])
    assert [job.seed for job in study.jobs] == [0] * 3 + [1] * 3
    assert [job.overrides.get(DENSITY) for job in study.jobs] == [1.0, 2.0, None] * 2
    study.run(heard, at_once=1)
    found = open_sweep(study.folder.path).runs.filter(pl.col("seed") == 0)
    assert found.select("scheme.kind", DENSITY).rows() == [
        ("fedlora", 1.0),
        ("round_robin", 1.0),
        ("round_robin", 2.0),
    ]


def test_default_folder_is_the_same_for_the_same_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = open_study("quickstart", {DENSITY: [1, 2]}, [0]).folder.path
    assert open_study("quickstart", {"scheme.kind": ["fedlora"]}, [5, 6]).folder.path == one
    assert open_study("quickstart", {DENSITY: [1]}, fixed={"rounds": 3}).folder.path != one


def test_another_studys_folder_is_refused(make_study: Callable[..., Study], tmp_path: Path) -> None:
    make_study({DENSITY: [1]})
    with pytest.raises(OutputError, match="another scenario"):
        make_study({DENSITY: [1]}, rounds=4)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="new, empty, or a sweep folder"):
        make_study({}, out="mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_finished_run_of_another_scenario_is_not_taken_for_done(
    make_study: Callable[..., Study], heard: Any
) -> None:
    study = make_study({DENSITY: [1]})
    study.run(heard, at_once=1)
    text = study.folder.run_path(study.jobs[0].id) / "scenario.toml"
    text.write_text(text.read_text().replace("rounds = 3", "rounds = 2"))
    with pytest.raises(OutputError, match="another scenario"):
        make_study({DENSITY: [1]})


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"backend": "cloud"}, r"--backend: must be one of local, ray \(found 'cloud'\)"),
        ({"at_once": 0}, "--jobs: must be at least 1"),
        ({"address": "auto"}, "--address: .* needs --backend ray"),
    ],
)
def test_bad_options(
    make_study: Callable[..., Study], heard: Any, options: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InputError, match=rule):
        make_study({}).run(heard, **options)


def test_a_sweep_is_one_call_from_python(tmp_path: Path) -> None:
    tiny = {"network_only": True, "rounds": 2, "ues.count": 5, "data.train_samples": 200}
    found = netsim.sweep(
        "quickstart",
        {DENSITY: [1, 2]},
        [0, 1],
        overrides=tiny,
        out=tmp_path / "s",
        jobs=1,
    )
    assert found.runs["status"].to_list() == ["done"] * 4
    assert found.differences("energy_j")["pairs"].to_list() == [2]
    with pytest.raises(RunError, match=r"4 of 4 runs failed, first .*network_only.*hetlora"):
        netsim.sweep(
            "quickstart",
            {DENSITY: [1, 2]},
            [0, 1],
            overrides={**tiny, "scheme.kind": "hetlora"},
            out=tmp_path / "failing",
            jobs=1,
        )


def test_a_run_takes_overrides(tmp_path: Path) -> None:
    tiny = {"network_only": True, "rounds": 1, "ues.count": 5, "data.train_samples": 200}
    run = netsim.run("quickstart", tiny, out=tmp_path / "r")
    assert run.ues.collect().height == 5
    loaded = netsim.load_scenario("quickstart", tiny)
    changed = netsim.run(loaded, {"ues.count": 6}, out=tmp_path / "x")
    assert changed.ues.collect().height == 6
    with pytest.raises(InputError, match="overrides: must map dotted keys"):
        netsim.run(loaded, tmp_path / "y")  # type: ignore[arg-type]
    assert not (tmp_path / "y").exists()
