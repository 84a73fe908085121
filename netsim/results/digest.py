"""A run in a few numbers: what its summary says first."""

from __future__ import annotations

from typing import Any, TypedDict

import polars as pl

from netsim.records import OUTCOMES
from netsim.results.reader import Run
from netsim.results.reliability import fairness


class Digest(TypedDict):
    """Totals of a run; what it could not measure is None."""

    rounds: int
    simulated_s: float
    uploads: int
    outcomes: dict[str, int]
    compute_j: float
    uplink_j: float
    wasted_j: float
    delivered_bits: float
    median_finish_s: float | None
    fairness: float | None
    handovers: int
    accuracy: list[float]  # of the ensemble, one per evaluation
    modules: dict[str, tuple[float, float]]  # first and last accuracy of every target


def digest(run: Run) -> Digest:
    """Totals from the tables, whether the run is finished or not."""
    rounds = run.rounds.select(
        pl.col("round").n_unique(),
        pl.col("end_s").max().fill_null(0.0),
        pl.col("compute_energy_j", "uplink_energy_j", "wasted_energy_j", "delivered_bits").sum(),
    )
    count, end_s, compute_j, uplink_j, wasted_j, delivered = rounds.collect(engine="streaming").row(
        0
    )
    counts = dict(run.uploads.group_by("outcome").len().collect(engine="streaming").iter_rows())
    on_time = run.latency().filter(pl.col("outcome") == "on_time")
    median = on_time.select(pl.col("finish_s").median()).collect(engine="streaming").item()
    jain = fairness(run)
    scores = run.evaluations.filter(pl.col("ue").is_null()).sort("time_s").collect()
    targets: list[Any] = scores["target"].unique().to_list()
    curves = {t: scores.filter(pl.col("target") == t)["accuracy"].to_list() for t in targets}
    return Digest(
        rounds=count,
        simulated_s=end_s,
        uploads=sum(counts.values()),
        outcomes={outcome: counts.get(outcome, 0) for outcome in OUTCOMES},
        compute_j=compute_j,
        uplink_j=uplink_j,
        wasted_j=wasted_j,
        delivered_bits=delivered,
        median_finish_s=median,
        fairness=None if jain != jain else jain,
        handovers=run.handovers.select(pl.len()).collect().item(),
        accuracy=curves.get("ensemble", []),
        modules={
            t: (curves[t][0], curves[t][-1])
            for t in sorted(curves, key=lambda t: (not t.isdigit(), len(t), t))
        },
    )
