"""Cells of a table as numbers and names: which are missing, and which are no numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from netsim.errors import DataError
from netsim.traces.missing import NULLS
from netsim.traces.tables.formulas import found_formula
from netsim.traces.tables.roles import SourceColumn
from netsim.traces.tables.scan import RawTable

_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.I)
_SURELY_DECIMAL = re.compile(r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))(e[+-]?\d+)?", re.I)
_NULL_VARIANTS = sorted(
    {form for null in NULLS for form in (null, null.upper(), null.title(), "NaN", "nA")}
)


@dataclass(frozen=True)
class CellReader:
    """How the cells of a table are read.

    A plain table has a value in every cell that counts, without spaces around or an apostrophe
    before: most have, and that is several times quicker. `odd_number` and `odd_text` say where a
    table is not plain.
    """

    raw: RawTable
    nulls: tuple[str, ...] = NULLS
    decimal_comma: bool = False
    plain: bool = False

    def text(self, name: str) -> pl.Expr:
        """A column as text; null where it is missing."""
        text = pl.col(name).cast(pl.String)
        if self.plain:
            return text
        text = text.str.strip_chars()
        missing = text.str.to_lowercase().is_in(self.nulls)
        return pl.when(missing).then(None).otherwise(text)

    def name(self, name: str) -> pl.Expr:
        """A column of names, as they were before CSV hid those that begin a formula."""
        text = self.text(name)
        is_csv = self.raw.dialect is not None
        return found_formula(text) if is_csv and not self.plain else text

    def number(self, column: SourceColumn) -> pl.Expr:
        """A column as numbers in the native unit; null where it is missing or no number."""
        if self.raw.is_text(column.name):
            text = self.text(column.name)
            if self.decimal_comma:
                text = text.str.replace(",", ".", literal=True)
            number = text.cast(pl.Float64, strict=False)
        else:
            number = pl.col(column.name).cast(pl.Float64)
            if not self.plain:
                number = number.fill_nan(None)
        return number if column.factor == 1 else number * column.factor

    def missing(self, name: str) -> pl.Expr:
        """Where a column holds no value."""
        if self.plain:
            return pl.lit(value=False)
        if self.raw.is_text(name):
            return self.text(name).is_null()
        column = pl.col(name)
        is_float = self.raw.frame.collect_schema()[name].is_float()
        return column.is_null() | column.is_nan() if is_float else column.is_null()


def odd_number(value: pl.Expr) -> pl.Expr:
    """Whether some cells of a plain column are no number."""
    return (value.is_null() | value.is_nan()).any()


def odd_text(name: str) -> pl.Expr:
    """Whether some cells of a plain column may be missing, have spaces around or hide a formula."""
    text = pl.col(name).cast(pl.String)
    framed = pl.any_horizontal(
        *(text.str.starts_with(first) for first in " \t'"),
        *(text.str.ends_with(last) for last in " \t\r"),
    )
    return (text.is_null() | text.is_in(_NULL_VARIANTS) | framed).any()


def has_decimal_comma(
    raw: RawTable,
    names: list[str],
    said: str | None,
) -> bool:
    """Whether numbers have a comma before their decimals. Raises DataError where that is unclear.

    `said` is what the user says, comma or point.
    """
    if said is not None:
        return said == "comma"
    texts = [name for name in names if raw.is_text(name)]
    if not texts:
        return False
    cells: list[str] = []
    for column in raw.sample(*texts).get_columns():
        cells += column.drop_nulls().to_list()
    with_comma = [cell.strip() for cell in cells if _COMMA.fullmatch(cell.strip())]
    if not with_comma:
        return False
    if any(_SURELY_DECIMAL.fullmatch(cell) for cell in with_comma):
        return True
    rule = "may have a decimal comma, or thousands: say --columns decimal=comma or decimal=point"
    raise DataError(
        rule,
        where=raw.path,
        value=with_comma[0],
    )
