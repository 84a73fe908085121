"""What it costs to reach an accuracy and to stay there, and the area under the curve.

An ensemble whose accuracy flickers reaches a level for the first time earlier than it deserves, so
a target counts as reached at the first of several evaluations in a row that are at least as
accurate. A run that never gets there is censored: its cost is above what was seen, and is not the
last round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from netsim.errors import InputError
from netsim.results.accuracy import learning_curve
from netsim.results.arguments import check_accuracy, check_choice, check_positive
from netsim.results.own_rows import own_curve
from netsim.results.tables import RunTables

Measure = Literal["round", "time_s", "energy_j"]
MEASURES = ("round", "time_s", "energy_j")
KEPT = 3  # evaluations in a row


@dataclass(frozen=True)
class Cost:
    """Rounds, simulated seconds or joules until a target; what was spent without arriving."""

    value: float
    arrived: bool


def curve_of(
    run: RunTables,
    target: str | int = "ensemble",
    *,
    own: bool = False,
) -> pl.DataFrame:
    """Columns round, time_s, energy_j, accuracy, one row per evaluation in order.

    On the common split, or with `own` the mean over UEs on their own rows, weighted by rho.
    """
    curve = own_curve(run, target) if own else learning_curve(run, target)
    return curve.select(*MEASURES, "accuracy").sort("round").collect()


def sustained_cost(
    run: RunTables,
    accuracy: float,
    measure: Measure = "time_s",
    *,
    kept: int = KEPT,
    target: str | int = "ensemble",
    own: bool = False,
) -> Cost | None:
    """Cost of reaching `accuracy` for `kept` evaluations in a row; None without evaluations.

    A run that was ended by its target (stop.target_accuracy) before it could stay there is
    censored.
    """
    check_accuracy(accuracy)
    _check(measure, kept)
    curve = curve_of(run, target, own=own)
    if curve.is_empty():
        return None
    spent = curve[measure].to_numpy().astype(np.float64)
    first = _first_kept(curve["accuracy"].to_numpy() >= accuracy, kept)
    if first is None:
        return Cost(float(spent[-1]), arrived=False)
    return Cost(float(spent[first]), arrived=True)


def sustained_costs(
    runs: Sequence[RunTables],
    accuracy: float,
    measure: Measure = "time_s",
    *,
    kept: int = KEPT,
    target: str | int = "ensemble",
    own: bool = False,
) -> list[Cost]:
    """Those of several runs, in order. Raises InputError for a run without evaluations."""
    costs = []
    for run in runs:
        cost = sustained_cost(run, accuracy, measure, kept=kept, target=target, own=own)
        if cost is None:
            raise InputError("the run must have evaluations", where=run.path)
        costs.append(cost)
    return costs


def mean_accuracy(
    run: RunTables,
    until: float,
    measure: Measure = "time_s",
    *,
    target: str | int = "ensemble",
    own: bool = False,
) -> float | None:
    """Area under the accuracy from the first evaluation until `until`, over its length.

    The accuracy holds from one evaluation to the next. None where the run was not followed so far.
    """
    check_positive("until", until)
    _check(measure, 1)
    curve = curve_of(run, target, own=own)
    if curve.is_empty():
        return None
    spent = curve[measure].to_numpy().astype(np.float64)
    if not spent[0] < until <= spent[-1]:
        return None
    edges = np.append(np.minimum(spent, until), until)
    area = float(curve["accuracy"].to_numpy() @ np.diff(edges))
    return area / (until - float(spent[0]))


def _first_kept(above: np.ndarray, kept: int) -> int | None:
    """First of `kept` trues in a row."""
    in_a_row = 0
    for index, one in enumerate(above.tolist()):
        in_a_row = in_a_row + 1 if one else 0
        if in_a_row == kept:
            return index - kept + 1
    return None


def _check(measure: str, kept: int) -> None:
    check_choice("measure", measure, MEASURES)
    if kept < 1:
        raise InputError("at least one evaluation must be at the target", value=kept)
