"""A run in a few numbers: what its summary says first."""

from __future__ import annotations

from typing import Any, TypedDict

import polars as pl
from polars import col

from netsim.records import OUTCOMES
from netsim.results.latency import latency
from netsim.results.reliability import fairness
from netsim.results.states import UE_ENERGY
from netsim.results.tables import RunTables


class Digest(TypedDict):
    """Totals of a run; what it could not measure is None."""

    rounds: int
    simulated_s: float
    uploads: int
    outcomes: dict[str, int]
    spent_j: float  # of all UEs
    spent_on_j: dict[str, float]  # by activity
    gnb_j: float  # 0 where it is not accounted for
    wasted_j: float
    delivered_bits: float
    epsilon: float | None  # privacy spent by the UE that has spent most
    emulated: bool  # the sizes of some uploads are not those of what is sent
    median_finish_s: float | None
    fairness: float | None
    handovers: int
    accuracy: list[float]  # of the ensemble, one per evaluation
    modules: dict[str, tuple[float, float]]  # first and last accuracy of every target


def digest(run: RunTables) -> Digest:
    """Totals from the tables, whether the run is finished or not."""
    totals = _totals_of_rounds(run)
    counts = _counts_by_outcome(run)
    emulated = run.uploads.select(col("payload_emulated").any()).collect(engine="streaming").item()
    jain = fairness(run)
    curves = _accuracy_curves(run)
    return Digest(
        rounds=int(totals["round"]),
        simulated_s=totals["end_s"],
        uploads=sum(counts.values()),
        outcomes=counts,
        spent_j=sum(totals[column] for column in UE_ENERGY.values()),
        spent_on_j={kind: totals[column] for kind, column in UE_ENERGY.items()},
        gnb_j=totals["gnb_energy_j"],
        wasted_j=totals["wasted_energy_j"],
        delivered_bits=totals["delivered_bits"],
        epsilon=totals["epsilon"],
        emulated=bool(emulated),
        median_finish_s=_median_finish_s(run),
        fairness=None if jain != jain else jain,
        handovers=run.handovers.select(pl.len()).collect().item(),
        accuracy=curves.get("ensemble", []),
        modules={target: (curve[0], curve[-1]) for target, curve in curves.items()},
    )


def _totals_of_rounds(run: RunTables) -> dict[str, Any]:
    summed = (*UE_ENERGY.values(), "gnb_energy_j", "wasted_energy_j", "delivered_bits")
    sums = col(summed).sum()
    totals = run.rounds.select(
        col("round").n_unique(),
        col("end_s").max().fill_null(0.0),
        sums,
        col("epsilon").max(),
    )
    return totals.collect(engine="streaming").row(0, named=True)


def truncated_uploads(run: RunTables) -> int:
    """Whose UEs were silent, where uploads add up on the air."""
    return int(run.rounds.select(col("truncated").sum()).collect(engine="streaming").item())


def _counts_by_outcome(run: RunTables) -> dict[str, int]:
    rows = run.uploads.group_by("outcome").len().collect(engine="streaming").iter_rows()
    found = dict(rows)
    return {outcome: found.get(outcome, 0) for outcome in OUTCOMES}


def _median_finish_s(run: RunTables) -> float | None:
    """Of the uploads that were on time."""
    on_time = latency(run).filter(col("outcome") == "on_time")
    found = on_time.select(col("finish_s").median())
    median: float | None = found.collect(engine="streaming").item()
    return median


def _accuracy_curves(run: RunTables) -> dict[str, list[float]]:
    """Accuracy over time on the common split, of every module and then of what combines them."""
    common = col("ue").is_null() & col("accuracy").is_not_null()
    scores = run.evaluations.filter(common).sort("time_s").collect()
    targets: list[str] = scores["target"].unique().to_list()
    targets.sort(key=_modules_first)
    return {
        target: scores.filter(col("target") == target)["accuracy"].to_list() for target in targets
    }


def _modules_first(target: str) -> tuple[bool, int, str]:
    return not target.isdecimal(), len(target), target
