"""How a claim is judged: every setting in which it was measured is a case, and the verdict follows
from where its cases stand.

A case is *for* the claim if its 95% interval lies on the claim's side of 0, *reversed* if it lies
on the other side, *open* if it contains both 0 and the paper's number (or the claim has none), and
*none* if it contains 0 but not the number: the paper's gain is excluded. A case of fewer than five
seeds is open, whatever its interval. All cases for: it "holds".
Some for, none reversed: it "holds only under" what those have in common that the others lack. Some
for and some reversed: it is "undetermined: set by" what sets them apart. None for or reversed, but some
open: it is "undetermined" too, where all are open by the seeds. Otherwise it "does not hold".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import findings
import numpy as np
import polars as pl
from scipy import stats

from netsim.results.intervals import Interval, mean_interval

Stand = Literal["for", "open", "none", "reversed"]
HOLDS, FAILS, NOT_RUN = "holds", "does not hold", "not run"
ONLY, UNDETERMINED = "holds only under", "undetermined: set by"
SEEDS = "the seeds"
MOST_SHOWN = 3  # settings that are named one by one
SIGNIFICANT = 0.05
FEWEST = 5  # seeds that a case needs to stand anywhere


@dataclass(frozen=True)
class Case:
    """A claim in one setting."""

    factors: Mapping[str, str]  # what tells the setting from others
    stand: Stand
    ours: str
    seeds: int
    inside: bool | None = None  # does the interval contain the paper's number

    def __post_init__(self) -> None:
        if self.seeds < FEWEST:
            object.__setattr__(self, "stand", "open")

    @property
    def setting(self) -> str:
        """`band = equal, target = 0.8`."""
        return ", ".join(f"{name} = {value}" for name, value in self.factors.items())


@dataclass(frozen=True)
class Row:
    """A claim: one line of the table, and its cases."""

    number: str
    claim: str
    paper: str
    cases: Sequence[Case]
    why: str = ""
    verdict: str = ""  # given where it does not follow from cases, by calibration say
    study: str = field(default="", kw_only=True)

    @property
    def judged(self) -> str:
        """The verdict."""
        return self.verdict or decide(self.cases)

    @property
    def tally(self) -> str:
        """`3 for, 1 open of 4; number inside 2`."""
        stands = [case.stand for case in self.cases]
        counts = [
            f"{stands.count(stand)} {stand}"
            for stand in ("for", "open", "none", "reversed")
            if stand in stands
        ]
        known = [case.inside for case in self.cases if case.inside is not None]
        number = f"; the paper's number is inside {sum(known)} of {len(known)}" if known else ""
        return ", ".join(counts) + number


def decide(cases: Sequence[Case]) -> str:
    """The verdict, by the rule above."""
    if not cases:
        return NOT_RUN
    stands = {case.stand for case in cases}
    if stands == {"for"}:
        return HOLDS
    if "for" in stands:
        pro = [case for case in cases if case.stand == "for"]
        rest = [case for case in cases if case.stand != "for"]
        if "reversed" in stands:
            against = [case for case in rest if case.stand == "reversed"]
            return f"{UNDETERMINED} {_factor(pro, against)}"
        return f"{ONLY} {_condition(pro, rest)}"
    if stands == {"open"}:
        return f"{UNDETERMINED} {SEEDS}"
    if "open" in stands and "reversed" not in stands:
        left = [case for case in cases if case.stand == "open"]
        rest = [case for case in cases if case.stand != "open"]
        return f"{UNDETERMINED} {_factor(left, rest)}"
    return FAILS


def _separating(one: Sequence[Case], other: Sequence[Case]) -> str | None:
    """The first factor whose values in `one` are all others than in `other`."""
    for name in one[0].factors:
        mine = {case.factors.get(name) for case in one}
        theirs = {case.factors.get(name) for case in other}
        if not mine & theirs:
            return name
    return None


def _factor(one: Sequence[Case], other: Sequence[Case]) -> str:
    """What sets two groups of cases apart: a factor, or which of them vary."""
    found = _separating(one, other)
    if found:
        return found
    varied = [
        name
        for name in one[0].factors
        if len({case.factors.get(name) for case in (*one, *other)}) > 1
    ]
    return " and ".join(varied) or SEEDS


def _condition(pro: Sequence[Case], rest: Sequence[Case]) -> str:
    """What the cases for a claim have and the others have not."""
    name = _separating(pro, rest)
    if name:
        values = dict.fromkeys(case.factors[name] for case in pro)
        return f"{name} = {' or '.join(values)}"
    if len(pro) <= MOST_SHOWN:
        return "; or ".join(case.setting for case in pro)
    return f"{len(pro)} of {len(pro) + len(rest)} settings, by {_factor(pro, rest)}"


def stand_of(found: Interval, paper: float | None = None) -> Stand:
    """Where a number stands whose positive side is the claim's."""
    if np.isnan(found.low):
        return "open"
    if found.low > 0:
        return "for"
    if found.high < 0:
        return "reversed"
    excluded = paper is not None and not found.low <= paper <= found.high
    return "none" if excluded else "open"


def contains(found: Interval, paper: float) -> bool:
    """Is the paper's number in the interval?"""
    return bool(found.low <= paper <= found.high)


def stand_of_wins(wins: int, losses: int) -> Stand:
    """Where pairs stand of which it is known only who is ahead: a two-sided sign test."""
    if not wins + losses:
        return "open"
    if stats.binomtest(wins, wins + losses).pvalue >= SIGNIFICANT:
        return "open"
    return "for" if wins > losses else "reversed"


def case_of(
    factors: Mapping[str, str],
    found: Interval,
    unit: str,
    paper: float | None = None,
) -> Case:
    """A case that is a number with its interval."""
    inside = None if paper is None else contains(found, paper)
    return Case(factors, stand_of(found, paper), told(found, unit), found.count, inside)


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
