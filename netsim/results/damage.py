"""Damaged or foreign tables: which file it is, and what is wrong with it.

A run folder may come from a stranger, a full disk or another version. What is wrong shows at once
in the footers of the tables' files; what hides in their pages shows when they are read, and the
error then met names no file: so the file is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from polars import col

from netsim.errors import DataError, NetsimError
from netsim.plain import parquet_fault, why_unreadable
from netsim.records import SCHEMA, TABLES
from netsim.results.table_buffer import table_schema
from netsim.results.tables import RunTables
from netsim.table_columns import TableColumn
from netsim.version import __version__

UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
CAUSED_BY_VALUES = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
MAY_BE_INFINITE = ("deadline_s",)


def check_schemas(run: RunTables) -> None:
    """Raises DataError unless every file of a table has the table's columns.

    Nullable columns may be missing: an earlier version did not write them. What another version
    wrote and this one cannot read is said with that version's name.
    """
    metadata = run.metadata
    writer = metadata.get("netsim", "an unknown version")
    schema = metadata.get("schema", 0)
    if schema > SCHEMA:
        rule = (
            f"was written by netsim {writer} with tables of version {schema}; netsim {__version__} "
            f"reads versions up to {SCHEMA}: open it with netsim {writer} or later"
        )
        raise DataError(rule, where=run.path)
    for table in TABLES:
        for file in run.part_files(table):
            fault = _schema_fault(table, file)
            if fault and schema < SCHEMA:
                fault = (
                    f"{fault}; the run was written by netsim {writer}: open it with that version, "
                    "or run its scenario.toml again"
                )
            if fault:
                raise DataError(fault, where=file)


@contextmanager
def naming_damage(*runs: RunTables) -> Iterator[None]:
    """Errors met while the tables of `runs` are read become a DataError that names the file.

    One that no file explains by itself names the first run.
    """
    try:
        yield
    except NetsimError:
        raise
    except (*UNREADABLE, *CAUSED_BY_VALUES) as error:
        for run in runs:
            _look_for_damage(run)
        kind = type(error).__name__
        rule = f"its tables do not fit together, or hold what no run writes ({kind})"
        raise DataError(rule, where=runs[0].path if runs else "") from error


def _look_for_damage(run: RunTables) -> None:
    """Raises DataError for the first file that is damaged; says how many others are whole."""
    damaged = []
    whole = 0
    for table in TABLES:
        for file in run.part_files(table):
            fault = _schema_fault(table, file) or _value_fault(table, file)
            if fault:
                damaged.append((file, fault))
            else:
                whole += 1
    if damaged:
        file, fault = damaged[0]
        others = f"{whole} other files are whole"
        more = len(damaged) - 1
        if more:
            others = f"{others}; {more} more are damaged"
        raise DataError(f"{fault} ({others})", where=file)


def _schema_fault(table: str, file: Path) -> str:
    """What is wrong with a file's columns; nothing if it is empty text."""
    try:
        found = pl.scan_parquet(file, glob=False).collect_schema()
    except UNREADABLE:
        return f"is no whole Parquet file: {parquet_fault(file)}"
    for column in TABLES[table]:
        wanted = table_schema(table)[column.name]
        if column.name not in found:
            if not column.nullable:
                return f"column {column.name} is missing"
        elif found[column.name] != wanted:
            return f"column {column.name} must be of type {wanted}, found {found[column.name]}"
    return ""


def _value_fault(table: str, file: Path) -> str:
    """What is wrong with a file's rows; nothing if it is empty text."""
    try:
        rows = pl.read_parquet(file, glob=False)
    except UNREADABLE as error:
        return why_unreadable(file, error)
    for column in TABLES[table]:
        if column.name in rows.columns and _bad_values(rows, column):
            return f"column {column.name} holds values that no run writes"
    return ""


def _bad_values(rows: pl.DataFrame, column: TableColumn) -> bool:
    value = col(column.name)
    bad = value.is_null() & pl.lit(not column.nullable)
    if column.kind == "float":
        infinite = value.is_infinite() & pl.lit(column.name not in MAY_BE_INFINITE)
        bad = bad | (value.is_nan() | infinite).fill_null(False)
    if column.kind == "int":
        bad = bad | (value < 0).fill_null(False)
    return bool(rows.select(bad.any()).item())
