"""Cells of a text table: the column that is meant, texts, and labels."""

from __future__ import annotations

import math

import numpy as np

from netsim.errors import DataError
from netsim.learning.data.table_files import Table

NO_LABEL = -1
"""What many data sets write where a row has no label, beside classes 0, 1, ..."""
MOST_WITHOUT = 0.2
"""Part of the rows that may lack a text or a label; with more, a file is refused."""
_RARE = 0.1
"""Part of the rows up to which -1 beside 0 and 1 is no class of its own."""


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


def text_cells(table: Table, column: str) -> list[str | None]:
    """A column of text; None where a row has none.

    Raises DataError at what is no text, and where too many rows have none.
    """
    texts: list[str | None] = []
    for row, cell in enumerate(table.columns[column]):
        is_text = isinstance(cell, str)
        if not is_text and not _is_none(cell):
            raise _no_text(table, column, row)
        texts.append(str(cell) if is_text and str(cell).strip() else None)
    if texts.count(None) > MOST_WITHOUT * len(texts):
        raise _no_text(table, column, texts.index(None))
    return texts


def _no_text(
    table: Table,
    column: str,
    row: int,
) -> DataError:
    rule = f"{column!r} must be text and not empty"
    return DataError(rule, where=table.place(row), value=_shown(table.columns[column][row]))


def label_cells(table: Table, column: str) -> list[int | str | None]:
    """A column of class labels, all integers or all names; None where a row has no label.

    A table with both is refused at the first row of the rarer kind, because a stray "x" among 0 and
    1 would otherwise pass as a third class. Raises DataError also where too many rows have none.
    """
    labels: list[int | str | None] = []
    for row, cell in enumerate(table.columns[column]):
        label = None if _is_none(cell) else _label(cell)
        if label is None and not _is_none(cell):
            raise _bad_label(table, column, row)
        labels.append(label)
    _refuse_mixed(table, column, labels)
    without = labels.count(None)
    if 0 < without < len(labels) and without > MOST_WITHOUT * len(labels):
        raise _bad_label(table, column, labels.index(None))
    return _without_minus_one(labels)


def _bad_label(
    table: Table,
    column: str,
    row: int,
) -> DataError:
    rule = f"{column!r} must be an integer or a name, and not empty"
    return DataError(rule, where=table.place(row), value=_shown(table.columns[column][row]))


def _refuse_mixed(
    table: Table,
    column: str,
    labels: list[int | str | None],
) -> None:
    numbers = sum(isinstance(label, int) for label in labels)
    names = sum(isinstance(label, str) for label in labels)
    if not numbers or not names:
        return
    rarer = str if names <= numbers else int
    row = next(row for row, label in enumerate(labels) if isinstance(label, rarer))
    rule = f"{column!r} must be all integers or all names; most rows hold {_KIND[rarer]}"
    raise DataError(rule, where=table.place(row), value=labels[row])


_KIND = {str: "integers", int: "names"}  # what the other rows hold


def _without_minus_one(labels: list[int | str | None]) -> list[int | str | None]:
    """The labels, with none in place of -1 where the others are 0, 1, 2, ... without a gap.

    Beside 0 and 1 alone -1 may be a class (negative, neutral, positive) unless it is rare.
    """
    known = {label for label in labels if label is not None}
    classes = known - {NO_LABEL}
    if NO_LABEL not in known or classes != set(range(len(classes))):
        return labels
    rare = labels.count(NO_LABEL) <= _RARE * len(labels)
    if len(classes) == 2 and not rare:
        return labels
    return [None if label == NO_LABEL else label for label in labels]


def _is_none(cell: object) -> bool:
    """Whether a cell holds no label."""
    if isinstance(cell, float):
        return math.isnan(cell)
    if isinstance(cell, str):
        return cell.strip().lower() in ("", "nan", "null", "none", "?")
    return cell is None


def _label(cell: object) -> int | str | None:
    """The class that a cell holds; None if it can hold none."""
    if isinstance(cell, bool | np.bool_):
        return int(cell)
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else None
    if isinstance(cell, int):
        return cell
    if not isinstance(cell, str):
        return None
    text = cell.strip()
    try:
        value = float(text)
    except ValueError:
        return text
    # "1.0" is the class 1 written by a program that met a gap; "0.25" is a score, not a class.
    return int(value) if value.is_integer() and "e" not in text.lower() else None


def _shown(cell: object) -> object:
    return "null" if cell is None else cell
