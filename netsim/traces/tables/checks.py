"""One pass over all rows of a table: bad values are refused, missing ones counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin, origin_of
from netsim.traces.missing import FAR_DEG
from netsim.traces.tables.scan import RawTable

LIMITS = {"lat": 90.0, "lon": 180.0}
POSITIVE = ("gain", "duration")
NOT_NEGATIVE = ("rate", "downlink", "uplink", "bytes")

ODD = "odd"
"""Fact: a table that is read as a plain one is none."""


class OddCellsError(Exception):
    """A table is not plain: it is read again with care for every cell."""


@dataclass(frozen=True)
class CheckedColumn:
    """A column on its way: its values, and where it holds none."""

    role: str
    source: str  # name in the file
    value: pl.Expr
    missing: pl.Expr
    rule: str = "must be a finite number"

    @property
    def bad(self) -> pl.Expr:
        """Where there is a value, but not as it must be."""
        wrong = self.value.is_null() | ~self.value.is_finite()
        if self.role in LIMITS:
            wrong |= self.value.abs() > LIMITS[self.role]
        if self.role in POSITIVE:
            wrong |= self.value <= 0
        if self.role in NOT_NEGATIVE:
            wrong |= self.value < 0
        return (wrong & ~self.missing).fill_null(value=False)


def rule_of(role: str) -> str:
    """What values in a role must be."""
    if role in LIMITS:
        return f"must be degrees in -{LIMITS[role]:g}..{LIMITS[role]:g}"
    if role in NOT_NEGATIVE:
        return "must be a finite number, not negative"
    if role in POSITIVE:
        return "must be a finite number greater than 0"
    return "must be a finite number"


def check_rows(
    raw: RawTable,
    columns: list[CheckedColumn],
    facts: dict[str, pl.Expr],
) -> dict[str, Any]:
    """The facts about all rows, and their number as `rows`. Raises DataError at a bad value.

    Raises OddCellsError where the fact ODD holds.
    """
    bad = {f"bad {column.role}": column.bad.any() for column in columns}
    rows = pl.len().alias("rows")
    named = [expression.alias(name) for name, expression in {**facts, **bad}.items()]
    found = raw.collect(raw.frame.select(rows, *named)).row(0, named=True)
    if found.get(ODD):
        raise OddCellsError
    for column in columns:
        if found[f"bad {column.role}"]:
            raise _bad_value(raw, column)
    if not found["rows"]:
        raise DataError("has no rows", where=raw.path)
    return found


def _bad_value(raw: RawTable, column: CheckedColumn) -> DataError:
    numbered = raw.frame.with_row_index("row number", offset=1).filter(column.bad)
    row, value = raw.collect(numbered.select("row number", column.source).head(1)).row(0)
    return DataError(
        column.rule,
        where=f"{raw.path}, row {row}, {column.source}",
        value=value,
    )


def middle_facts(lat: pl.Expr, lon: pl.Expr) -> dict[str, pl.Expr]:
    """What `middle` needs: the mean of the unit vectors."""
    phi = lat.radians()
    lam = lon.radians()
    return {
        "east": (phi.cos() * lam.cos()).mean(),
        "north": (phi.cos() * lam.sin()).mean(),
        "up": phi.sin().mean(),
    }


def middle(found: dict[str, Any], raw: RawTable) -> Origin:
    """The middle of all places. Raises DataError if there are none."""
    if found["east"] is None:
        raise DataError("has no places", where=raw.path)
    return origin_of(found["east"], found["north"], found["up"])


def zero_fix(
    raw: RawTable,
    lat: pl.Expr,
    lon: pl.Expr,
) -> pl.Expr | None:
    """Where a fix is (0, 0), which receivers give that have none; None if the trace lies there."""
    at_zero = (lat == 0) & (lon == 0)
    median = pl.max_horizontal(lat.abs().median(), lon.abs().median())
    facts = raw.frame.select(at_zero.any().alias("any"), median.alias("median"))
    found = raw.collect(facts).row(0, named=True)
    far = found["median"] is not None and found["median"] > FAR_DEG
    return at_zero if found["any"] and far else None
