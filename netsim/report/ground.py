"""The map's data: sites, their Voronoi cells, UEs at chosen times and how their uploads ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.spatial import QhullError, Voronoi

from netsim.records import OUTCOMES
from netsim.report.columns import Budget, collect, evenly
from netsim.results.reader import Run
from netsim.units import FloatArray

STATES = ("no_upload", "computing", "sending", *OUTCOMES)
SITES = 400  # more are not told apart on a page
STEPS = 4000  # resolution of positions, across the map
JUST_BEFORE_S = 1e-6  # a round ends when the next begins: look at it before


def ground(run: Run, budget: Budget) -> dict[str, Any] | None:
    """Everything the map shows; None if the run knows no positions.

    Positions travel as whole steps of `step_m` from `origin_m`; `states` has one character per UE
    and frame, an index into STATES.
    """
    ues = collect(run.ues.select("ue", "gnb", "x_m", "y_m").sort("ue"))
    rounds = collect(run.rounds.select("round", "gnb", "start_s", "end_s").sort("start_s"))
    if not len(ues) or not len(rounds):
        return None
    total = len(ues)
    shown = ues[evenly(range(total), budget.rows * 2)]
    moving = run.mobility.head(1).collect().height > 0
    count = min(budget.rounds, max(2, budget.map_points // len(shown)))
    times = _times(run, rounds, count, moving=moving)
    x, y, gnb = _positions(run, shown, times, moving=moving)
    if not np.isfinite(x).any():
        return None
    sites = collect(run.sites.sort("gnb"))
    window = _window(x, y, sites, {g for row in gnb for g in row if g is not None})
    inside = sites.filter(
        pl.col("x_m").is_between(window[0], window[2])
        & pl.col("y_m").is_between(window[1], window[3])
    )
    step = max(window[2] - window[0], window[3] - window[1]) / STEPS
    notes = []
    if len(shown) < total:
        notes.append(f"{len(shown)} of {total} UEs are drawn")
    if len(inside) > SITES:
        notes.append(f"{len(inside)} sites are too many to draw with their cells")
        inside = inside.head(0)
    notes.append(f"{len(times)} moments of the run are on this page")
    return {
        "origin_m": [float(window[0]), float(window[1])],
        "step_m": step,
        "window_m": [float(v) for v in window],
        "ues": shown["ue"].to_list(),
        "time_s": [round(t, 3) for t in times],
        "round": _round_at(rounds, times),
        "x": _whole((x - window[0]) / step),
        "y": _whole((y - window[1]) / step),
        "gnb": gnb,
        "states": _states(run, shown["ue"], rounds, times),
        "sites": {
            "gnb": inside["gnb"].to_list(),
            "x_m": inside["x_m"].round(1).to_list(),
            "y_m": inside["y_m"].round(1).to_list(),
        },
        "cells": [c.round(1).tolist() for c in voronoi_cells(inside["x_m"], inside["y_m"], window)],
        "note": "; ".join(notes),
        "moving": moving,
    }


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
    regions = [diagram.regions[diagram.point_region[i]] for i in range(len(sites))]
    return [np.clip(diagram.vertices[r], low, high) for r in regions if r and -1 not in r]


def _times(run: Run, rounds: pl.DataFrame, count: int, *, moving: bool) -> list[float]:
    """Evenly spaced times, and the moments at which rounds end."""
    ends = rounds.group_by("round").agg(pl.col("end_s").max())["end_s"].sort()
    first, last = rounds.select(pl.col("start_s").min(), pl.col("end_s").max()).row(0)
    if moving:
        span = run.mobility.select(pl.col("time_s").min(), pl.col("time_s").max().alias("last"))
        begun, gone = collect(span).row(0)
        first, last = min(first, begun), min(last, gone)
    closing = [t - JUST_BEFORE_S for t in evenly(ends.filter(ends <= last).to_list(), count // 3)]
    return sorted({*np.linspace(first, last, count - len(closing)).tolist(), *closing})


def _positions(
    run: Run, ues: pl.DataFrame, times: list[float], *, moving: bool
) -> tuple[FloatArray, FloatArray, list[list[int | None]]]:
    """x [frame, UE], y [frame, UE] in m (NaN where a UE is not there), serving gNB [frame][UE].

    One frame for all times where UEs stand still; between samples they go straight on.
    """
    if not moving:
        return ues["x_m"].to_numpy()[None], ues["y_m"].to_numpy()[None], [ues["gnb"].to_list()]
    bin_s = max((times[-1] - times[0]) / (4 * len(times)), 1e-9)
    samples = collect(
        run.mobility.filter(
            pl.col("ue").is_in(ues["ue"].to_list()) & (pl.col("time_s") <= times[-1])
        )
        .group_by("ue", ((pl.col("time_s") - times[0]) / bin_s).floor().alias("bin"))
        .agg(pl.col("time_s", "x_m", "y_m", "gnb").sort_by("time_s").last())
        .sort("ue", "time_s")
    ).partition_by("ue", as_dict=True)
    x, y = np.full((2, len(times), len(ues)), np.nan)
    gnb = np.full((len(times), len(ues)), -1)
    at = np.array(times)
    for column, ue in enumerate(ues["ue"].to_list()):
        mine = samples.get((ue,))
        if mine is None:
            continue
        t = mine["time_s"].to_numpy()
        here = (at >= t[0] - bin_s) & (at <= t[-1] + bin_s)
        x[here, column] = np.interp(at[here], t, mine["x_m"].to_numpy())
        y[here, column] = np.interp(at[here], t, mine["y_m"].to_numpy())
        latest = np.maximum(np.searchsorted(t, at[here], side="right") - 1, 0)
        gnb[here, column] = mine["gnb"].fill_null(-1).to_numpy()[latest]
    return x, y, [[None if g < 0 else g for g in row] for row in gnb.tolist()]


def _window(x: FloatArray, y: FloatArray, sites: pl.DataFrame, serving: set[int]) -> FloatArray:
    """Around all positions and the serving sites, with a margin; whole sites if there are few."""
    near = sites.filter(pl.col("gnb").is_in(serving))
    xs = np.concatenate([x[np.isfinite(x)], near["x_m"].to_numpy()])
    ys = np.concatenate([y[np.isfinite(y)], near["y_m"].to_numpy()])
    low = np.array([xs.min(), ys.min()])
    high = np.array([xs.max(), ys.max()])
    margin = 0.35 * max(float((high - low).max()), 100.0)
    return np.concatenate([low - margin, high + margin])


def _states(run: Run, ues: pl.Series, rounds: pl.DataFrame, times: list[float]) -> list[str]:
    """One string per frame: what every UE is at, or how its upload of this round has ended."""
    ends = rounds.group_by("round").agg(pl.col("end_s").max().alias("closed_s"))
    begun = pl.col("start_s") - pl.col("wait_s") - pl.col("compute_s") - pl.col("download_s")
    uploads = collect(
        run.uploads.filter(pl.col("ue").is_in(ues.to_list()))
        .group_by("round", "ue")
        .agg(
            begun.min().alias("begun_s"),
            pl.col("start_s").min(),
            pl.col("end_s").max(),
            pl.col("outcome").to_physical().max().cast(pl.Int64),
        )
    )
    uploads = uploads.join(ends, on="round", how="left").sort("ue", "begun_s")
    by_ue = uploads.partition_by("ue", as_dict=True)
    at = np.array(times)
    out = np.zeros((len(times), len(ues)), dtype=np.int64)
    for column, ue in enumerate(ues.to_list()):
        mine = by_ue.get((ue,))
        if mine is None:
            continue
        latest = np.searchsorted(mine["begun_s"].to_numpy(), at, side="right") - 1
        row = {c: mine[c].to_numpy()[latest] for c in ("start_s", "end_s", "closed_s", "outcome")}
        ended = len(STATES) - len(OUTCOMES) + row["outcome"]
        state = np.where(at < row["end_s"] - 2 * JUST_BEFORE_S, STATES.index("sending"), ended)
        state = np.where(at < row["start_s"], STATES.index("computing"), state)
        out[:, column] = np.where((latest < 0) | (at > row["closed_s"]), 0, state)
    return ["".join(map(str, row)) for row in out.tolist()]


def _round_at(rounds: pl.DataFrame, times: list[float]) -> list[int | None]:
    opened = (
        rounds.group_by("round")
        .agg(pl.col("start_s").min())
        .sort("start_s")
        .rename({"start_s": "t"})
    )
    frames = pl.DataFrame({"t": times})
    return frames.join_asof(opened, on="t")["round"].to_list()


def _whole(values: FloatArray) -> list[list[int | None]]:
    return [[None if np.isnan(v) else round(v) for v in row] for row in values.tolist()]
