"""Speeds beside places: a speed in another unit than it is taken for shows by a constant factor."""

from __future__ import annotations

import numpy as np
import polars as pl

from netsim.traces.sumo_degrees import PEEK
from netsim.traces.tables.reading import TableReading
from netsim.traces.tables.scan import RawTable
from netsim.units import FloatArray

FACTORS = {
    "km/h": 3.6,
    "mph": 1 / 0.44704,
    "knots": 3600 / 1852,
    "cm/s": 100.0,
}
"""How many of a unit make a metre per second."""
_TOLERANCE = 0.1
_LEAST_MOVE_M = 0.1
_LEAST_STEPS = 2
_MOST_STEPS = 0.8
"""Part of the steps that must show the factor."""


def note_speed(
    raw: RawTable,
    reading: TableReading,
    mobility: pl.LazyFrame,
) -> None:
    """Note where speeds contradict the distances moved by the factor of a unit."""
    first = mobility.select("time_s", "node", "x_m", "y_m", "speed_m_s").head(PEEK)
    ratios = _said_over_moved(raw.collect(first))
    if len(ratios) < _LEAST_STEPS:
        return
    column = reading.columns["speed"].name
    for unit, factor in FACTORS.items():
        close = np.abs(ratios / factor - 1) < _TOLERANCE
        if close.mean() >= _MOST_STEPS:
            note = f"{column} is {factor:.3g} times the distance moved per second"
            reading.notes[f"{note}: say --columns speed={column}:{unit} if it is in {unit}"] = 0


def _said_over_moved(rows: pl.DataFrame) -> FloatArray:
    """The speed said over the speed moved, of each step that moves."""
    ordered = rows.sort("node", "time_s", maintain_order=True)
    same_node = pl.col("node") == pl.col("node").shift()
    moved_m = (pl.col("x_m").diff() ** 2 + pl.col("y_m").diff() ** 2).sqrt()
    said_m = pl.col("speed_m_s") * pl.col("time_s").diff()
    moves = same_node & (moved_m > _LEAST_MOVE_M)
    steps = ordered.select(pl.when(moves).then(said_m / moved_m).alias("ratio"))
    return steps["ratio"].drop_nulls().to_numpy()
