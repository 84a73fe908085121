"""How a claim is judged: a number with its interval beside the paper's, and a row of the table of
claims.

A number "holds" if our 95% interval contains it and not 0, "direction only" if the interval is on
its side of 0 but apart from it, "undecided" if it contains both, else it "does not hold".
"""

from __future__ import annotations

from dataclasses import dataclass

import findings
import numpy as np
import polars as pl

from netsim.results.intervals import Interval, mean_interval

HOLDS, DIRECTION, UNDECIDED, FAILS = "holds", "direction only", "undecided", "does not hold"


@dataclass(frozen=True)
class Row:
    """One line of the table of claims."""

    number: str
    claim: str
    paper: str
    setting: str
    ours: str
    seeds: int | str
    verdict: str
    why: str = ""


def judge(found: Interval, paper: float) -> str:
    """The verdict on a number."""
    if np.isnan(found.low) or found.low <= 0 <= found.high:
        return UNDECIDED if found.low <= paper <= found.high else FAILS
    if found.mean * paper < 0:
        return FAILS
    return HOLDS if found.low <= paper <= found.high else DIRECTION


def above_zero(found: Interval) -> str:
    """The verdict on a direction."""
    return HOLDS if found.low > 0 else FAILS if found.high < 0 else UNDECIDED


def told(found: Interval, unit: str = "%") -> str:
    """`12.3 ± 0.4 %`."""
    return f"{findings.shown(found.mean, found.low, found.high)} {unit}".strip()


def of(values: pl.Series) -> Interval:
    """Mean over seeds."""
    return mean_interval(values.drop_nulls().to_numpy())


def exponent(table: pl.DataFrame, value: str) -> Interval:
    """Exponent of `value` in K: least squares of logarithms for each seed."""
    slopes = [
        np.polyfit(np.log(own["ue_count"]), np.log(own[value]), 1)[0]
        for _, own in table.group_by("seed", maintain_order=True)
        if own["ue_count"].n_unique() > 1
    ]
    return mean_interval(np.array(slopes))
