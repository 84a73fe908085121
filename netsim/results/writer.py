"""Streams tables to Parquet parts in bounded memory.

A part holds whole rounds and closes at fixed multiples of `rounds_per_part`, so the same run gives
the same files. Every file is written under a temporary name, synced, and renamed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from netsim.errors import RunError
from netsim.protocols import Columns
from netsim.records import TABLES, Column

ROWS_PER_PART = 500_000
MAX_ROUNDS_PER_PART = 100


def rounds_per_part(rows_per_round: int) -> int:
    """Rounds in one part, from the number of rows that one round may write to its largest table."""
    return max(1, min(MAX_ROUNDS_PER_PART, ROWS_PER_PART // max(rows_per_round, 1)))


def table_schema(table: str) -> dict[str, pl.DataType]:
    """Polars types of a table's columns."""
    return {c.name: _dtype(c) for c in TABLES[table]}


def to_frame(table: str, columns: Columns) -> pl.DataFrame:
    """Columns as a frame with the table's types; NaN and -1 become null where the table says so."""
    declared = TABLES[table]
    if set(columns) != {c.name for c in declared}:
        odd = set(columns) ^ {c.name for c in declared}
        raise RunError(f"table {table}: columns {sorted(odd)} are missing or not declared")
    length = max(len(v) for v in columns.values() if np.ndim(v) > 0)
    return pl.DataFrame([_series(c, columns[c.name], length) for c in declared])


class ParquetSink:
    """A RecordSink that buffers the rounds of one part."""

    def __init__(self, folder: Path, rounds_per_part: int) -> None:
        self._folder = folder
        self._rounds_per_part = rounds_per_part
        self._open: dict[str, list[pl.DataFrame]] = {}
        self._pending: dict[str, list[pl.DataFrame]] = {}  # of the round in progress
        self._part = 0
        self.counts = dict.fromkeys(TABLES, 0)

    def write(self, table: str, columns: Columns) -> None:
        """Append rows; they count once their round is closed."""
        self._pending.setdefault(table, []).append(to_frame(table, columns))

    def close_round(self, round: int) -> None:
        """Accept the rows written since the last call; write a part at multiples of its length."""
        for table, frames in self._pending.items():
            self._open.setdefault(table, []).extend(frames)
            self.counts[table] += sum(len(f) for f in frames)
        self._pending = {}
        if (round + 1) % self._rounds_per_part == 0:
            self._flush()

    def close(self) -> None:
        """Write what closed rounds have left; rows of an unfinished round are dropped."""
        self._pending = {}
        self._flush()

    def _flush(self) -> None:
        for table, frames in self._open.items():
            frame = pl.concat(frames)
            if len(frame):
                write_parquet(frame, self._folder / table / f"part-{self._part:06d}.parquet")
        self._open = {}
        self._part += 1


class MemorySink:
    """A RecordSink that keeps everything; for forecasts and tests."""

    def __init__(self) -> None:
        self._frames: dict[str, list[pl.DataFrame]] = {}

    def write(self, table: str, columns: Columns) -> None:
        """Append rows."""
        self._frames.setdefault(table, []).append(to_frame(table, columns))

    def close_round(self, round: int) -> None:
        """Nothing to do."""

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table."""
        return pl.concat([pl.DataFrame(schema=table_schema(table)), *self._frames.get(table, [])])


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file so that it is either whole or absent. Raises RunError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(temporary, compression="zstd", statistics=True)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from None


def _dtype(column: Column) -> pl.DataType:
    kinds: Mapping[str, pl.DataType] = {
        "int": pl.Int64(),
        "float": pl.Float64(),
        "str": pl.String(),
        "bool": pl.Boolean(),
        "list": pl.List(pl.Int64),
        "enum": pl.Enum(column.categories or [""]),
    }
    return kinds[column.kind]


def _series(column: Column, values: Any, length: int) -> pl.Series:
    dtype = _dtype(column)
    if column.kind == "enum":
        codes = pl.Series(np.broadcast_to(np.asarray(values, dtype=np.int64), length))
        codes = codes.set(codes < 0, None) if column.nullable else codes
        return pl.Series(column.name, column.categories, dtype=dtype).gather(codes)
    if column.kind in ("int", "float"):
        number = np.int64 if column.kind == "int" else np.float64
        series = pl.Series(column.name, np.broadcast_to(np.asarray(values, dtype=number), length))
        if column.nullable:
            return series.fill_nan(None) if column.kind == "float" else series.set(series < 0, None)
        return series
    if column.kind == "list":
        return pl.Series(column.name, np.asarray(values, dtype=np.int64).tolist(), dtype=dtype)
    if np.ndim(values) == 0:
        return pl.Series(column.name, [values], dtype=dtype).new_from_index(0, length)
    return pl.Series(column.name, values, dtype=dtype)
