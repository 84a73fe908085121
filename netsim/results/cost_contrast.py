"""Two schemes compared by what they spend until a target, pair by pair, with censored runs.

The mean of 1 - ours / theirs is biased downward: a ratio of 3 counts as -2, one of 1/3 as 2/3. The
logarithm of the ratio is symmetric, and its mean is that of the geometric mean ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netsim.errors import InputError
from netsim.results.intervals import mean_interval
from netsim.results.targets import Cost


@dataclass(frozen=True)
class CostContrast:
    """Cost of the first scheme over that of the second, over pairs (seeds).

    `ratio` is the geometric mean over the pairs in which both arrived, `low` and `high` its
    bootstrap interval; NaN where there are too few. Pairs in which one did not arrive are won by
    the other if it arrived within what the first had spent (Gehan, 1965), else undecided.
    """

    ratio: float
    low: float
    high: float
    both_arrived: int
    first_cheaper: int
    second_cheaper: int
    undecided: int  # ties, and pairs whose order censoring hides

    @property
    def pairs(self) -> int:
        """All pairs."""
        return self.first_cheaper + self.second_cheaper + self.undecided


def compare_costs(
    first: Sequence[Cost],
    second: Sequence[Cost],
    *,
    level: float = 0.95,
) -> CostContrast:
    """Compare two schemes; element i of both is the same seed. Raises InputError."""
    pairs = _paired(first, second)
    ratios = []
    for one, other in pairs:
        if one.arrived and other.arrived:
            ratios.append(np.log(one.value / other.value))
    found = mean_interval(np.array(ratios), level=level, method="bootstrap")
    orders = [_order(one, other) for one, other in pairs]
    return CostContrast(
        ratio=float(np.exp(found.mean)),
        low=float(np.exp(found.low)),
        high=float(np.exp(found.high)),
        both_arrived=len(ratios),
        first_cheaper=orders.count(-1),
        second_cheaper=orders.count(1),
        undecided=orders.count(0),
    )


def _paired(
    first: Sequence[Cost],
    second: Sequence[Cost],
) -> list[tuple[Cost, Cost]]:
    if not first or len(first) != len(second):
        both = (len(first), len(second))
        raise InputError("there must be as many runs of one scheme as of the other", value=both)
    for cost in (*first, *second):
        if cost.arrived and not cost.value > 0:
            raise InputError("costs must be above 0 to have a ratio", value=cost.value)
    return list(zip(first, second, strict=True))


def _order(one: Cost, other: Cost) -> int:
    """-1: the first is cheaper for sure, 1: the second, 0: not known, or equal."""
    if one.arrived and (one.value < other.value or _gave_up_there(one, other)):
        return -1
    if other.arrived and (other.value < one.value or _gave_up_there(other, one)):
        return 1
    return 0


def _gave_up_there(arrived: Cost, other: Cost) -> bool:
    """The other was given up, without arriving, where this one arrived."""
    return not other.arrived and other.value == arrived.value
