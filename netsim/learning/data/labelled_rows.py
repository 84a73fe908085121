"""The text and label columns of a table, recognised by the names in common use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from netsim.errors import DataError
from netsim.learning.data.cells import find_column, label_cells, text_cells
from netsim.learning.data.table_files import Table, read_table
from netsim.learning.data.text_dialect import TextDialect

# The names that GLUE, SuperGLUE and common hub data sets use; the first complete pair is taken.
PAIRS = (
    ("question", "sentence"),
    ("sentence1", "sentence2"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("#1 string", "#2 string"),
    ("question", "passage"),
    ("text1", "text2"),
    ("text_a", "text_b"),
)
SINGLES = (
    "sentence",
    "text",
    "review",
    "content",
    "sentence1",
    "tweet",
    "comment",
    "message",
    "body",
    "document",
    "utterance",
)
LABELS = (
    "label",
    "labels",
    "gold_label",
    "class",
    "category",
    "target",
    "quality",
    "is_duplicate",
    "sentiment",
    "emotion",
    "intent",
    "topic",
    "polarity",
)


Cell = TypeVar("Cell")


@dataclass(frozen=True)
class TextColumns:
    """Names of the columns to read; None: recognised by the names in common use."""

    first: str | None = None
    second: str | None = None
    label: str | None = None
    kept: tuple[str, ...] = ()  # further columns, which a partition goes by


@dataclass(frozen=True)
class LabelledRows:
    """The rows of one table that have a text and a label."""

    table: Table
    first: list[str]
    second: list[str] | None  # None: single sentences
    label: list[int | str]
    kept: dict[str, list[str]]  # further columns
    unlabelled: int = 0  # rows without a label, left out
    textless: int = 0  # rows without a text, left out


def read_rows(
    file: Path,
    columns: TextColumns,
    dialect: TextDialect | None = None,
    *,
    may_lack_labels: bool = False,
) -> LabelledRows:
    """Rows of a file. Raises DataError."""
    table = read_table(file, dialect)
    return rows_of(table, columns, may_lack_labels=may_lack_labels)


def rows_of(
    table: Table,
    columns: TextColumns,
    *,
    may_lack_labels: bool = False,
) -> LabelledRows:
    """Rows of a table that have a text and a label. Raises DataError.

    None may have one where that is allowed, as of a hidden test part.
    """
    first_name, second_name = _text_columns(table, columns)
    first = text_cells(table, first_name)
    second = None if second_name is None else text_cells(table, second_name)
    labels = _labels(table, columns, may_lack_labels=may_lack_labels)
    labelled = [row for row, label in enumerate(labels) if label is not None]
    sides = [first] if second is None else [first, second]
    rows = [row for row in labelled if all(side[row] is not None for side in sides)]
    kept = {}
    for name in columns.kept:
        cells = _name_cells(table, name)
        kept[name] = [cells[row] for row in rows]
    return LabelledRows(
        table=replace(table, line=[table.line[row] for row in rows]),
        first=_known(first, rows),
        second=None if second is None else _known(second, rows),
        label=_known(labels, rows),
        kept=kept,
        unlabelled=len(labels) - len(labelled),
        textless=len(labelled) - len(rows),
    )


def _known(cells: Sequence[Cell | None], rows: Sequence[int]) -> list[Cell]:
    """The cells of some rows, all of which have one."""
    chosen = [cells[row] for row in rows]
    return [cell for cell in chosen if cell is not None]


def _labels(
    table: Table,
    columns: TextColumns,
    *,
    may_lack_labels: bool,
) -> list[int | str | None]:
    """The label of each row, or None. Raises DataError where no row may be without."""
    if may_lack_labels and columns.label not in (None, *table.columns):
        return [None] * len(table)
    name = find_column(table, columns.label, LABELS)
    if name is None:
        if may_lack_labels:
            return [None] * len(table)
        names = ", ".join(LABELS)
        rule = (
            f"a label column is missing (one of {names}); the file has {_names(table)}; "
            "say data.columns = label=COLUMN"
        )
        raise DataError(rule, where=table.path)
    labels = label_cells(table, name)
    if not may_lack_labels and all(label is None for label in labels):
        raise DataError(f"no row has a label in {name!r}", where=table.path)
    return labels


def _name_cells(table: Table, name: str) -> list[str]:
    """A column of names or numbers, as text. Raises DataError."""
    column = find_column(table, name, ())
    assert column is not None  # it was asked for by name
    return [str(cell) for cell in table.columns[column]]


def _text_columns(table: Table, columns: TextColumns) -> tuple[str, str | None]:
    """The column of first sentences, and that of second ones, if any."""
    if columns.first is not None:
        first = find_column(table, columns.first, ())
        assert first is not None
        return first, find_column(table, columns.second, ())
    for first_name, second_name in PAIRS:
        first = find_column(table, None, (first_name,))
        second = find_column(table, None, (second_name,))
        if first and second:
            return first, second
    first = find_column(table, None, SINGLES)
    if first is None:
        pairs = ["+".join(pair) for pair in PAIRS[:4]]
        names = ", ".join([*SINGLES[:2], *pairs])
        rule = (
            f"a text column is missing (such as {names}); the file has {_names(table)}; "
            "say data.columns = text=COLUMN"
        )
        raise DataError(rule, where=table.path)
    return first, None


def _names(table: Table) -> str:
    return ", ".join(table.columns)
