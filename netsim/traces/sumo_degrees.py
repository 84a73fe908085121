"""Whether x and y of SUMO's rows are longitude and latitude, which nothing in them says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError

PEEK = 5_000
"""Rows that are looked at."""
GEO, METRES = "geo", "metres"
"""Details of the format."""


def forced_geo(path: Path, detail: str) -> bool:
    """What the user says about x and y. Raises DataError."""
    if detail not in (GEO, METRES):
        raise DataError("sumo: must be sumo:geo or sumo:metres", where=path, value=detail)
    return detail == GEO


def looks_like_degrees(first: pl.DataFrame) -> bool:
    """Whether `x_m` and `y_m` of a trace's first rows are longitude and latitude.

    They are if in range, and vehicles seem to move a thousand times slower than their speed says.
    Where nothing moves: if they have more than the two decimals that SUMO gives to metres.
    """
    places = first.select("x_m", "y_m").to_numpy()
    if not len(places) or not (np.abs(places) <= [180, 90]).all():
        return False
    same_node = pl.col("node") == pl.col("node").shift()
    squared = pl.col("x_m").diff() ** 2 + pl.col("y_m").diff() ** 2
    moves = first.sort("node", "time_s", maintain_order=True).select(
        moved=pl.when(same_node).then(squared.sqrt()),
        expected=pl.when(same_node).then(pl.col("speed_m_s") * pl.col("time_s").diff()),
    )
    moved, expected = moves.drop_nulls().sum().row(0)
    if expected > 10:
        return bool(moved < expected / 1000)
    cents = places * 100
    return bool((np.abs(cents - np.rint(cents)) > 1e-6).any())
