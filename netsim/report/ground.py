"""The map's data: sites, their Voronoi cells, UEs at chosen times and how their uploads ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from polars import col
from scipy.spatial import QhullError, Voronoi

from netsim.records import OUTCOMES
from netsim.report.columns import PageBudget, collect, evenly
from netsim.results.reader import Run
from netsim.units import FloatArray

STATES = ("no_upload", "computing", "sending", *OUTCOMES)
NO_UPLOAD = STATES.index("no_upload")
COMPUTING = STATES.index("computing")
SENDING = STATES.index("sending")
FIRST_OUTCOME = len(STATES) - len(OUTCOMES)
SITES = 400  # more are not told apart on a page
STEPS = 4000  # resolution of positions, across the map
JUST_BEFORE_S = 1e-6  # a round ends when the next begins: look at it before
MARGIN = 0.35  # around what is on the map, of its extent
LEAST_EXTENT_M = 100.0


def ground(run: Run, budget: PageBudget) -> dict[str, Any] | None:
    """Everything the map shows; None if the run knows no positions.

    Positions travel as whole steps of `step_m` from `origin_m`; `states` has one character per UE
    and frame, an index into STATES.
    """
    all_ues = collect(run.ues.select("ue", "gnb", "x_m", "y_m").sort("ue"))
    rounds = collect(run.rounds.select("round", "gnb", "start_s", "end_s").sort("start_s"))
    if not len(all_ues) or not len(rounds):
        return None
    ues = all_ues[evenly(range(len(all_ues)), budget.rows * 2)]
    frames = min(budget.rounds, max(2, budget.map_points // len(ues)))
    moving = run.mobility.head(1).collect().height > 0
    times = _times(run, rounds, frames, moving=moving)
    tracks = _moving(run, ues, times) if moving else _standing(ues)
    if not np.isfinite(tracks.x_m).any():
        return None
    sites = collect(run.sites.sort("gnb"))
    window = _window(tracks, sites)
    notes = [f"{len(times)} moments of the run are on this page"]
    if len(ues) < len(all_ues):
        notes.insert(0, f"{len(ues)} of {len(all_ues)} UEs are drawn")
    inside = _sites_inside(sites, window)
    if len(inside) > SITES:
        notes.append(f"{len(inside)} sites are too many to draw with their cells")
        inside = inside.head(0)
    return {
        "ues": ues["ue"].to_list(),
        "time_s": [round(time_s, 3) for time_s in times],
        "round": _round_at(rounds, times),
        "gnb": tracks.gnb,
        "states": _states(
            run,
            ues["ue"].to_list(),
            rounds,
            np.array(times),
        ),
        "sites": _places(inside),
        "cells": _cells(inside, window),
        "note": "; ".join(notes),
        "moving": moving,
        **_positions(tracks, window),
    }


def _positions(tracks: _Tracks, window: FloatArray) -> dict[str, Any]:
    """Positions in whole steps of the map."""
    x_min, y_min, x_max, y_max = window.tolist()
    step_m = max(x_max - x_min, y_max - y_min) / STEPS
    return {
        "window_m": [x_min, y_min, x_max, y_max],
        "origin_m": [x_min, y_min],
        "step_m": step_m,
        "x": _whole_steps(tracks.x_m - x_min, step_m),
        "y": _whole_steps(tracks.y_m - y_min, step_m),
    }


def _places(sites: pl.DataFrame) -> dict[str, list[Any]]:
    rounded = sites.select(
        "gnb",
        col("x_m", "y_m").round(1),
    )
    return rounded.to_dict(as_series=False)


def voronoi_cells(x_m: pl.Series, y_m: pl.Series, window: FloatArray) -> list[FloatArray]:
    """Corners [n, 2] of every site's cell, clipped to the window (x_min, y_min, x_max, y_max).

    The sites are reflected at the four sides, which makes the sides cell borders.
    """
    sites = np.column_stack([x_m.to_numpy(), y_m.to_numpy()]).astype(np.float64)
    if not len(sites):
        return []
    low, high = window[:2], window[2:]
    mirrored = [sites]
    for axis in (0, 1):
        for side in (low, high):
            image = sites.copy()
            image[:, axis] = 2 * side[axis] - image[:, axis]
            mirrored.append(image)
    try:
        diagram = Voronoi(np.vstack(mirrored))
    except QhullError:
        return []
    of_sites = diagram.point_region[: len(sites)]
    regions = [diagram.regions[number] for number in of_sites]
    bounded = [region for region in regions if region and -1 not in region]
    return [np.clip(diagram.vertices[region], low, high) for region in bounded]


def _cells(sites: pl.DataFrame, window: FloatArray) -> list[list[list[float]]]:
    corners = voronoi_cells(
        sites["x_m"],
        sites["y_m"],
        window,
    )
    return [cell.round(1).tolist() for cell in corners]


# -- where UEs are -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tracks:
    """Where UEs are. One frame for all times where they stand still."""

    x_m: FloatArray  # [frame, UE], NaN where a UE is not there
    y_m: FloatArray
    gnb: list[list[int | None]]  # serving gNB [frame][UE]


def _times(
    run: Run,
    rounds: pl.DataFrame,
    count: int,
    *,
    moving: bool,
) -> list[float]:
    """Evenly spaced times, and the moments at which rounds end."""
    ends = rounds.group_by("round").agg(col("end_s").max())["end_s"].sort()
    first, last = rounds.select(
        col("start_s").min(),
        col("end_s").max(),
    ).row(0)
    if moving:
        sampled = run.mobility.select(
            col("time_s").min(),
            last=col("time_s").max(),
        )
        first_sample, last_sample = collect(sampled).row(0)
        first = min(first, first_sample)
        last = min(last, last_sample)
    within = ends.filter(ends <= last).to_list()
    closing = [end_s - JUST_BEFORE_S for end_s in evenly(within, count // 3)]
    spaced = np.linspace(first, last, count - len(closing)).tolist()
    return sorted({*spaced, *closing})


def _standing(ues: pl.DataFrame) -> _Tracks:
    return _Tracks(
        x_m=ues["x_m"].to_numpy()[None],
        y_m=ues["y_m"].to_numpy()[None],
        gnb=[ues["gnb"].to_list()],
    )


def _moving(run: Run, ues: pl.DataFrame, times: list[float]) -> _Tracks:
    """Between samples UEs go straight on."""
    bin_s = max((times[-1] - times[0]) / (4 * len(times)), 1e-9)
    numbers = ues["ue"].to_list()
    samples = _samples(run, numbers, times, bin_s)
    unknown = np.full((len(times), len(numbers)), np.nan)
    tracks = _Tracks(
        x_m=unknown,
        y_m=unknown.copy(),
        gnb=[[None] * len(numbers) for _ in times],
    )
    for column, ue in enumerate(numbers):
        if (ue,) in samples:
            _follow(
                tracks,
                column,
                samples[ue,],
                np.array(times),
                bin_s,
            )
    return tracks


def _follow(
    tracks: _Tracks,
    column: int,
    samples: pl.DataFrame,
    at_s: FloatArray,
    bin_s: float,
) -> None:
    """Fill in the column of one UE, where it is there."""
    sampled_s = samples["time_s"].to_numpy()
    begins_s = sampled_s[0] - bin_s
    ends_s = sampled_s[-1] + bin_s
    here = (at_s >= begins_s) & (at_s <= ends_s)
    tracks.x_m[here, column] = np.interp(
        at_s[here],
        sampled_s,
        samples["x_m"].to_numpy(),
    )
    tracks.y_m[here, column] = np.interp(
        at_s[here],
        sampled_s,
        samples["y_m"].to_numpy(),
    )
    before = np.searchsorted(sampled_s, at_s, side="right") - 1
    latest = np.maximum(before, 0)
    serving = samples["gnb"].to_list()
    for frame in np.flatnonzero(here):
        tracks.gnb[frame][column] = serving[latest[frame]]


def _samples(
    run: Run,
    ues: list[int],
    times: list[float],
    bin_s: float,
) -> dict[tuple[Any, ...], pl.DataFrame]:
    """{(UE,): its positions by time}, at most one in every `bin_s`."""
    wanted = col("ue").is_in(ues) & (col("time_s") <= times[-1])
    bin_number = ((col("time_s") - times[0]) / bin_s).floor()
    last_of_bin = col("time_s", "x_m", "y_m", "gnb").sort_by("time_s").last()
    thinned = run.mobility.filter(wanted).group_by("ue", bin=bin_number).agg(last_of_bin)
    return collect(thinned.sort("ue", "time_s")).partition_by("ue", as_dict=True)


def _window(tracks: _Tracks, sites: pl.DataFrame) -> FloatArray:
    """(x_min, y_min, x_max, y_max) around all positions and serving sites, with a margin."""
    serving = {gnb for frame in tracks.gnb for gnb in frame if gnb is not None}
    near = sites.filter(col("gnb").is_in(serving))
    seen = np.isfinite(tracks.x_m)
    x_m = np.concatenate([tracks.x_m[seen], near["x_m"].to_numpy()])
    y_m = np.concatenate([tracks.y_m[seen], near["y_m"].to_numpy()])
    low = np.array([x_m.min(), y_m.min()])
    high = np.array([x_m.max(), y_m.max()])
    extent_m = max(float((high - low).max()), LEAST_EXTENT_M)
    margin = MARGIN * extent_m
    return np.concatenate([low - margin, high + margin])


def _sites_inside(sites: pl.DataFrame, window: FloatArray) -> pl.DataFrame:
    x_min, y_min, x_max, y_max = window.tolist()
    within_x = col("x_m").is_between(x_min, x_max)
    within_y = col("y_m").is_between(y_min, y_max)
    return sites.filter(within_x & within_y)


# -- what UEs do ---------------------------------------------------------------------------------


def _states(
    run: Run,
    ues: list[int],
    rounds: pl.DataFrame,
    at_s: FloatArray,
) -> list[str]:
    """One string per frame: what every UE is at, or how its upload of this round has ended."""
    uploads = _uploads_of_rounds(run, ues, rounds)
    states = np.full((len(at_s), len(ues)), NO_UPLOAD)
    for column, ue in enumerate(ues):
        if (ue,) in uploads:
            states[:, column] = _states_of(uploads[ue,], at_s)
    return ["".join(map(str, row)) for row in states.tolist()]


def _uploads_of_rounds(
    run: Run, ues: list[int], rounds: pl.DataFrame
) -> dict[tuple[Any, ...], pl.DataFrame]:
    """{(UE,): one row per round in which it sent}: begun_s, start_s, end_s, outcome, closed_s."""
    closed = rounds.group_by("round").agg(closed_s=col("end_s").max())
    before_s = col("wait_s") + col("compute_s") + col("download_s")
    mine = run.uploads.filter(col("ue").is_in(ues)).group_by("round", "ue")
    per_round = mine.agg(
        col("start_s").min(),
        col("end_s").max(),
        col("outcome").to_physical().max().cast(pl.Int64),
        begun_s=(col("start_s") - before_s).min(),
    )
    joined = collect(per_round).join(closed, on="round", how="left")
    return joined.sort("ue", "begun_s").partition_by("ue", as_dict=True)


def _states_of(uploads: pl.DataFrame, at_s: FloatArray) -> np.ndarray[Any, Any]:
    """A UE's state [frame], an index into STATES."""
    latest = np.searchsorted(uploads["begun_s"].to_numpy(), at_s, side="right") - 1
    start_s = uploads["start_s"].to_numpy()[latest]
    end_s = uploads["end_s"].to_numpy()[latest]
    closed_s = uploads["closed_s"].to_numpy()[latest]
    outcome = uploads["outcome"].to_numpy()[latest]
    conditions = [
        (latest < 0) | (at_s > closed_s),
        at_s < start_s,
        at_s < end_s - 2 * JUST_BEFORE_S,
    ]
    return np.select(
        conditions,
        [NO_UPLOAD, COMPUTING, SENDING],
        FIRST_OUTCOME + outcome,
    )


def _round_at(rounds: pl.DataFrame, times: list[float]) -> list[int | None]:
    opened = rounds.group_by("round").agg(at_s=col("start_s").min()).sort("at_s")
    frames = pl.DataFrame({"at_s": times})
    return frames.join_asof(opened, on="at_s")["round"].to_list()


def _whole_steps(distance_m: FloatArray, step_m: float) -> list[list[int | None]]:
    rows = (distance_m / step_m).tolist()
    return [[None if math.isnan(steps) else round(steps) for steps in row] for row in rows]
