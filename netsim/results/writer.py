"""Streams tables to Parquet parts in bounded memory.

A part holds whole rounds and closes at fixed multiples of `rounds_per_part`, so the same run gives
the same files. Every file is written under a temporary name, synced, and renamed. A checkpoint
writes the open part as far as it goes and remembers how many rows that is; a resumed run takes
these rows again, drops what came later, and closes the part at the same multiple with the same
bytes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from netsim.errors import DataError, RunError
from netsim.protocols import Columns
from netsim.records import TABLES, Column
from netsim.results.run_folder import sync_folder

ROWS_PER_PART = 500_000
MAX_ROUNDS_PER_PART = 100


def rounds_per_part(rows_per_round: int) -> int:
    """Rounds in one part, from the number of rows that one round may write to its largest table."""
    return max(1, min(MAX_ROUNDS_PER_PART, ROWS_PER_PART // max(rows_per_round, 1)))


def table_schema(table: str) -> dict[str, pl.DataType]:
    """Polars types of a table's columns."""
    return {c.name: _dtype(c) for c in TABLES[table]}


class TableBuffer:
    """Rows of one table as they came: columns, or one value for all rows of a call."""

    def __init__(self, table: str, before: pl.DataFrame | None = None) -> None:
        self.table = table
        self.rows = 0 if before is None else len(before)
        self._before = before  # rows of a part that a resumed run goes on with
        self._names = {c.name for c in TABLES[table]}
        self._calls: list[tuple[Columns, int]] = []

    def append(self, columns: Columns) -> None:
        """Keep the rows of one call. At least one column is an array or a list."""
        if columns.keys() != self._names:
            odd = sorted(columns.keys() ^ self._names)
            raise RunError(f"table {self.table}: columns {odd} are missing or not declared")
        lengths = {len(v) for v in columns.values() if isinstance(v, np.ndarray | list)}
        if len(lengths) != 1:
            raise RunError(
                f"table {self.table}: columns must be equally long, found lengths {sorted(lengths)}"
            )
        length = lengths.pop()
        self._calls.append((columns, length))
        self.rows += length

    def extend(self, other: TableBuffer) -> None:
        """Take over the rows of `other`."""
        self._calls += other._calls
        self.rows += other.rows

    def frame(self) -> pl.DataFrame:
        """All rows, typed; NaN and -1 become null where the table says so."""
        frame = pl.DataFrame(
            [
                _series(column, [(call[column.name], n) for call, n in self._calls])
                for column in TABLES[self.table]
            ]
        )
        return frame if self._before is None else pl.concat([self._before, frame], rechunk=True)


class ParquetSink:
    """A RecordSink that buffers the rounds of one part."""

    def __init__(self, folder: Path, rounds_per_part: int) -> None:
        self._folder = folder
        self._rounds_per_part = rounds_per_part
        self._closed = {table: TableBuffer(table) for table in TABLES}
        self._pending = {table: TableBuffer(table) for table in TABLES}  # of the round in progress
        self._part = 0
        self.counts = dict.fromkeys(TABLES, 0)

    def write(self, table: str, columns: Columns) -> None:
        """Append rows; they count once their round is closed. The arrays must not change
        afterwards.
        """
        self._pending[table].append(columns)

    def close_round(self, round: int) -> None:
        """Accept the rows written since the last call; write a part at multiples of its length."""
        for table, buffer in self._pending.items():
            self._closed[table].extend(buffer)
            self.counts[table] += buffer.rows
        self._pending = {table: TableBuffer(table) for table in TABLES}
        if (round + 1) % self._rounds_per_part == 0:
            self._flush()

    def close(self) -> None:
        """Write what closed rounds have left; rows of an unfinished round are dropped."""
        self._flush()

    def save(self) -> dict[str, Any]:
        """Write the open part as it stands after the last closed round; what `resume` needs to go
        on.
        """
        self._write()
        rows = {table: buffer.rows for table, buffer in self._closed.items()}
        return {"part": self._part, "rows_in_part": rows, "rows": dict(self.counts)}

    @classmethod
    def resume(cls, folder: Path, rounds_per_part: int, saved: Mapping[str, Any]) -> ParquetSink:
        """A sink that goes on where `save` was called; later parts are deleted. Raises
        DataError.
        """
        sink = cls(folder, rounds_per_part)
        sink._part = saved["part"]
        for table in TABLES:
            sink.counts[table] = rows = saved["rows"][table]
            in_part = saved["rows_in_part"][table]
            before = _truncate(folder / table, table, sink._part, rows - in_part, in_part)
            sink._closed[table] = TableBuffer(table, before)
        return sink

    def _flush(self) -> None:
        self._write()
        self._closed = {table: TableBuffer(table) for table in TABLES}
        self._part += 1

    def _write(self) -> None:
        for table, buffer in self._closed.items():
            if buffer.rows:
                write_parquet(buffer.frame(), self._folder / table / _part_name(self._part))


class MemorySink:
    """A RecordSink that keeps everything; for forecasts and tests."""

    def __init__(self) -> None:
        self._buffers = {table: TableBuffer(table) for table in TABLES}

    def write(self, table: str, columns: Columns) -> None:
        """Append rows."""
        self._buffers[table].append(columns)

    def close_round(self, round: int) -> None:
        """Nothing to do."""

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table."""
        return self._buffers[table].frame()


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file so that it is either whole or absent. Raises RunError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(temporary, compression="zstd", compression_level=1)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except (OSError, pl.exceptions.ComputeError) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """What the operating system says; polars wraps it in words of its own."""
    number = re.search(r"os error (\d+)", str(error))
    return os.strerror(int(number[1])) if number else getattr(error, "strerror", None) or str(error)


def _part_name(number: int) -> str:
    return f"part-{number:06d}.parquet"


def _truncate(folder: Path, table: str, part: int, before: int, rows: int) -> pl.DataFrame | None:
    """The first `rows` rows of a part, later parts being deleted; `before` rows lie in the earlier
    ones.
    """
    name = _part_name(part)
    if not folder.is_dir():
        if before + rows:
            raise DataError(f"{before + rows} rows are missing", where=folder)
        return None
    try:
        for path in folder.glob("part-*"):
            if path.suffix == ".tmp" or path.name > name or (path.name == name and not rows):
                path.unlink()
        earlier = [path for path in sorted(folder.glob("part-*.parquet")) if path.name < name]
        found = pl.scan_parquet(earlier).select(pl.len()).collect().item() if earlier else 0
        opened = pl.read_parquet(folder / name).head(rows) if rows else None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot be read: {error}", where=folder) from None
    held = found + (0 if opened is None else len(opened))
    if held != before + rows or (opened is not None and dict(opened.schema) != table_schema(table)):
        raise DataError(f"must have {before + rows} rows of its columns, has {held}", where=folder)
    return opened


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


def _series(column: Column, pieces: Sequence[tuple[Any, int]]) -> pl.Series:
    """One column from the values of each call (an array, a list, or one value for its rows)."""
    dtype = _dtype(column)
    if column.kind in ("str", "list"):
        values: list[Any] = []
        for given, length in pieces:
            rows = given.tolist() if isinstance(given, np.ndarray) else given
            values += rows if isinstance(rows, list) else [rows] * length
        return pl.Series(column.name, values, dtype=dtype)
    kinds: Mapping[str, type[np.generic]] = {"float": np.float64, "bool": np.bool_}
    array: np.ndarray[Any, Any] = np.empty(
        sum(length for _, length in pieces), dtype=kinds.get(column.kind, np.int64)
    )
    at = 0
    for given, length in pieces:
        array[at : at + length] = given
        at += length
    series = pl.Series(column.name, array)
    if column.nullable:
        series = series.fill_nan(None) if column.kind == "float" else series.set(series < 0, None)
    if column.kind == "enum":
        return pl.Series(column.name, column.categories, dtype=dtype).gather(series)
    return series
