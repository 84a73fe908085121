"""Two columns that must be equal, or one that must not exceed zero, as a check."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl
from polars import col

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Check:
    """One law: how far it is off in the worst case, and how far it may be."""

    name: str
    worst: float
    allowed: float
    cases: int

    @property
    def passed(self) -> bool:
        """Also False for NaN."""
        return self.worst <= self.allowed


def together(one: Check, other: Check) -> Check:
    """The same law over the cases of both."""
    worst = [one.worst, other.worst]
    return Check(
        one.name,
        worst=float("nan") if any(map(math.isnan, worst)) else max(worst),
        allowed=one.allowed,
        cases=one.cases + other.cases,
    )


def total(values: pl.Series) -> pl.Series:
    """The sum as a column of one row."""
    return pl.Series([float(values.sum() or 0.0)])


def equal(
    name: str,
    left: pl.Series,
    right: pl.Series,
    slack: float = 0.0,
) -> Check:
    """Largest |left - right| / max(|left|, |right|), after an absolute slack."""
    distance = (col("left") - col("right")).abs() - slack
    size = pl.max_horizontal(col("left").abs(), col("right").abs())
    frame = pl.DataFrame({"left": left, "right": right}).select(
        gap=distance.clip(lower_bound=0.0),
        size=size,
    )
    relative = pl.when(col("gap") > 0).then(col("gap") / col("size")).otherwise(0.0)
    off = frame.select(relative).to_series()
    return Check(
        name,
        worst=_largest(off),
        allowed=TOLERANCE,
        cases=len(frame),
    )


def at_most_zero(name: str, excess: pl.Series) -> Check:
    """Largest excess, which must not be above rounding."""
    worst = max(_largest(excess), 0.0)
    return Check(
        name,
        worst,
        allowed=TOLERANCE,
        cases=len(excess),
    )


def _largest(values: pl.Series) -> float:
    """NaN if a value is missing or NaN; 0 of none."""
    numbers = values.cast(pl.Float64)
    if numbers.null_count() or numbers.is_nan().any():
        return float("nan")
    largest = numbers.max()
    assert largest is None or isinstance(largest, float)
    return 0.0 if largest is None else largest
