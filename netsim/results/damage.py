"""Damaged or foreign tables: which file it is, and what is wrong with it.

A run folder may come from a stranger, a full disk or another version. What is wrong shows at once
in the footers of the tables' files; what hides in their pages shows when they are read, and the
error then met names no file: so the file is looked for. What is whole is said as well: `Run(path)`
opens a folder without a look at it, and reads the tables and parts that can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars import col

from netsim.errors import DataError, NetsimError
from netsim.parquet import check_parquet, parquet_fault
from netsim.plain import why_unreadable
from netsim.records import SCHEMA, TABLES
from netsim.results.table_buffer import table_schema
from netsim.results.tables import RunTables, check_part, scan_as_it_is
from netsim.table_columns import TableColumn
from netsim.version import __version__

UNREADABLE = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
CAUSED_BY_VALUES = (ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
MAY_BE_INFINITE = ("deadline_s",)
MOST_INTERVALS = 2
"""Of rounds that a message names."""


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
            if fault.startswith("column") and schema < SCHEMA:
                fault = (
                    f"{fault}; written by netsim {writer}: open it with that version, or run its "
                    "scenario.toml again"
                )
            if fault:
                raise DataError(fault, where=file)


@contextmanager
def telling_what_is_whole(run: RunTables) -> Iterator[None]:
    """A DataError about one file of a run's folder goes on to say how much of the rest is whole.

    One about the folder does not: a later version's tables are not damaged.
    """
    try:
        yield
    except DataError as error:
        if run.path not in Path(error.where).parents:
            raise
        rest = _look(run).rest(error.where)
        if not rest:
            raise
        raise DataError(
            f"{error.rule} ({rest})",
            where=error.where,
            value=error.value,
        ) from None


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
    """Raises DataError for the first file that is damaged; says how much of the rest is whole."""
    seen = _look(run)
    if seen.damaged:
        where, fault = next(iter(seen.damaged.items()))
        raise DataError(f"{fault} ({seen.rest(where)})", where=where)


@dataclass(frozen=True)
class _Look:
    """What a look into all files of a run's tables found."""

    damaged: dict[str, str]  # {file, or folder of a table: what is wrong with it}
    whole: list[Path]

    def rest(self, where: str) -> str:
        """How much is whole beside the damage at `where`; nothing if nothing is."""
        if not self.whole:
            return ""
        told = [_counted(len(self.whole), "other file is whole", "other files are whole")]
        more = len(self.damaged.keys() - {where})
        if more:
            told.append(_counted(more, "more is not", "more are not"))
        rounds = _intervals(self._rounds())
        if rounds:
            told.append(f"rounds {rounds} are whole in all tables")
        return "; ".join(told)

    def _rounds(self) -> list[tuple[int, int]]:
        """(first, last) round of each part that is whole in all tables that have rounds."""
        files = [Path(where) for where in self.damaged]
        if any(file.suffix != ".parquet" for file in files):  # a table of which nothing is known
            return []
        spoilt = {file.name for file in files if _has_rounds(file.parent.name)}
        whole = [file for file in self.whole if file.name not in spoilt]
        of_parts = [_first_and_last(file) for file in whole if file.parent.name == "rounds"]
        return [rounds for rounds in of_parts if rounds is not None]


def _look(run: RunTables) -> _Look:
    """Look into all files of all tables, one after the other."""
    damaged: dict[str, str] = {}
    whole = []
    for table in TABLES:
        try:
            files = run.listed_files(table)
        except DataError as error:
            damaged[error.where] = error.rule
            continue
        for file in files:
            fault = _file_fault(table, file)
            if fault:
                damaged[str(file)] = fault
            else:
                whole.append(file)
    return _Look(damaged, whole)


def _file_fault(table: str, file: Path) -> str:
    """What is wrong with a file of a table; nothing if it is empty text."""
    try:
        check_part(file)
    except DataError as error:
        return error.rule
    return _schema_fault(table, file) or _value_fault(table, file)


def _has_rounds(table: str) -> bool:
    return any(column.name == "round" for column in TABLES[table])


def _first_and_last(file: Path) -> tuple[int, int] | None:
    """Rounds of a part of the table of rounds; None if it has no row."""
    rounds = scan_as_it_is(file).select(
        first=col("round").min(),
        last=col("round").max(),
    )
    first, last = rounds.collect().row(0)
    if first is None:
        return None
    return first, last


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _intervals(found: list[tuple[int, int]]) -> str:
    """`1 to 40 and 61 to 80`: what follow on one another are one interval."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if merged and first == merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    told = [
        f"{first} to {last}" if last > first else str(first)
        for first, last in merged[:MOST_INTERVALS]
    ]
    if len(merged) > MOST_INTERVALS:
        return f"{', '.join(told)} and more"
    return " and ".join(told)


def _schema_fault(table: str, file: Path) -> str:
    """What is wrong with a file's columns; nothing if it is empty text."""
    try:
        check_parquet(file)
        found = scan_as_it_is(file).collect_schema()
    except (DataError, *UNREADABLE):
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
        rows = scan_as_it_is(file).collect()
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
