"""Runs compared: paired differences with confidence intervals.

Schemes meet the same fading when scenario and seed agree, so runs are compared pair by pair: round
by round for two runs, seed by seed for two sets of runs. The noise they share drops out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import polars as pl

from netsim.errors import DataError
from netsim.results.intervals import Interval, Method, block_interval, mean_interval
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
NUMBERS = ("left", "right", "difference", "low", "high")
SEEDS_TO_RESAMPLE = 10
Rule = Callable[[FloatArray], Interval]


def per_round(run: Run) -> pl.LazyFrame:
    """One row per round, all gNBs together; accuracy and loss of the ensemble where it was
    evaluated.
    """
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
    """Right minus left, per metric: columns metric, unit, pairs, left, right, difference, low,
    high.

    Two runs are paired by round; blocks of consecutive rounds are resampled, since neighbours
    resemble each other. Two sets of runs are paired by seed, each run giving its mean over the
    rounds: Student's interval, from ten seeds on the bootstrap. `low` and `high` are null below
    three pairs. `final_accuracy` has an interval only from sets of runs. Raises DataError if
    nothing pairs.
    """
    if isinstance(left, Run) and isinstance(right, Run):
        one, other = per_round(left).collect(), per_round(right).collect()
        pairs = one.join(other, on="round", suffix="_right").sort("round")
        if not len(pairs):
            raise DataError("has no round in common with the other run", where=right.path)
        one, other = (
            pairs.select(*METRICS),
            pairs.select([pl.col(f"{m}_right").alias(m) for m in METRICS]),
        )
        rule: Rule = partial(block_interval, block=round(len(pairs) ** (1 / 3)), level=level)
        ends = [[_final_accuracy(run)] for run in (left, right)]
    else:
        sides = [_by_seed(left), _by_seed(right)]
        common = sorted(sides[0].keys() & sides[1].keys())
        if not common:
            raise DataError(
                "no seed in common with the other set of runs",
                where=next(iter(sides[1].values())).path,
            )
        means = pl.col(*METRICS).mean()
        one, other = (
            pl.concat([per_round(s[n]).select(means) for n in common]).collect() for s in sides
        )
        method: Method = "bootstrap" if len(common) >= SEEDS_TO_RESAMPLE else "t"
        rule = partial(mean_interval, level=level, method=method)
        ends = [[_final_accuracy(side[seed]) for seed in common] for side in sides]
    rows = [_row(metric, one[metric], other[metric], rule) for metric in METRICS]
    first, last = (pl.Series(values, dtype=pl.Float64) for values in ends)
    rows.append(_row("final_accuracy", first, last, rule))
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(NUMBERS, pl.Float64))


def _row(metric: str, left: pl.Series, right: pl.Series, interval: Rule) -> dict[str, object]:
    both = left.is_not_null() & right.is_not_null()
    one, other = (s.filter(both).cast(pl.Float64).to_numpy() for s in (left, right))
    row: dict[str, object] = {"metric": metric, "unit": METRICS.get(metric, "1"), "pairs": len(one)}
    if not len(one):
        return {**row, **dict.fromkeys(NUMBERS)}
    found = interval(other - one)
    bounds = (found.low, found.high) if len(one) > 2 else (None, None)
    numbers = (float(one.mean()), float(other.mean()), found.mean, *bounds)
    return {**row, **dict(zip(NUMBERS, numbers, strict=True))}


def _by_seed(runs: Run | Sequence[Run]) -> dict[int, Run]:
    chosen = [runs] if isinstance(runs, Run) else list(runs)
    found = {int(run.metadata["seed"]): run for run in chosen}
    if len(found) != len(chosen):
        raise DataError("a set of runs has each seed once", where=chosen[0].path)
    return found


def _final_accuracy(run: Run) -> float | None:
    curve = run.learning_curve().collect()
    return float(curve["accuracy"][-1]) if len(curve) else None
