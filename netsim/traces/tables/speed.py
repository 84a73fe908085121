"""Speeds beside places: a speed in another unit than it is taken for shows by a constant factor."""

from __future__ import annotations

import polars as pl

from netsim.traces.sumo import PEEK
from netsim.traces.tables.reading import TableReading
from netsim.traces.tables.scan import RawTable

FACTORS = {
    "km/h": 3.6,
    "mph": 1 / 0.44704,
    "knots": 3600 / 1852,
    "cm/s": 100.0,
}
"""How many of a unit make a metre per second."""
_TOLERANCE = 0.1
_LEAST_MOVE_M = 10.0


def note_speed(raw: RawTable, reading: TableReading, mobility: pl.LazyFrame) -> None:
    """Note where speeds contradict the distances moved by the factor of a unit."""
    first = mobility.select("time_s", "node", "x_m", "y_m", "speed_m_s").head(PEEK)
    ratio = _speed_per_move(raw.collect(first))
    if ratio is None:
        return
    column = reading.columns["speed"].name
    for unit, factor in FACTORS.items():
        if abs(ratio / factor - 1) < _TOLERANCE:
            note = f"{column} is {ratio:.3g} times the distance moved per second"
            reading.notes[f"{note}: say --columns speed={column}:{unit} if it is in {unit}"] = 0


def _speed_per_move(rows: pl.DataFrame) -> float | None:
    """Mean speed said over the mean speed moved; None where hardly anything moves."""
    ordered = rows.sort("node", "time_s", maintain_order=True)
    same_node = pl.col("node") == pl.col("node").shift()
    moved_m = (pl.col("x_m").diff() ** 2 + pl.col("y_m").diff() ** 2).sqrt()
    said_m = pl.col("speed_m_s") * pl.col("time_s").diff()
    steps = ordered.select(
        moved=pl.when(same_node).then(moved_m),
        said=pl.when(same_node).then(said_m),
    )
    moved, said = steps.drop_nulls().sum().row(0)
    if not moved or moved < _LEAST_MOVE_M or not said:
        return None
    return float(said / moved)
