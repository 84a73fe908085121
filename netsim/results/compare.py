"""Runs compared: paired differences with bootstrap intervals.

Schemes meet the same fading when scenario and seed agree, so runs are compared pair by pair: round by
round for two runs, seed by seed for two sets of runs. The noise they share drops out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from netsim import rng
from netsim.errors import DataError
from netsim.results.reader import Run
from netsim.units import FloatArray

METRICS = {  # column of `per_round`: unit
    "length_s": "s",
    "on_time": "uploads",
    "lost": "uploads",
    "energy_j": "J",
    "wasted_energy_j": "J",
    "delivered_bits": "bit",
    "accuracy": "1",
    "loss": "nat",
}


def per_round(run: Run) -> pl.LazyFrame:
    """One row per round, all gNBs together; accuracy and loss of the ensemble where it was evaluated."""
    rounds = run.rounds.group_by("round").agg(
        (pl.col("end_s").max() - pl.col("start_s").min()).alias("length_s"),
        pl.col("on_time").sum(),
        (pl.col("late") + pl.col("outage") + pl.col("aborted")).sum().alias("lost"),
        (pl.col("compute_energy_j") + pl.col("uplink_energy_j")).sum().alias("energy_j"),
        pl.col("wasted_energy_j", "delivered_bits").sum(),
    )
    scores = run.learning_curve().select("round", "accuracy", "loss")
    return rounds.join(scores, on="round", how="left").select("round", *METRICS).sort("round")


def paired_differences(
    left: Run | Sequence[Run], right: Run | Sequence[Run], *, level: float = 0.95
) -> pl.DataFrame:
    """Right minus left, per metric: columns metric, unit, left, right, difference, low, high, pairs.

    Two runs are paired by round (blocks of consecutive rounds are resampled, since neighbours resemble
    each other); two sets of runs by seed, each run giving its mean over the rounds. `low` and `high` are
    the percentile bootstrap interval of the mean difference; null below three pairs.
    `final_accuracy` has an interval only from sets of runs. Raises DataError if nothing pairs.
    """
    if isinstance(left, Run) and isinstance(right, Run):
        one, other = per_round(left).collect(), per_round(right).collect()
        pairs = one.join(other, on="round", suffix="_right").sort("round")
        if not len(pairs):
            raise DataError("has no round in common with the other run", where=right.path)
        block = round(len(pairs) ** (1 / 3))
        rows = [_row(m, pairs[m], pairs[f"{m}_right"], block, level) for m in METRICS]
        finals = [_final_accuracy(left), _final_accuracy(right)]
        ends = [pl.Series([f], dtype=pl.Float64) for f in finals]
    else:
        ours, theirs = _by_seed(left), _by_seed(right)
        common = sorted(ours.keys() & theirs.keys())
        if not common:
            raise DataError(
                "no seed in common with the other set of runs", where=next(iter(theirs.values())).path
            )
        one = pl.concat([per_round(ours[s]).select(pl.col(METRICS).mean()) for s in common]).collect()
        other = pl.concat([per_round(theirs[s]).select(pl.col(METRICS).mean()) for s in common]).collect()
        rows = [_row(m, one[m], other[m], 1, level) for m in METRICS]
        ends = [
            pl.Series([_final_accuracy(side[s]) for s in common], dtype=pl.Float64) for side in (ours, theirs)
        ]
    rows.append(_row("final_accuracy", ends[0], ends[1], 1, level))
    return pl.DataFrame(
        rows, schema_overrides=dict.fromkeys(("left", "right", "difference", "low", "high"), pl.Float64)
    )


def bootstrap_interval(
    values: FloatArray, *, level: float = 0.95, block: int = 1, resamples: int = 4000
) -> tuple[float, float]:
    """Percentile interval of the mean of `values` [n] by the circular block bootstrap; always the same draws.

    Politis and Romano (1992); block = 1 is the ordinary bootstrap.
    """
    n = len(values)
    starts = rng.stream(0, "bootstrap").integers(n, size=(resamples, -(-n // block)))
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:block]]))])
    blocks = sums[starts + block] - sums[starts]  # [resample, block]: the sum of each block drawn
    means = blocks.sum(axis=1) / (starts.shape[1] * block)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _row(metric: str, left: pl.Series, right: pl.Series, block: int, level: float) -> dict[str, object]:
    both = left.is_not_null() & right.is_not_null()
    one, other = (s.filter(both).cast(pl.Float64).to_numpy() for s in (left, right))
    row: dict[str, object] = {"metric": metric, "unit": METRICS.get(metric, "1")}
    if not len(one):
        return {**row, **dict.fromkeys(("left", "right", "difference", "low", "high")), "pairs": 0}
    difference = other - one
    low, high = bootstrap_interval(difference, level=level, block=block) if len(one) > 2 else (None, None)
    return {
        **row,
        "left": float(one.mean()),
        "right": float(other.mean()),
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
        "pairs": len(one),
    }


def _by_seed(runs: Run | Sequence[Run]) -> dict[int, Run]:
    chosen = [runs] if isinstance(runs, Run) else list(runs)
    found = {int(run.metadata["seed"]): run for run in chosen}
    if len(found) != len(chosen):
        raise DataError("a set of runs has each seed once", where=chosen[0].path)
    return found


def _final_accuracy(run: Run) -> float | None:
    curve = run.learning_curve().collect()
    return float(curve["accuracy"][-1]) if len(curve) else None
