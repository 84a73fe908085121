"""What was learnt, against rounds, simulated time and energy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
from polars import col

from netsim.results.arguments import check_accuracy, checked_target
from netsim.results.tables import RunTables

LEVELS = (0.6, 0.7, 0.8, 0.9)


def target_name(target: str) -> str:
    """A target of the evaluations as a reader would call it: module 3, ensemble, mean logits."""
    return f"module {target}" if target.isdecimal() else target.replace("_", " ")


def learning_curve(run: RunTables, target: str | int = "ensemble") -> pl.LazyFrame:
    """Loss and accuracy on the common split, one row per evaluation.

    Columns round, time_s, energy_j, loss, accuracy. `target` is "ensemble" or the index of a
    module. The split is that of `learning.evaluate_on`. Raises InputError for an unknown target.
    """
    mine = (col("target") == checked_target(run, target)) & col("ue").is_null()
    return (
        run.evaluations.filter(mine)
        .select("round", "time_s", "energy_j", "loss", "accuracy")
        .sort("time_s")
    )


def to_accuracy(
    run: RunTables,
    levels: float | Sequence[float] = LEVELS,
    target: str | int = "ensemble",
) -> pl.LazyFrame:
    """Cost of reaching each accuracy level for the first time; null where it never was.

    Columns level, round, time_s (simulated), energy_j (spent until then). Raises InputError for a
    level that is no share of right answers, and for an unknown target.
    """
    asked = list(levels) if isinstance(levels, Iterable) else [levels]
    for level in asked:
        check_accuracy(level)
    curve = learning_curve(run, target)
    wanted = pl.LazyFrame({"level": asked}, schema={"level": pl.Float64})
    reached = (
        wanted.join(curve, how="cross")
        .filter(col("accuracy") >= col("level"))
        .group_by("level")
        .agg(col("round", "time_s", "energy_j").min())
    )
    return wanted.join(
        reached,
        on="level",
        how="left",
        maintain_order="left",
    )


def time_to_accuracy(run: RunTables, accuracy: float) -> float | None:
    """Simulated seconds until the ensemble first reached `accuracy`; None if it never did."""
    first = to_accuracy(run, [accuracy]).select("time_s").collect().item()
    return None if first is None else float(first)
