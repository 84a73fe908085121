"""The search of learning rates: grids that grow, fair choices, and the committed table."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from netsim import open_sweep


@pytest.fixture
def tuning(scripts: None) -> ModuleType:
    return importlib.import_module("tuning")


def test_small(study: Callable[..., Path]) -> None:
    out = study("tuning")
    rows = pl.read_parquet(out / "results" / "tuning-small.parquet")
    assert rows["scheme"].unique().sort().to_list() == ["fedlora", "model_switching"]
    assert rows.group_by("scheme").agg(pl.len())["len"].to_list() == [3, 3]
    assert rows.filter("chosen").group_by("scheme").agg(pl.len())["len"].to_list() == [1, 1]
    found = open_sweep(out / "cell")
    assert found.table("evaluations").collect()["split"].unique().to_list() == ["validation"]
    assert {told["seed"] for told in found.jobs.values()} == {100, 101}


def test_grids_grow_until_the_best_is_inside(tuning: ModuleType) -> None:
    assert tuning.first_rates("fedlora") == [3e-3, 1e-2, 3e-2]
    assert tuning.first_rates("fedlora", begin=3e-3) == [1e-3, 3e-3, 1e-2]
    assert tuning.wider([3e-3, 1e-2, 3e-2], 1e-2) == [3e-3, 1e-2, 3e-2]
    assert tuning.wider([3e-3, 1e-2, 3e-2], 3e-3) == [1e-3, 3e-3, 1e-2, 3e-2]
    assert tuning.wider([3e-3, 1e-2, 3e-2], 3e-2) == [3e-3, 1e-2, 3e-2, 0.1]


def test_choice(tuning: ModuleType) -> None:
    """Most arrivals, then fewest rounds, where one that never arrives counts as the horizon; among
    equals the larger area.
    """
    world = tuning.WORLDS["cell"]
    runs = [
        ("a", 0.1, 14.0, True, 0.7),
        ("a", 0.1, 16.0, True, 0.7),
        ("a", 0.3, 2.0, True, 0.9),
        ("a", 0.3, 10.0, False, 0.9),  # given up at 10: counts as the horizon, 24
        ("b", 0.1, 5.0, True, 0.6),
        ("b", 0.3, 5.0, True, 0.8),
    ]
    frame = pl.DataFrame(
        [("cell", *run, i) for i, run in enumerate(runs)],
        schema=["world", "scheme", "rate", "rounds_to_target", "arrived", "area", "seed"],
        orient="row",
    )
    found = tuning.scored(frame, [world])
    chosen = dict(found.filter("chosen").select("scheme", "rate").iter_rows())
    assert chosen == {"a": 0.1, "b": 0.3}
    late = found.filter(scheme="a", rate=0.3)
    assert late["mean_rounds"].item() == (2 + world.rounds) / 2
    assert late["arrived"].item() == 1


def test_committed_rates_lie_inside_their_grids(scripts: None) -> None:
    settings = importlib.import_module("settings")
    table = pl.read_parquet(settings.HERE / "results" / "tuning-cpu.parquet")
    chosen = table.filter("chosen")
    assert chosen["inside"].all()
    assert chosen["seeds"].min() >= 3  # type: ignore[operator]
    for world, scheme, rate in chosen.select("world", "scheme", "rate").iter_rows():
        grid = table.filter(world=world, scheme=scheme)["rate"]
        assert grid.min() < rate < grid.max()  # type: ignore[operator]
        assert settings.rate_of(world, scheme) == rate
    for world, own in table.group_by("world"):
        fewer = world in (("cell",), ("grades",))
        assert set(own["seeds"]) == {3 if fewer else 6}, world
    assert settings.rate_of("a world of tomorrow", "fedlora") == settings.SCHEMES["fedlora"].rate


def test_rates_of_the_convergence_study_are_searched_ones(scripts: None) -> None:
    """Its own, or a relative's; full-parameter never arrives there, at any rate."""
    settings = importlib.import_module("settings")
    table = pl.read_parquet(settings.HERE / "results" / "claims_convergence-cpu.parquet")
    for scheme, rate in table.select("scheme", "rate").unique().iter_rows():
        if scheme != "full_parameter":
            relatives = (scheme, *settings.RELATED.get(scheme, ()))
            assert any(settings.tuned().get(("cell", one)) == rate for one in relatives), scheme


def test_runs_of_an_earlier_search_do_not_count(
    tuning: ModuleType, study: Callable[..., Path]
) -> None:
    found = open_sweep(study("tuning") / "cell")
    world = tuning.WORLDS["cell"]
    rates = {"fedlora": [0.003, 0.01]}
    rows = tuning.measured(found, world, rates, tuning.SEEDS)
    assert rows["scheme"].unique().to_list() == ["fedlora"]
    assert rows["rate"].unique().sort().to_list() == [0.003, 0.01]


def test_seeds_that_are_not_asked_for_do_not_count(
    tuning: ModuleType, study: Callable[..., Path]
) -> None:
    found = open_sweep(study("tuning") / "cell")
    rows = tuning.measured(found, tuning.WORLDS["cell"], {"fedlora": [0.01]}, (101,))
    assert rows["seed"].to_list() == [101]
    searches, rest = tuning.asked_searches(["--world", "grades", "--seeds", "3", "--size", "cpu"])
    assert (searches.worlds, searches.seeds) == (("grades",), (100, 101, 102))
    assert rest == ["--size", "cpu"]
    with pytest.raises(SystemExit):
        tuning.asked_searches(["--seeds", "2"])


def test_no_study_uses_a_tuning_seed(tuning: ModuleType) -> None:
    for name in ("claims_convergence", "claims_real", "claims_switching", "regimes"):
        table = pl.read_parquet(tuning.settings.HERE / "results" / f"{name}-cpu.parquet")
        assert not set(table["seed"]) & set(tuning.SEEDS)


def test_schemes_are_told_apart_by_their_overrides(scripts: None) -> None:
    settings = importlib.import_module("settings")
    for name, compared in settings.SCHEMES.items():
        noise = {"learning.learning_rate": 0.1, "ues.count": 3}
        assert settings.scheme_of({**compared.overrides, **noise}) == name
    with pytest.raises(KeyError, match="no scheme has"):
        settings.scheme_of({"scheme.kind": "of tomorrow"})
