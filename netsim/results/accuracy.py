"""What was learnt, against rounds, simulated time and energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from netsim.results.reader import Run


def target_name(target: str) -> str:
    """What a target of the evaluations is called: module 3, ensemble, mean logits."""
    return f"module {target}" if target.isdigit() else target.replace("_", " ")


def learning_curve(run: Run, target: str = "ensemble") -> pl.LazyFrame:
    """Loss and accuracy on the common split, one row per evaluation: round, time_s, energy_j, loss,
    accuracy.

    `target` is "ensemble" or the index of a module, as text. The split is that of
    `learning.evaluate_on`.
    """
    mine = (pl.col("target") == target) & pl.col("ue").is_null()
    return (
        run.evaluations.filter(mine)
        .select("round", "time_s", "energy_j", "loss", "accuracy")
        .sort("time_s")
    )


def to_accuracy(
    run: Run, levels: Sequence[float] = (0.6, 0.7, 0.8, 0.9), target: str = "ensemble"
) -> pl.LazyFrame:
    """Rounds, simulated s and J spent until the accuracy first reached each level; null if
    never.
    """
    curve = learning_curve(run, target)
    wanted = pl.LazyFrame({"level": list(levels)}, schema={"level": pl.Float64})
    reached = (
        wanted.join(curve, how="cross")
        .filter(pl.col("accuracy") >= pl.col("level"))
        .group_by("level")
        .agg(pl.col("round", "time_s", "energy_j").min())
    )
    return wanted.join(reached, on="level", how="left", maintain_order="left")
