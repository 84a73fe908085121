"""The map's data: sites, their Voronoi cells, UEs at chosen times and how their uploads ended."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from polars import col
from scipy.spatial import QhullError, Voronoi

from netsim.reports.columns import PageBudget, collect, evenly
from netsim.reports.ue_tracks import UeTracks, moments, moving_tracks, standing, states
from netsim.results.reader import Run
from netsim.units import FloatArray

SITES = 400  # more are not told apart on a page
STEPS = 4000  # resolution of positions, across the map
MARGIN = 0.35  # around what is on the map, of its extent
MARGIN_OF_NETWORK = 0.08  # where several cells fill it
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
    frames = _frames_that_fit(len(ues), budget)
    moving = run.mobility.head(1).collect().height > 0
    times = moments(
        run,
        rounds,
        frames,
        moving=moving,
    )
    tracks = moving_tracks(run, ues, times) if moving else standing(ues)
    if not np.isfinite(tracks.x_m).any():
        return None
    notes = [f"{len(times)} moments of the run are on this page"]
    if len(ues) < len(all_ues):
        notes.insert(0, f"{len(ues)} of {len(all_ues)} UEs are drawn")
    sites = collect(run.sites.sort("gnb"))
    window = _window(tracks, sites)
    numbers = ues["ue"].to_list()
    return {
        "ues": numbers,
        "time_s": [round(time_s, 3) for time_s in times],
        "round": _round_at(rounds, times),
        "gnb": tracks.gnb,
        "states": states(
            run,
            numbers,
            rounds,
            np.array(times),
        ),
        "moving": moving,
        **_positions(tracks, window),
        **_sites_and_cells(
            _sites_inside(sites, window),
            window,
            notes,
        ),
    }


def _frames_that_fit(ues: int, budget: PageBudget) -> int:
    points_per_ue = budget.map_points // ues
    return min(budget.rounds, max(2, points_per_ue))


def _sites_and_cells(
    sites: pl.DataFrame,
    window: FloatArray,
    notes: list[str],
) -> dict[str, Any]:
    """Sites and cells, unless there are too many; and what the page leaves out."""
    drawn = sites
    if len(sites) > SITES:
        notes = [*notes, f"{len(sites)} sites are too many to draw with their cells"]
        drawn = sites.head(0)
    return {
        "sites": _places(drawn),
        "cells": _cells(drawn, window),
        "note": "; ".join(notes),
    }


def _positions(tracks: UeTracks, window: FloatArray) -> dict[str, Any]:
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


def voronoi_cells(
    x_m: pl.Series,
    y_m: pl.Series,
    window: FloatArray,
) -> list[FloatArray]:
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
    return [
        np.clip(
            diagram.vertices[region],
            low,
            high,
        )
        for region in bounded
    ]


def _cells(sites: pl.DataFrame, window: FloatArray) -> list[list[list[float]]]:
    corners = voronoi_cells(
        sites["x_m"],
        sites["y_m"],
        window,
    )
    return [cell.round(1).tolist() for cell in corners]


def _window(tracks: UeTracks, sites: pl.DataFrame) -> FloatArray:
    """(x_min, y_min, x_max, y_max) around all positions and serving sites, with a margin."""
    serving = {gnb for frame in tracks.gnb for gnb in frame if gnb is not None}
    near = sites.filter(col("gnb").is_in(serving))
    seen = np.isfinite(tracks.x_m)
    x_m = np.concatenate([tracks.x_m[seen], near["x_m"].to_numpy()])
    y_m = np.concatenate([tracks.y_m[seen], near["y_m"].to_numpy()])
    low = np.array([x_m.min(), y_m.min()])
    high = np.array([x_m.max(), y_m.max()])
    extent_m = max(float((high - low).max()), LEAST_EXTENT_M)
    margin = extent_m * (MARGIN_OF_NETWORK if len(serving) > 1 else MARGIN)
    return np.concatenate([low - margin, high + margin])


def _sites_inside(sites: pl.DataFrame, window: FloatArray) -> pl.DataFrame:
    x_min, y_min, x_max, y_max = window.tolist()
    within_x = col("x_m").is_between(x_min, x_max)
    within_y = col("y_m").is_between(y_min, y_max)
    return sites.filter(within_x & within_y)


def _round_at(rounds: pl.DataFrame, times: list[float]) -> list[int | None]:
    opened = rounds.group_by("round").agg(at_s=col("start_s").min()).sort("at_s")
    frames = pl.DataFrame({"at_s": times})
    return frames.join_asof(opened, on="at_s")["round"].to_list()


def _whole_steps(distance_m: FloatArray, step_m: float) -> list[list[int | None]]:
    rows = (distance_m / step_m).tolist()
    return [[None if math.isnan(steps) else round(steps) for steps in row] for row in rows]
