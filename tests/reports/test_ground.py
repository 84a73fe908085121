"""Cells are Voronoi's, positions are where UEs were, colours are how uploads ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.records import OUTCOMES
from netsim.reports.columns import PageBudget
from netsim.reports.ground import ground, voronoi_cells
from netsim.reports.ue_tracks import STATES
from netsim.results.reader import Run


def _area(corners: np.ndarray) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_cells_tile_the_window_and_hold_what_is_nearest(count: int) -> None:
    draw = np.random.default_rng(count)
    sites = draw.uniform(0, [300, 200], (count, 2))
    window = np.array([0.0, 0.0, 300.0, 200.0])
    cells = voronoi_cells(pl.Series(sites[:, 0]), pl.Series(sites[:, 1]), window)
    assert sum(map(_area, cells)) == pytest.approx(300 * 200)
    points = draw.uniform(0, [300, 200], (500, 2))
    nearest = np.argmin(((points[:, None] - sites) ** 2).sum(axis=2), axis=1)
    for point, site in zip(points, nearest, strict=True):
        corners = cells[site]
        edge, way = np.roll(corners, -1, axis=0) - corners, point - corners
        turn = edge[:, 0] * way[:, 1] - edge[:, 1] * way[:, 0]
        assert (turn >= -1e-6).all() or (turn <= 1e-6).all()


def test_sites_on_one_spot_or_none() -> None:
    window = np.array([0.0, 0.0, 1.0, 1.0])
    assert (
        voronoi_cells(pl.Series([], dtype=pl.Float64), pl.Series([], dtype=pl.Float64), window)
        == []
    )
    assert len(voronoi_cells(pl.Series([0.5, 0.5]), pl.Series([0.5, 0.5]), window)) <= 2


def test_ues_stand_where_they_are_and_end_as_they_did(network_run: Callable[..., Run]) -> None:
    run = network_run(radio__bandwidth_hz=2e6)
    drawn = ground(run, PageBudget())
    assert drawn is not None
    ues, uploads, rounds = run.ues.collect(), run.uploads.collect(), run.rounds.collect()
    x = np.array(drawn["x"][0]) * drawn["step_m"] + drawn["origin_m"][0]
    assert np.abs(x - ues["x_m"].to_numpy()).max() <= drawn["step_m"]
    assert len(drawn["x"]) == 1
    seen = set()
    for end_s, number in rounds.select("end_s", "round").iter_rows():
        frame = int(np.searchsorted(drawn["time_s"], end_s - 2e-3))
        assert drawn["round"][frame] == number
        for ue, outcome in (
            uploads.filter(pl.col("round") == number).select("ue", "outcome").iter_rows()
        ):
            state = STATES[int(drawn["states"][frame][ue])]
            assert state == outcome
            seen.add(state)
    assert len(seen) > 1
    assert {STATES[int(c)] for c in "".join(drawn["states"])} >= {"computing", "sending"}
    assert STATES[-4:] == OUTCOMES


def test_moving_ues_follow_their_samples_and_leave(moving: Run) -> None:
    drawn = ground(moving, PageBudget())
    assert drawn is not None
    assert drawn["moving"]
    times = np.array(drawn["time_s"])
    samples = moving.mobility.collect()
    for column, ue in enumerate(drawn["ues"]):
        mine = samples.filter(pl.col("ue") == ue).sort("time_s")
        if not len(mine):
            continue
        here = [row[column] is not None for row in drawn["x"]]
        inside = (times >= mine["time_s"].min()) & (times <= mine["time_s"].max())
        assert [h for h, i in zip(here, inside, strict=True) if i] == [True] * int(inside.sum())
        truth = np.interp(times[inside], mine["time_s"], mine["x_m"])
        x = np.array([row[column] for row, i in zip(drawn["x"], inside, strict=True) if i])
        assert (
            np.abs(x * drawn["step_m"] + drawn["origin_m"][0] - truth).max()
            < drawn["step_m"] / 2 + 0.5
        )
    first = {
        ue: mine["time_s"].min() for (ue,), mine in samples.partition_by("ue", as_dict=True).items()
    }
    late = max(first, key=lambda ue: first[ue])
    assert drawn["x"][0][late] is None  # not yet there
    assert drawn["gnb"][0][late] is None


def test_no_places_no_map(tmp_path: Path) -> None:
    assert ground(Run(tmp_path), PageBudget()) is None


def test_sites_are_not_needed(network_run: Callable[..., Run], tmp_path: Path) -> None:
    run = network_run()
    shutil.copytree(run.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "sites")
    drawn = ground(Run(tmp_path / "run"), PageBudget())
    assert drawn is not None
    assert drawn["cells"] == []
    assert len(drawn["ues"]) == 12


def test_ues_that_were_never_there_are_no_map(
    network_run: Callable[..., Run], tmp_path: Path
) -> None:
    run = network_run()
    shutil.copytree(run.path, tmp_path / "run")
    nowhere = run.ues.with_columns(
        pl.lit(None, dtype=t).alias(c)
        for c, t in (("x_m", pl.Float64), ("y_m", pl.Float64), ("gnb", pl.Int64))
    )
    nowhere.collect().write_parquet(tmp_path / "run" / "ues" / "part-000000.parquet")
    assert ground(Run(tmp_path / "run"), PageBudget()) is None
