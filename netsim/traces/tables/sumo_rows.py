"""Rows of SUMO's CSV and Parquet: persons and containers beside vehicles, and empty timesteps."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from netsim.traces.tables.scan import RawTable

_TIME = r"^[\d:.]+$"


def with_persons(raw: RawTable, notes: dict[str, int]) -> RawTable:
    """SUMO's rows with persons and containers as nodes, and without its empty timesteps."""
    frame = raw.frame
    for kind in ("person", "container"):
        for name in raw.names:
            of_vehicle = f"vehicle_{name.removeprefix(f'{kind}_')}"
            if name.startswith(f"{kind}_") and of_vehicle in raw.names:
                frame = frame.with_columns(pl.coalesce(of_vehicle, name).alias(of_vehicle))
        if f"{kind}_id" in raw.names:
            count = pl.col(f"{kind}_id").is_not_null().sum()
            samples = raw.collect(raw.frame.select(count)).item()
            if samples:
                notes[f"samples of {kind}s, taken as nodes"] = samples
    has_time = pl.col("timestep_time").cast(pl.String).str.contains(_TIME)
    is_empty = pl.col("vehicle_id").is_null() & has_time
    empty = raw.collect(frame.select(is_empty.sum())).item()
    if empty:
        notes["timesteps without vehicles"] = empty
        frame = frame.filter(~is_empty.fill_null(value=False))
    return replace(raw, frame=frame)
