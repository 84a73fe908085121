"""Rows of text tables, each with its place: TSV without quotes, CSV, Parquet.

A row that breaks a rule raises a DataError that names file, line, value and rule.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from netsim.errors import DataError
from netsim.learning.data.text_dialect import TextDialect, csv_separator, text_lines
from netsim.parquet import check_parquet, parquet_fault
from netsim.plain import check_plain_or_cached

TSV, CSV, JSONL, PARQUET = ".tsv", ".csv", ".jsonl", ".parquet"
SUFFIXES = (TSV, CSV, JSONL, PARQUET)
_NAMELESS = "(no name)"


@dataclass(frozen=True)
class Table:
    """Columns of one file.

    `line[i]` is where row i stands: a line of text, or a row of Parquet, from 1.
    """

    path: Path
    columns: dict[str, list[object]]
    line: list[int]
    unit: str  # "line" or "row"
    blank: int = 0  # blank lines among the rows, passed over

    def __len__(self) -> int:
        return len(self.line)

    def place(self, row: int) -> str:
        """File and line of a row, for messages."""
        return f"{self.path}, {self.unit} {self.line[row]}"


def read_table(path: Path, dialect: TextDialect | None = None) -> Table:
    """Read one file by its suffix. Empty tables are refused. Raises DataError."""
    dialect = dialect or TextDialect()
    check_plain_or_cached(path)
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        return _read_parquet(path)
    if suffix not in SUFFIXES:
        rule = "a data file must end in .tsv, .csv, .jsonl or .parquet"
        raise DataError(rule, where=path, value=path.name)
    lines = text_lines(path, _read_bytes(path), dialect.encoding)
    if suffix == JSONL:
        return _jsonl_table(path, lines)
    if suffix == CSV or dialect.separator is not None:
        return _table(path, _csv_rows(path, lines, dialect.separator), dialect)
    return _table(path, _tsv_rows(lines), dialect)


def _table(
    path: Path,
    rows: Iterator[tuple[int, list[str]]],
    dialect: TextDialect,
) -> Table:
    """Columns of a text file, from its rows and their lines. The first is the header, if any."""
    header: list[str] | None = None
    lines: list[int] = []
    cells: list[list[str]] = []
    blank = 0
    for line, row in rows:
        if _is_blank(row):
            blank += 1
            continue
        if header is None:
            numbers = [str(number) for number in range(1, len(row) + 1)]
            header = _header(path, line, row) if dialect.has_header else numbers
            if dialect.has_header:
                continue
        if len(row) != len(header):
            rule = f"the row must have {len(header)} columns as the header has, not {len(row)}"
            raise DataError(rule, where=f"{path}, line {line}", value=row)
        lines.append(line)
        cells.append(row)
    if header is None:
        raise DataError("the file is empty; it must have a header and rows", where=path)
    if not cells:
        raise DataError("the file has a header but no rows", where=path, value=header)
    return Table(
        path,
        _columns(header, cells),
        lines,
        "line",
        blank,
    )


def _is_blank(row: list[str]) -> bool:
    return len(row) <= 1 and not any(map(str.strip, row))


def _columns(header: list[str], rows: list[list[str]]) -> dict[str, list[object]]:
    """The columns by name, without those that have neither a name nor a value."""
    columns: dict[str, list[object]] = {}
    for name, column in zip(header, zip(*rows, strict=True), strict=True):
        if name or any(cell.strip() for cell in column):
            columns[name or _NAMELESS] = list(column)
    return columns


def _tsv_rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    # GLUE's TSV has no quoting: a tab always ends a cell, a line feed always ends a row, and
    # quotation marks are text. str.splitlines would also cut at rarer separators that real
    # sentences contain.
    for line, text in lines:
        yield line, text.split("\t")


def _csv_rows(
    path: Path,
    lines: Iterator[tuple[int, str]],
    separator: str | None,
) -> Iterator[tuple[int, list[str]]]:
    texts = (f"{text}\n" for _, text in lines)
    first = next(texts, None)
    if first is None:
        return
    reader = csv.reader(
        chain([first], texts),
        strict=True,
        delimiter=separator or csv_separator(first),
    )
    start = 1  # a quoted cell may span lines: a row is named by its first
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            rule = f"the row must be well-formed CSV: {error}"
            raise DataError(rule, where=f"{path}, line {start}") from error
        yield start, row
        start = reader.line_num + 1


def _jsonl_table(path: Path, lines: Iterator[tuple[int, str]]) -> Table:
    """Objects, one a line; a key that an object lacks is null."""
    numbers: list[int] = []
    objects: list[dict[str, object]] = []
    blank = 0
    for number, text in lines:
        if not text.strip():
            blank += 1
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            rule = f"each line must be a JSON object: {error}"
            raise DataError(rule, where=f"{path}, line {number}", value=text[:60]) from None
        if not isinstance(found, dict):
            rule = "each line must be a JSON object"
            raise DataError(rule, where=f"{path}, line {number}", value=text[:60])
        numbers.append(number)
        objects.append(found)
    if not objects:
        raise DataError("the file has no rows", where=path)
    names = dict.fromkeys(name for found in objects for name in found)
    columns = {name: [found.get(name) for found in objects] for name in names}
    return Table(
        path,
        columns,
        numbers,
        "line",
        blank,
    )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=path) from error


def _header(
    path: Path,
    line: int,
    row: list[str],
) -> list[str]:
    """Names of the columns; they must differ, but several may be empty."""
    names = [name.strip() for name in row]
    named = [name for name in names if name]
    repeated = [name for name in named if named.count(name) > 1]
    if repeated:
        rule = "column names must differ from each other"
        raise DataError(rule, where=f"{path}, line {line}", value=repeated[0])
    if any(map(_is_number, named)) and all(map(_is_no_name, named)):
        raise DataError(
            "there seems to be no header; if so, say data.columns = header=no,text=2,label=1 "
            "with the numbers of your columns",
            where=f"{path}, line {line}",
            value=row,
        )
    return names


def _is_no_name(cell: str) -> bool:
    """Whether a cell can hardly name a column: a number, or a sentence."""
    return _is_number(cell) or len(cell.split()) > 1


def _is_number(cell: str) -> bool:
    return cell.lstrip("+-").replace(".", "", 1).isdigit()


def _read_parquet(path: Path) -> Table:
    import polars as pl

    _read_bytes(path)  # one wording for a missing or unreadable file
    try:
        check_parquet(path)
        frame = pl.read_parquet(path, glob=False)
        columns = {name: frame[name].to_list() for name in frame.columns}
    except (DataError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        rule = f"the file must be Parquet: {parquet_fault(path)}"
        raise DataError(rule, where=path) from error
    if frame.height == 0:
        raise DataError("the file has no rows", where=path, value=frame.columns)
    return Table(
        path,
        columns,
        list(range(1, frame.height + 1)),
        "row",
    )
