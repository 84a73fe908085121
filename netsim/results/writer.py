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
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from netsim.errors import DataError, RunError
from netsim.parquet import check_parquet
from netsim.plain import check_plain_file, why_unreadable
from netsim.protocols import Columns
from netsim.records import TABLES
from netsim.results.plain_files import UNFINISHED, sync_folder
from netsim.results.table_buffer import TableBuffer, table_schema

ROWS_PER_PART = 500_000
MAX_ROUNDS_PER_PART = 100


def rounds_per_part(rows_per_round: int) -> int:
    """Rounds in one part, from the number of rows that one round may write to its largest table."""
    fit = ROWS_PER_PART // max(rows_per_round, 1)
    return max(1, min(MAX_ROUNDS_PER_PART, fit))


class ParquetSink:
    """A RecordSink that buffers the rounds of one part."""

    def __init__(self, folder: Path, rounds_per_part: int) -> None:
        self._folder = folder
        self._rounds_per_part = rounds_per_part
        self._buffers = {table: TableBuffer(table) for table in TABLES}
        self._part = 0
        self.counts = dict.fromkeys(TABLES, 0)

    def write(self, table: str, columns: Columns) -> None:
        """Append rows, which count once their round is closed.

        The arrays must not change afterwards.
        """
        self._buffers[table].append(columns)

    def close_round(self, round: int) -> None:
        """Accept the rows written since the last call; write a part at multiples of its length."""
        for table, buffer in self._buffers.items():
            self.counts[table] += buffer.close_round()
        if (round + 1) % self._rounds_per_part == 0:
            self._flush()

    def close(self) -> None:
        """Write the rows of closed rounds; those of an unfinished round are dropped."""
        self._flush()

    def save(self) -> dict[str, Any]:
        """Write the open part up to the last closed round; returns what `resume` needs."""
        self._write()
        rows = {table: buffer.rows for table, buffer in self._buffers.items()}
        return {
            "part": self._part,
            "rows_in_part": rows,
            "rows": dict(self.counts),
        }

    @classmethod
    def resume(
        cls,
        folder: Path,
        rounds_per_part: int,
        saved: Mapping[str, Any],
    ) -> ParquetSink:
        """A sink that goes on where `save` was called; later parts are deleted.

        Raises DataError if rows are missing.
        """
        sink = cls(folder, rounds_per_part)
        sink._part = saved["part"]
        for table in TABLES:
            rows = saved["rows"][table]
            in_part = saved["rows_in_part"][table]
            tail = _TableTail(
                folder / table,
                sink._part,
                rows - in_part,
                in_part,
            )
            sink.counts[table] = rows
            sink._buffers[table] = TableBuffer(table, tail.reopened())
        return sink

    def _flush(self) -> None:
        self._write()
        for buffer in self._buffers.values():
            buffer.clear()
        self._part += 1

    def _write(self) -> None:
        for table, buffer in self._buffers.items():
            if buffer.rows:
                write_parquet(buffer.frame(), self._folder / table / _part_name(self._part))


class MemorySink:
    """A RecordSink that keeps everything; for forecasts and tests."""

    def __init__(self) -> None:
        self._buffers = {table: TableBuffer(table) for table in TABLES}

    def write(self, table: str, columns: Columns) -> None:
        """Append rows."""
        self._buffers[table].append(columns)
        self._buffers[table].close_round()

    def close_round(self, round: int) -> None:
        """Nothing to do: rows count at once."""

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table."""
        return self._buffers[table].frame()


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file so that it is either whole or absent. Raises RunError."""
    temporary = path.with_name(path.name + UNFINISHED)
    try:
        path.parent.mkdir(exist_ok=True)  # not its parents: a run folder that is gone is an error
        with temporary.open("wb") as file:
            frame.write_parquet(file, compression="zstd", compression_level=1)
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except (OSError, pl.exceptions.ComputeError) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise RunError(f"{path}: cannot be written: {_reason(error)}") from None


def _reason(error: OSError | pl.exceptions.ComputeError) -> str:
    """What the operating system says; polars wraps it in words of its own."""
    number = re.search(r"os error (\d+)", str(error))
    if number is not None:
        return os.strerror(int(number[1]))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _part_name(number: int) -> str:
    return f"part-{number:06d}.parquet"


@dataclass(frozen=True)
class _TableTail:
    """The end of a table's folder, as a resumed run takes it up again."""

    folder: Path  # its name is that of the table
    part: int  # the open one
    rows_before: int  # in earlier parts
    rows_in_part: int  # of the open part, those of rounds closed before the checkpoint

    def reopened(self) -> pl.DataFrame | None:
        """The rows of the open part that count; later rows and parts are deleted.

        Raises DataError if the folder holds other rows than it should.
        """
        expected = self.rows_before + self.rows_in_part
        if not self.folder.is_dir():
            if expected:
                raise DataError(f"{expected} rows are missing", where=self.folder)
            return None
        try:
            self._delete_later_parts()
            earlier = self._count_earlier_rows()
            opened = self._open_part()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._unreadable(error) from None
        held = earlier + (0 if opened is None else len(opened))
        if held != expected:
            raise DataError(f"must have {expected} rows, has {held}", where=self.folder)
        schema = table_schema(self.folder.name)
        if opened is not None and list(opened.schema.items()) != list(schema.items()):
            rule = "its columns must be those of the table, of the same types and in their order"
            raise DataError(rule, where=self.folder / _part_name(self.part))
        return opened

    def _unreadable(self, error: Exception) -> DataError:
        """What is wrong with the first part that cannot be read, or with the folder."""
        for path in sorted(self.folder.glob("part-*.parquet")):
            try:
                check_parquet(path)
                pl.read_parquet(path, glob=False)
            except DataError as fault:
                return fault
            except (OSError, pl.exceptions.PolarsError) as fault:
                return DataError(why_unreadable(path, fault), where=path)
        where = error.strerror if isinstance(error, OSError) and error.strerror else ""
        rule = f"cannot be read: {where or 'its parts do not fit together'}"
        return DataError(rule, where=self.folder)

    def _delete_later_parts(self) -> None:
        name = _part_name(self.part)
        for path in self.folder.glob("part-*"):
            unfinished = path.suffix == UNFINISHED
            empty = path.name == name and not self.rows_in_part
            if unfinished or empty or path.name > name:
                path.unlink()

    def _count_earlier_rows(self) -> int:
        parts = sorted(self.folder.glob("part-*.parquet"))
        earlier = [path for path in parts if path.name < _part_name(self.part)]
        if not earlier:
            return 0
        for path in earlier:
            check_plain_file(path)
            check_parquet(path)
        count: int = pl.scan_parquet(earlier, glob=False).select(pl.len()).collect().item()
        return count

    def _open_part(self) -> pl.DataFrame | None:
        if not self.rows_in_part:
            return None
        path = self.folder / _part_name(self.part)
        check_plain_file(path)
        check_parquet(path)
        return pl.read_parquet(path, glob=False).head(self.rows_in_part)
