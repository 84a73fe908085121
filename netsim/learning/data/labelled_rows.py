"""The text and label columns of a table, recognised by the names in common use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from netsim.errors import DataError
from netsim.learning.data.table_files import Table, find_column, label_cells, read_table, text_cells

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
SINGLES = ("sentence", "text", "review", "content", "sentence1")
LABELS = ("label", "labels", "gold_label", "class", "category", "target", "quality", "is_duplicate")


@dataclass(frozen=True)
class TextColumns:
    """Names of the columns to read; None: recognised by the names in common use."""

    first: str | None = None
    second: str | None = None
    label: str | None = None
    kept: tuple[str, ...] = ()  # further columns, which a partition goes by


@dataclass(frozen=True)
class LabelledRows:
    """The rows of one table."""

    table: Table
    first: list[str]
    second: list[str] | None  # None: single sentences
    label: list[int] | list[str]
    kept: dict[str, list[str]]  # further columns


def read_rows(file: Path, columns: TextColumns) -> LabelledRows:
    """Rows of a file. Raises DataError."""
    return rows_of(read_table(file), columns)


def rows_of(table: Table, columns: TextColumns) -> LabelledRows:
    """Rows of a table. Raises DataError."""
    first, second = _text_columns(table, columns)
    label = find_column(table, columns.label, LABELS)
    if label is None:
        names = ", ".join(LABELS)
        rule = f"a label column is missing (one of {names}); the file has {_names(table)}"
        raise DataError(rule, where=table.path)
    return LabelledRows(
        table=table,
        first=text_cells(table, first),
        second=None if second is None else text_cells(table, second),
        label=label_cells(table, label),
        kept={name: _name_cells(table, name) for name in columns.kept},
    )


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
        rule = f"a text column is missing (such as {names}); the file has {_names(table)}"
        raise DataError(rule, where=table.path)
    return first, None


def _names(table: Table) -> str:
    return ", ".join(table.columns)
