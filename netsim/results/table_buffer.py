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
from netsim.records import TABLES, TableColumn

MANY = (np.ndarray, list)
"""What holds a value for each row; anything else is one value for all rows of a call."""

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


def checked_length(table: str, columns: Columns) -> int:
    """Number of rows of a call. At least one column is an array or a list. Raises RunError."""
    given, declared = columns.keys(), table_schema(table).keys()
    if not _needed(table) <= given <= declared:
        odd = sorted((_needed(table) - given) | (given - declared))
        raise RunError(f"table {table}: columns {odd} are missing or not declared")
    lengths = {len(values) for values in columns.values() if type(values) in MANY}
    if len(lengths) != 1:
        found = sorted(lengths)
        rule = f"columns must be equally long, found lengths {found}"
        raise RunError(f"table {table}: {rule}")
    return lengths.pop()


class TableBuffer:
    """Rows of one table as they came: columns, or one value for all rows of a call."""

    def __init__(self, table: str, before: pl.DataFrame | None = None) -> None:
        self.table = table
        self.rows = 0 if before is None else len(before)
        self._before = before  # rows of a part that a resumed run goes on with
        self._calls: list[tuple[Columns, int]] = []  # columns and number of rows of each call

    def append(self, columns: Columns, rows: int) -> None:
        """Keep the rows of one call, whose number is that of `checked_length`."""
        if rows:
            self._calls.append((columns, rows))
            self.rows += rows

    def frame(self) -> pl.DataFrame:
        """All rows, typed; NaN and -1 become null where the table says so."""
        rows = [rows for _, rows in self._calls]
        series = []
        for column in TABLES[self.table]:
            null = NULLS.get(column.kind)
            pieces = [columns.get(column.name, null) for columns, _ in self._calls]
            series.append(_series(column, pieces, rows))
        frame = pl.DataFrame(series)
        if self._before is None:
            return frame
        return pl.concat([self._before, frame], rechunk=True)


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
    if column.kind in ("str", "list"):
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


def _joined_arrays(
    column: TableColumn,
    pieces: Sequence[Any],
    rows: Sequence[int],
) -> np.ndarray[Any, Any]:
    kinds: Mapping[str, type[np.generic]] = {"float": np.float64, "bool": np.bool_}
    dtype = kinds.get(column.kind, np.int64)
    many = [type(given) in MANY for given in pieces]
    arrays = list(compress(pieces, many))
    if len(arrays) == len(pieces) > 0:
        return np.concatenate(arrays, dtype=dtype, casting="unsafe")
    single = [0 if several else given for given, several in zip(pieces, many, strict=True)]
    array = np.repeat(np.array(single, dtype=dtype), rows)
    if arrays:
        array[np.repeat(many, rows)] = np.concatenate(arrays)
    return array
