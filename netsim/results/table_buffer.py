"""Rows of a table as they come, and the typed frame that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from netsim.errors import RunError
from netsim.protocols import Columns
from netsim.records import TABLES, TableColumn


@cache
def table_schema(table: str) -> dict[str, pl.DataType]:
    """Polars types of a table's columns."""
    return {column.name: _dtype(column) for column in TABLES[table]}


class TableBuffer:
    """Rows of one table as they came: columns, or one value for all rows of a call."""

    def __init__(self, table: str, before: pl.DataFrame | None = None) -> None:
        self.table = table
        self.rows = 0 if before is None else len(before)
        self._before = before  # rows of a part that a resumed run goes on with
        self._names = {column.name for column in TABLES[table]}
        self._calls: list[tuple[Columns, int]] = []  # columns and number of rows of each call

    def append(self, columns: Columns) -> None:
        """Keep the rows of one call. At least one column is an array or a list."""
        if columns.keys() != self._names:
            odd = sorted(columns.keys() ^ self._names)
            raise RunError(f"table {self.table}: columns {odd} are missing or not declared")
        length = self._common_length(columns)
        self._calls.append((columns, length))
        self.rows += length

    def _common_length(self, columns: Columns) -> int:
        lengths = {len(v) for v in columns.values() if isinstance(v, np.ndarray | list)}
        if len(lengths) != 1:
            found = sorted(lengths)
            rule = f"columns must be equally long, found lengths {found}"
            raise RunError(f"table {self.table}: {rule}")
        return lengths.pop()

    def extend(self, other: TableBuffer) -> None:
        """Take over the rows of `other`."""
        self._calls += other._calls
        self.rows += other.rows

    def frame(self) -> pl.DataFrame:
        """All rows, typed; NaN and -1 become null where the table says so."""
        series = []
        for column in TABLES[self.table]:
            pieces = [(columns[column.name], rows) for columns, rows in self._calls]
            series.append(_series(column, pieces))
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


Piece = tuple[Any, int]  # one call's array, list or single value, and its number of rows


def _series(column: TableColumn, pieces: Sequence[Piece]) -> pl.Series:
    """One column from the values of each call."""
    if column.kind in ("str", "list"):
        return pl.Series(
            column.name,
            _joined_lists(pieces),
            dtype=_dtype(column),
        )
    series = pl.Series(column.name, _joined_arrays(column, pieces))
    if column.nullable:
        series = _with_nulls(series, column)
    if column.kind == "enum":
        categories = pl.Series(
            column.name,
            column.categories,
            dtype=_dtype(column),
        )
        return categories.gather(series)
    return series


def _joined_lists(pieces: Sequence[Piece]) -> list[Any]:
    values: list[Any] = []
    for given, rows in pieces:
        if isinstance(given, np.ndarray):
            values += given.tolist()
        elif isinstance(given, list):
            values += given
        else:
            values += [given] * rows
    return values


def _joined_arrays(column: TableColumn, pieces: Sequence[Piece]) -> np.ndarray[Any, Any]:
    kinds: Mapping[str, type[np.generic]] = {"float": np.float64, "bool": np.bool_}
    rows_in_all = sum(rows for _, rows in pieces)
    array = np.empty(rows_in_all, dtype=kinds.get(column.kind, np.int64))
    at = 0
    for given, rows in pieces:
        array[at : at + rows] = given
        at += rows
    return array


def _with_nulls(series: pl.Series, column: TableColumn) -> pl.Series:
    """NaN of floats and -1 of integers mean that there is no value."""
    if column.kind == "float":
        return series.fill_nan(None)
    return series.set(series < 0, None)
