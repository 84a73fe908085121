"""Two columns that must be equal, or one that must not exceed zero, as a check."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from netsim.units import FloatArray

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


def total(values: pl.Series) -> float:
    """The sum, 0 of none."""
    return float(values.sum() or 0.0)


def equal(
    name: str,
    left: pl.Series,
    right: pl.Series,
    slack: float = 0.0,
) -> Check:
    """Largest |left - right| / max(|left|, |right|), after an absolute slack.

    A missing value has nothing to be compared with.
    """
    cases = len(left)
    if left.null_count() or right.null_count():
        known = left.is_not_null() & right.is_not_null()
        left = left.filter(known)
        right = right.filter(known)
    return _equal(name, _numbers(left), _numbers(right), slack=slack, cases=cases)


def equal_sums(name: str, left: float, right: float) -> Check:
    """`equal` of two numbers."""
    return _equal(name, np.array([left]), np.array([right]), slack=0.0, cases=1)


def _equal(
    name: str,
    one: FloatArray,
    other: FloatArray,
    *,
    slack: float,
    cases: int,
) -> Check:
    size = np.maximum(np.abs(one), np.abs(other))
    with np.errstate(invalid="ignore"):  # infinite numbers on both sides are NaN
        gap = np.abs(one - other) - slack
        differs = ~(gap <= 0)  # also where it is NaN
        off = gap[differs] / size[differs]
    return Check(
        name,
        worst=_largest(off),
        allowed=TOLERANCE,
        cases=cases,
    )


def at_most_zero(name: str, excess: pl.Series) -> Check:
    """Largest excess, which must not be above rounding."""
    worst = max(_largest(_numbers(excess)), 0.0)
    return Check(
        name,
        worst,
        allowed=TOLERANCE,
        cases=len(excess),
    )


def _numbers(values: pl.Series) -> FloatArray:
    """As floats, NaN where a value is missing."""
    return values.cast(pl.Float64).to_numpy()


def _largest(values: FloatArray) -> float:
    """NaN if a value is NaN; 0 of none."""
    return float(values.max()) if values.size else 0.0
