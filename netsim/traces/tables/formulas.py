"""Text in CSV files that a spreadsheet would take for a formula, and compute.

A cell that begins with = + - @, a tab or a carriage return is written behind an apostrophe, and so
is one that begins with apostrophes before one of these: reading takes the first apostrophe of such
a cell away, and finds what was written, whatever it was. Cells of numbers stay as they are.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

_BEGINS = r"^('*[=+\-@\t\r])"
_HIDDEN = r"^'('*[=+\-@\t\r])"
_AFTER_SEPARATOR = re.compile(r"([,;\t])(?='*[=+\-@\t\r])")
_HIDDEN_AFTER_SEPARATOR = re.compile(r"([,;\t])'(?='*[=+\-@\t\r])")


def hidden_formulas(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rows to be written as CSV: their text is behind an apostrophe where it begins a formula."""
    return frame.with_columns(pl.col(pl.String).str.replace(_BEGINS, "'$1"))


def found_formula(text: pl.Expr) -> pl.Expr:
    """The text of cells of a CSV file, without the apostrophe that hides a formula."""
    return text.str.replace(_HIDDEN, "$1")


def hidden_formula(value: Any) -> Any:
    """A cell: behind an apostrophe if it is text that begins a formula."""
    return re.sub(_BEGINS, r"'\1", value) if isinstance(value, str) else value


def found_name(text: str) -> str:
    """The name of a column of a CSV file, without the apostrophe that hides a formula."""
    return re.sub(_HIDDEN, r"\1", text)


def hidden_in_line(text: str) -> str:
    """A line that is no row: what a spreadsheet would take for cells of it begins no formula."""
    return _AFTER_SEPARATOR.sub(r"\1'", text)


def found_in_line(text: str) -> str:
    """What `hidden_in_line` was given."""
    return _HIDDEN_AFTER_SEPARATOR.sub(r"\1", text)
