"""Learning curves of the runs of a study: what they cost to an accuracy, and their bands over
seeds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

import netsim
from netsim.results.intervals import mean_interval

COSTS = {"rounds_to_target": "round", "seconds_to_target": "time_s", "joules_to_target": "energy_j"}


def accuracy(found: netsim.Sweep) -> pl.DataFrame:
    """The ensemble on the common rows: run, the study's keys, seed, round, time_s, energy_j,
    accuracy.
    """
    common = found.table("evaluations").filter(
        (pl.col("target") == "ensemble") & pl.col("ue").is_null()
    )
    chosen = common.select("run", *found.keys, "seed", "round", "time_s", "energy_j", "accuracy")
    return chosen.sort("run", "round").collect()


def to_target(curve: pl.DataFrame, target: float) -> pl.DataFrame:
    """Per run: COSTS until the accuracy was first reached (null: never), and final_accuracy."""
    reached = pl.col("accuracy") >= target
    return curve.group_by("run", maintain_order=True).agg(
        *[pl.col(column).filter(reached).min().alias(name) for name, column in COSTS.items()],
        pl.col("accuracy").sort_by("round").last().alias("final_accuracy"),
    )


def band(
    curve: pl.DataFrame, against: str, at: Sequence[float] | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean accuracy of the runs at the values `at` of a column, and its 95% t-interval: mean, low,
    high.

    A run has the accuracy of its last evaluation up to there. NaN where a run has none yet, or is
    over.
    """
    grid = np.asarray(at, dtype=float)
    rows = []
    for _, run in curve.sort("round").group_by("run", maintain_order=True):
        x, y = run[against].to_numpy(), run["accuracy"].to_numpy()
        last = np.searchsorted(x, grid, side="right") - 1
        rows.append(np.where((last >= 0) & (grid <= x[-1]), y[np.maximum(last, 0)], np.nan))
    intervals = [mean_interval(column) for column in np.array(rows).T]
    mean, low, high = (
        np.array([getattr(i, name) for i in intervals]) for name in ("mean", "low", "high")
    )
    return mean, low, high


def reach(values: pl.Series) -> str:
    """`12.3 ± 1.4` of the runs that reached a target, with `(2 of 3)` where not all did;
    `never`.
    """
    known = values.drop_nulls()
    if not len(known):
        return "never"
    found = mean_interval(known.cast(pl.Float64).to_numpy())
    half = "" if np.isnan(found.low) else f" ± {_plain(found.half_width, 2)}"
    share = "" if len(known) == len(values) else f" ({len(known)} of {len(values)})"
    return f"{_plain(found.mean, 3)}{half}{share}"


def _plain(value: float, digits: int) -> str:
    """So many digits, and no exponent."""
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
