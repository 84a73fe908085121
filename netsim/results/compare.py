"""Runs compared: paired differences with confidence intervals.

Schemes meet the same fading when scenario and seed agree, so runs are compared pair by pair: round
by round for two runs, seed by seed for two sets of runs. The noise they share drops out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
from polars import col

from netsim.errors import DataError
from netsim.results.accuracy import learning_curve
from netsim.results.intervals import Interval, Method, block_interval, mean_interval
from netsim.results.states import UE_ENERGY
from netsim.results.tables import RunTables
from netsim.units import FloatArray

ROUND_METRICS = {  # column of `per_round`: unit
    "length_s": "s",
    "on_time": "uploads",
    "lost": "uploads",
    "energy_j": "J",
    "wasted_energy_j": "J",
    "delivered_bits": "bit",
    "accuracy": "1",
    "loss": "nat",
}
FINAL_ACCURACY = "final_accuracy"
NUMBERS = ("left", "right", "difference", "low", "high")
PAIRS_FOR_BOUNDS = 3
SEEDS_TO_RESAMPLE = 10
IntervalRule = Callable[[FloatArray], Interval]


def per_round(run: RunTables) -> pl.LazyFrame:
    """One row per round, all gNBs together: ROUND_METRICS.

    Accuracy and loss are the ensemble's, null in rounds without evaluation.
    """
    lost = col("late") + col("outage") + col("aborted")
    energy_j = pl.sum_horizontal(UE_ENERGY.values())
    rounds = run.rounds.group_by("round").agg(
        (col("end_s").max() - col("start_s").min()).alias("length_s"),
        col("on_time").sum(),
        lost.sum().alias("lost"),
        energy_j.sum().alias("energy_j"),
        col("wasted_energy_j", "delivered_bits").sum(),
    )
    scores = learning_curve(run).select("round", "accuracy", "loss")
    joined = rounds.join(
        scores,
        on="round",
        how="left",
    )
    return joined.select("round", *ROUND_METRICS).sort("round")


def paired_differences(
    left: RunTables | Sequence[RunTables],
    right: RunTables | Sequence[RunTables],
    *,
    level: float = 0.95,
) -> pl.DataFrame:
    """Right minus left, per metric.

    Columns metric, unit, pairs, left, right, difference, low, high. Two runs are paired by round;
    blocks of consecutive rounds are resampled, since neighbours resemble each other. Two sets of
    runs are paired by seed, each run giving its mean over the rounds: Student's interval, from ten
    seeds on the bootstrap. `low` and `high` are null below three pairs. `final_accuracy` has an
    interval only from sets of runs. Raises DataError if nothing pairs.
    """
    if isinstance(left, RunTables) and isinstance(right, RunTables):
        pairs = _pairs_of_rounds(left, right, level)
    else:
        pairs = _pairs_of_seeds(
            _by_seed(left),
            _by_seed(right),
            level,
        )
    metrics = (*ROUND_METRICS, FINAL_ACCURACY)
    rows = [_row(metric, pairs) for metric in metrics]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(NUMBERS, pl.Float64))


@dataclass(frozen=True)
class _Pairs:
    """Two frames of equal height, row i of one being the partner of row i of the other."""

    left: pl.DataFrame  # columns ROUND_METRICS
    right: pl.DataFrame
    final_left: pl.Series  # accuracy at the end of the runs
    final_right: pl.Series
    rule: IntervalRule

    def columns(self, metric: str) -> tuple[pl.Series, pl.Series]:
        """Values of a metric, left and right."""
        if metric == FINAL_ACCURACY:
            return self.final_left, self.final_right
        return self.left[metric], self.right[metric]


def _pairs_of_rounds(
    left: RunTables,
    right: RunTables,
    level: float,
) -> _Pairs:
    other = per_round(right).collect()
    both = (
        per_round(left)
        .collect()
        .join(
            other,
            on="round",
            suffix="_right",
        )
        .sort("round")
    )
    if not len(both):
        raise DataError("has no round in common with the other run", where=right.path)
    block = round(len(both) ** (1 / 3))
    from_the_right = [col(f"{metric}_right").alias(metric) for metric in ROUND_METRICS]
    return _Pairs(
        left=both.select(*ROUND_METRICS),
        right=both.select(from_the_right),
        final_left=_final_accuracies([left]),
        final_right=_final_accuracies([right]),
        rule=partial(
            block_interval,
            block=block,
            level=level,
        ),
    )


def _pairs_of_seeds(
    left: dict[int, RunTables],
    right: dict[int, RunTables],
    level: float,
) -> _Pairs:
    common = sorted(left.keys() & right.keys())
    if not common:
        one_of_them = next(iter(right.values()))
        raise DataError("no seed in common with the other set of runs", where=one_of_them.path)
    method: Method = "bootstrap" if len(common) >= SEEDS_TO_RESAMPLE else "t"
    left_runs = [left[seed] for seed in common]
    right_runs = [right[seed] for seed in common]
    return _Pairs(
        left=_means_over_rounds(left_runs),
        right=_means_over_rounds(right_runs),
        final_left=_final_accuracies(left_runs),
        final_right=_final_accuracies(right_runs),
        rule=partial(
            mean_interval,
            level=level,
            method=method,
        ),
    )


def _row(metric: str, pairs: _Pairs) -> dict[str, object]:
    left, right = pairs.columns(metric)
    both = left.is_not_null() & right.is_not_null()
    one = left.filter(both).cast(pl.Float64).to_numpy()
    other = right.filter(both).cast(pl.Float64).to_numpy()
    row: dict[str, object] = dict.fromkeys(("metric", "unit", "pairs", *NUMBERS))
    row["metric"] = metric
    row["unit"] = ROUND_METRICS.get(metric, "1")
    row["pairs"] = len(one)
    if not len(one):
        return row
    interval = pairs.rule(other - one)
    row["left"] = float(one.mean())
    row["right"] = float(other.mean())
    row["difference"] = interval.mean
    if len(one) >= PAIRS_FOR_BOUNDS:
        row["low"] = interval.low
        row["high"] = interval.high
    return row


def _by_seed(runs: RunTables | Sequence[RunTables]) -> dict[int, RunTables]:
    chosen = [runs] if isinstance(runs, RunTables) else list(runs)
    found = {int(run.metadata["seed"]): run for run in chosen}
    if len(found) != len(chosen):
        raise DataError("a set of runs has each seed once", where=chosen[0].path)
    return found


def _means_over_rounds(runs: Sequence[RunTables]) -> pl.DataFrame:
    means = [per_round(run).select(col(*ROUND_METRICS).mean()) for run in runs]
    return pl.concat(means).collect()


def _final_accuracies(runs: Sequence[RunTables]) -> pl.Series:
    """Last accuracy of the ensemble of each run; null if it was never evaluated."""
    found: list[float | None] = []
    for run in runs:
        accuracy = learning_curve(run).collect()["accuracy"]
        found.append(float(accuracy[-1]) if len(accuracy) else None)
    return pl.Series(found, dtype=pl.Float64)
