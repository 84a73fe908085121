"""What modules are worth to each UE: accuracy and loss on its own test rows.

Such rows of the evaluations exist where `learning.evaluate_in_full` is on, which it is by itself in
worlds where UEs have different tasks. UE k counts with the weight rho_k of eq. (1), its samples per
round over those of all UEs.

Targets: "ensemble" is eq. (3), "averaged_logits" the ensemble that answers by the mean of the
logits, "best" the module that each UE has chosen on its validation rows, "0", "1", ... a module.
"""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.arguments import TARGETS, checked_target
from netsim.results.tables import RunTables

WORST = 0.1  # of the UEs: the worst decile
OWN_COLUMNS = ("round", "time_s", "energy_j", "ue", "rho", "loss", "accuracy")


def own_accuracy(run: RunTables, target: str | int = "ensemble") -> pl.LazyFrame:
    """Every UE at every evaluation, on its own test rows.

    Columns round, time_s, energy_j, ue, rho, loss, accuracy. Empty where UEs were not measured.
    Raises InputError for an unknown target.
    """
    rho = (col("samples") / col("samples").sum()).alias("rho")
    mine = (col("target") == checked_target(run, target)) & col("ue").is_not_null()
    rows = run.evaluations.filter(mine).drop("samples")
    return rows.join(run.ues.select("ue", rho), on="ue").select(OWN_COLUMNS).sort("time_s", "ue")


def own_curve(run: RunTables, target: str | int = "ensemble") -> pl.LazyFrame:
    """The UEs' own accuracy and loss over the run, one row per evaluation.

    Columns round, time_s, energy_j, accuracy and loss (means weighted by rho), worst_decile (mean
    accuracy of the tenth of the UEs that is served worst, at least one), spread (standard deviation
    of the accuracy over UEs), ues.
    """
    weight = col("rho") / col("rho").sum()
    worst = (pl.len() * WORST).ceil().cast(pl.Int64)
    return (
        own_accuracy(run, target)
        .group_by("round", "time_s", "energy_j")
        .agg(
            accuracy=(weight * col("accuracy")).sum(),
            loss=(weight * col("loss")).sum(),
            worst_decile=col("accuracy").sort().head(worst).mean(),
            spread=col("accuracy").std(ddof=0),
            ues=pl.len(),
        )
        .sort("time_s")
    )


def own_distribution(run: RunTables) -> pl.LazyFrame:
    """The UEs at the last evaluation, one row each.

    Columns ue, rho, concept, and the accuracy of TARGETS.
    """
    found = run.ues.select(
        "ue",
        _concept(run),
    )
    for target in TARGETS:
        rows = own_accuracy(run, target)
        last = rows.filter(col("round") == col("round").max())
        wanted = last.select(
            "ue",
            "rho",
            col("accuracy").alias(target),
        )
        found = found.join(wanted.drop("rho") if target != TARGETS[0] else wanted, on="ue")
    return found.sort("ue")


def _concept(run: RunTables) -> pl.Expr:
    """Concept group; 0 in runs of before there were any."""
    if "concept" in run.ues.collect_schema().names():
        return col("concept").fill_null(0)
    return pl.lit(0, dtype=pl.Int64).alias("concept")
