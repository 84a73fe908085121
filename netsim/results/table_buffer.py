"""Rows of a table as they come, and the typed frame that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import compress
from typing import Any

import numpy as np
import polars as pl

from netsim.errors import RunError
from netsim.protocols import Columns
from netsim.records import TABLES
from netsim.table_columns import TableColumn

MANY = (np.ndarray, list)
"""What holds a value for each row; anything else is one value for all rows of a call."""

LISTED = ("str", "list")
"""Kinds of columns whose values are no numbers."""

LARGE_ROWS = 2048
"""A call with more rows is kept as it is."""
FIRST_ROOM, MOST_ROOM = 8192, 65_536
"""Rows that smaller calls are written into together: room for so many at first, and at most."""

NULLS: Mapping[str, Any] = {"int": -1, "enum": -1, "float": np.nan}
"""Stand for null in arrays, by kind of column; None in other kinds."""


@cache
def table_schema(table: str) -> dict[str, pl.DataType]:
    """Polars types of a table's columns."""
    return {column.name: _dtype(column) for column in TABLES[table]}


@cache
def _needed(table: str) -> frozenset[str]:
    """Columns that must be given; others are null if they are not."""
    return frozenset(column.name for column in TABLES[table] if not column.nullable)


@cache
def _check_names(table: str, names: tuple[str, ...]) -> None:
    """Raises RunError unless all columns that are needed are given, and no others."""
    given, declared = set(names), table_schema(table).keys()
    if not _needed(table) <= given <= declared:
        odd = sorted((_needed(table) - given) | (given - declared))
        raise RunError(f"table {table}: columns {odd} are missing or not declared")


def checked_length(table: str, columns: Columns) -> int:
    """Number of rows of a call. At least one column is an array or a list. Raises RunError."""
    _check_names(table, tuple(columns))
    lengths = {len(values) for values in columns.values() if type(values) in MANY}
    if len(lengths) != 1:
        found = sorted(lengths)
        rule = f"columns must be equally long, found lengths {found}"
        raise RunError(f"table {table}: {rule}")
    return lengths.pop()


class TableBuffer:
    """Rows of one table as they come. Those of a round count once it is closed.

    Small calls are written into blocks of typed columns, one after the other: a column is then
    joined from a few pieces, not from one for each call. Large ones are kept as they are; their
    arrays must not change afterwards.
    """

    def __init__(self, table: str, before: pl.DataFrame | None = None) -> None:
        self.table = table
        self.rows = 0 if before is None else len(before)  # that count
        self._before = before  # rows of a part that a resumed run goes on with
        self._pieces: list[tuple[Columns, int]] = []  # columns and number of rows of each
        self._block: _Block | None = None  # that takes rows; the pieces came before
        self._pending = 0  # rows of the round in progress

    def append(self, columns: Columns) -> None:
        """Keep the rows of one call. Raises RunError if they are no rows of the table."""
        rows = checked_length(self.table, columns)
        if not rows:
            return
        self._pending += rows
        if rows > LARGE_ROWS:
            self._end_block()
            self._pieces.append((columns, rows))
            return
        if self._block is None:
            self._block = _Block(self.table)
        if self._block.rows + rows > self._block.room and not self._block.grow():
            self._end_block()
            self._block = _Block(self.table)
        self._block.append(columns, rows)

    def clear(self) -> None:
        """Begin anew, in the arrays that are there."""
        self.rows = self._pending = 0
        self._before, self._pieces = None, []
        if self._block is not None:
            self._block.clear()

    def close_round(self) -> int:
        """All rows count from now on; gives how many have come to those that did."""
        closed, self._pending = self._pending, 0
        self.rows += closed
        return closed

    def frame(self) -> pl.DataFrame:
        """The rows that count, typed; NaN and -1 become null where the table says so.

        It may share memory with this buffer, and is of no use once that is cleared.
        """
        pieces = list(self._pieces)
        if self._block is not None:
            pieces.append(self._block.piece())
        rows = [rows for _, rows in pieces]
        series = []
        for column in TABLES[self.table]:
            null = NULLS.get(column.kind)
            given = [columns.get(column.name, null) for columns, _ in pieces]
            series.append(_series(column, given, rows))
        frame = pl.DataFrame(series)
        if self._before is not None:
            frame = pl.concat([self._before, frame], rechunk=True)
        return frame.head(self.rows)

    def _end_block(self) -> None:
        if self._block is not None:
            self._pieces.append(self._block.piece())
        self._block = None


class _Block:
    """Typed columns with room for some rows, filled from the start."""

    def __init__(self, table: str) -> None:
        self.rows, self.room = 0, FIRST_ROOM
        self._nulls: dict[str, Any] = {}
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}
        self._lists: dict[str, list[Any]] = {}
        self._called: dict[tuple[str, ...], list[tuple[str, np.ndarray[Any, Any]]]] = {}
        for column in TABLES[table]:
            if column.kind in LISTED:
                self._lists[column.name] = []
            else:
                null = self._nulls[column.name] = NULLS.get(column.kind)
                self._arrays[column.name] = np.full(self.room, null, _array_type(column))

    def append(self, columns: Columns, rows: int) -> None:
        """Write the rows of one call, for which there is room."""
        begin, self.rows = self.rows, self.rows + rows
        place = slice(begin, self.rows)
        for name, array in self._written_by(tuple(columns)):
            array[place] = columns[name]
        for name, listed in self._lists.items():
            listed += _joined_lists([columns.get(name)], [rows])

    def _written_by(self, names: tuple[str, ...]) -> list[tuple[str, np.ndarray[Any, Any]]]:
        """Arrays of the columns that a call gives."""
        if names not in self._called:
            self._called[names] = [(n, self._arrays[n]) for n in names if n in self._arrays]
        return self._called[names]

    def grow(self) -> bool:
        """Make room for twice as many rows, unless that is too many."""
        if self.room == MOST_ROOM:
            return False
        more = self.room
        self.room += more
        self._called.clear()
        for name, array in self._arrays.items():
            free = np.full(more, self._nulls[name], array.dtype)
            self._arrays[name] = np.concatenate([array, free])
        return True

    def clear(self) -> None:
        """Forget all rows."""
        for name, array in self._arrays.items():
            array[: self.rows] = self._nulls[name]
        self._lists = {name: [] for name in self._lists}
        self.rows = 0

    def piece(self) -> tuple[Columns, int]:
        """Its columns, and number of rows."""
        arrays = {name: array[: self.rows] for name, array in self._arrays.items()}
        return {**arrays, **self._lists}, self.rows


def _dtype(column: TableColumn) -> pl.DataType:
    kinds: Mapping[str, pl.DataType] = {
        "int": pl.Int64(),
        "float": pl.Float64(),
        "str": pl.String(),
        "bool": pl.Boolean(),
        "list": pl.List(pl.Int64),
        "enum": pl.Enum(column.categories or [""]),
    }
    return kinds[column.kind]


def _series(column: TableColumn, pieces: Sequence[Any], rows: Sequence[int]) -> pl.Series:
    """One column from an array, a list or a single value for each call, of so many rows each."""
    if column.kind in LISTED:
        if len(pieces) == 1 and isinstance(pieces[0], np.ndarray):
            return pl.Series(column.name, pieces[0]).arr.to_list()
        return pl.Series(
            column.name,
            _joined_lists(pieces, rows),
            dtype=_dtype(column),
        )
    values = _joined_arrays(column, pieces, rows)
    series = pl.Series(column.name, values, nan_to_null=column.nullable)
    if column.nullable and column.kind != "float":
        series = series.set(series < 0, None)
    if column.kind == "enum":
        categories = pl.Series(
            column.name,
            column.categories,
            dtype=_dtype(column),
        )
        return categories.gather(series)
    return series


def _joined_lists(pieces: Sequence[Any], rows: Sequence[int]) -> list[Any]:
    values: list[Any] = []
    for given, count in zip(pieces, rows, strict=True):
        if isinstance(given, np.ndarray):
            values += given.tolist()
        elif isinstance(given, list):
            values += given
        else:
            values += [given] * count
    return values


def _array_type(column: TableColumn) -> type[np.generic]:
    kinds: Mapping[str, type[np.generic]] = {"float": np.float64, "bool": np.bool_}
    return kinds.get(column.kind, np.int64)


def _joined_arrays(
    column: TableColumn,
    pieces: Sequence[Any],
    rows: Sequence[int],
) -> np.ndarray[Any, Any]:
    dtype = _array_type(column)
    many = [type(given) in MANY for given in pieces]
    arrays = list(compress(pieces, many))
    if len(arrays) == len(pieces) == 1:
        return np.asarray(arrays[0], dtype=dtype)
    if len(arrays) == len(pieces) > 0:
        return np.concatenate(arrays, dtype=dtype, casting="unsafe")
    single = [0 if several else given for given, several in zip(pieces, many, strict=True)]
    array = np.repeat(np.array(single, dtype=dtype), rows)
    if arrays:
        array[np.repeat(many, rows)] = np.concatenate(arrays)
    return array
