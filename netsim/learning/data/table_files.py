"""Rows of text tables, each with its place: TSV without quotes, CSV, Parquet.

A row that breaks a rule raises a DataError that names file, line, value and rule.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netsim.errors import DataError, InputError

TSV, CSV, PARQUET = ".tsv", ".csv", ".parquet"


@dataclass(frozen=True)
class Table:
    """Columns of one file.

    `line[i]` is where row i stands: a line of text, or a row of Parquet, from 1.
    """

    path: Path
    columns: dict[str, list[object]]
    line: list[int]
    unit: str  # "line" or "row"

    def __len__(self) -> int:
        return len(self.line)

    def place(self, row: int) -> str:
        """File and line of a row, for messages."""
        return f"{self.path}, {self.unit} {self.line[row]}"


def read_table(path: Path) -> Table:
    """Read one file by its suffix. Empty tables are refused."""
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        return _read_parquet(path)
    if suffix not in (TSV, CSV):
        rule = "a data file must end in .tsv, .csv or .parquet"
        raise DataError(rule, where=path, value=path.name)
    rows = _csv_rows(path) if suffix == CSV else _tsv_rows(path)
    return _table(path, rows)


def _table(path: Path, rows: Iterator[tuple[int, list[str]]]) -> Table:
    """Columns of a text file, from its rows and their lines. The first is the header."""
    header: list[str] | None = None
    lines: list[int] = []
    cells: list[list[str]] = []
    for line, row in rows:
        if header is None:
            header = [name.strip() for name in row]
            _check_header(path, line, header)
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
    columns: dict[str, list[object]] = {}
    for name, column in zip(header, zip(*cells, strict=True), strict=True):
        columns[name] = list(column)
    return Table(
        path,
        columns,
        lines,
        "line",
    )


def _tsv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    # GLUE's TSV has no quoting: a tab always ends a cell, a line feed always ends a row, and
    # quotation marks are text. str.splitlines would also cut at rarer separators that real
    # sentences contain.
    for line, text in _lines(path):
        yield line, text.split("\t")


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((f"{text}\n" for _, text in _lines(path)), strict=True)
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


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, text) of every line; blank lines at the end are dropped."""
    raw = _read_bytes(path).removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    if not raw.strip():
        return
    for number, line in enumerate(raw.split(b"\n"), start=1):
        try:
            yield number, line.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            bad = line[error.start : error.start + 8]
            place = f"{path}, line {number}"
            raise DataError("the text must be UTF-8", where=place, value=bad) from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=path) from error


def _check_header(
    path: Path,
    line: int,
    header: list[str],
) -> None:
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        rule = "column names must differ from each other"
        raise DataError(rule, where=f"{path}, line {line}", value=repeated[0])


def _read_parquet(path: Path) -> Table:
    import polars as pl

    _read_bytes(path)  # one wording for a missing or unreadable file
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"the file must be Parquet: {error}", where=path) from error
    if frame.height == 0:
        raise DataError("the file has no rows", where=path, value=frame.columns)
    columns = {name: frame[name].to_list() for name in frame.columns}
    return Table(
        path,
        columns,
        list(range(1, frame.height + 1)),
        "row",
    )


# -- cells ---------------------------------------------------------------------------------------


def find_column(
    table: Table,
    wanted: str | None,
    known: tuple[str, ...],
) -> str | None:
    """The column called `wanted`, or else the first of the known names, in any letter case."""
    if wanted is not None:
        if wanted not in table.columns:
            names = ", ".join(table.columns)
            rule = f"the column {wanted!r} is missing; the file has {names}"
            raise DataError(rule, where=table.path)
        return wanted
    by_lower = {name.lower(): name for name in reversed(table.columns)}
    return next((by_lower[name] for name in known if name in by_lower), None)


def text_cells(table: Table, column: str) -> list[str]:
    """A column of non-empty text."""
    cells = table.columns[column]
    for row, cell in enumerate(cells):
        if not isinstance(cell, str) or not cell.strip():
            rule = f"{column!r} must be text and not empty"
            raise DataError(rule, where=table.place(row), value=_shown(cell))
    return [str(cell) for cell in cells]


def label_cells(table: Table, column: str) -> list[int] | list[str]:
    """A column of class labels: all integers or all names.

    A table with both is refused at the first row of the rarer kind, because a stray "x" among 0 and
    1 would otherwise pass as a third class.
    """
    labels: list[int | str] = []
    for row, cell in enumerate(table.columns[column]):
        label = _label(cell)
        if label is None:
            rule = f"{column!r} must be an integer or a name, and not empty"
            raise DataError(rule, where=table.place(row), value=_shown(cell))
        labels.append(label)
    numbers = [label for label in labels if isinstance(label, int)]
    names = [label for label in labels if isinstance(label, str)]
    if numbers and names:
        rarer = str if len(names) <= len(numbers) else int
        row = next(row for row, label in enumerate(labels) if isinstance(label, rarer))
        rule = f"{column!r} must be all integers or all names; most rows hold {_KIND[rarer]}"
        raise DataError(rule, where=table.place(row), value=labels[row])
    return numbers or names


_KIND = {str: "integers", int: "names"}  # what the other rows hold


def _label(cell: object) -> int | str | None:
    if isinstance(cell, bool | np.bool_):
        return int(cell)
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else None
    if isinstance(cell, int):
        return cell
    if not isinstance(cell, str):
        return None
    text = cell.strip()
    if not text or text.lower() == "nan":
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    # "1.0" is the class 1 written by a program that met a gap; "0.25" is a score, not a class.
    return int(value) if value.is_integer() and "e" not in text.lower() else None


def _shown(cell: object) -> object:
    return "null" if cell is None else cell


def files_named(folder: Path, stems: tuple[str, ...]) -> list[Path]:
    """The folder's file of the first stem it has (`train.tsv`), or that file's shards.

    Shards are named like `train-0-of-2.parquet`.
    """
    if not folder.is_dir():
        raise InputError("the folder does not exist", where=folder)
    for stem in stems:
        for suffix in (TSV, CSV, PARQUET):
            whole = folder / f"{stem}{suffix}"
            if whole.is_file():
                return [whole]
            shards = sorted(folder.glob(f"{stem}-*-of-*{suffix}"))
            if shards:
                return shards
    return []
