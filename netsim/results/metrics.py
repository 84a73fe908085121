"""What a run came to, in one row: the headline metrics of a finished run."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from polars import col

from netsim.results.states import UE_ENERGY
from netsim.results.table_buffer import table_schema
from netsim.results.tables import RunTables

TARGET_ACCURACY = 0.8

METRICS = {
    "rounds_closed": "rounds that came to their end",
    "simulated_s": "simulated time at the end",
    "uploads": "uploads begun",
    "on_time_share": "share of the uploads that counted",
    "late_share": "share of the uploads cut by the deadline",
    "outage_share": "share of the uploads below the SINR threshold",
    "upload_p50_s": "median upload latency (transmission and backhaul) of the uploads that counted",
    "upload_p95_s": "95th percentile of it",
    "energy_j": "energy of all UEs",
    "wasted_share": "share of the energy spent on what did not count",
    "handovers": "handovers of all UEs",
    "accuracy": "accuracy of the ensemble at the end, on the split that the run measures",
    "time_to_accuracy_s": f"simulated time until it reached {TARGET_ACCURACY:g}; null if never",
    "energy_to_accuracy_j": "energy of all UEs until then",
    "rounds_to_accuracy": "rounds until then",
}
LABELS = {  # how a metric is called in a table, a figure or a sentence
    "rounds_closed": "rounds closed",
    "simulated_s": "simulated time",
    "uploads": "uploads",
    "on_time_share": "share of uploads on time",
    "late_share": "share of late uploads",
    "outage_share": "share of uploads in outage",
    "upload_p50_s": "median upload latency",
    "upload_p95_s": "95% upload latency",
    "energy_j": "energy",
    "wasted_share": "share of wasted energy",
    "handovers": "handovers",
    "accuracy": "final accuracy",
    "time_to_accuracy_s": "time to accuracy",
    "energy_to_accuracy_j": "energy to accuracy",
    "rounds_to_accuracy": "rounds to accuracy",
}
COUNTS = ("rounds_closed", "uploads", "handovers")


def value_text(value: object) -> str:
    """A value that was varied, as text."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def label(metric: str, accuracy: float = TARGET_ACCURACY) -> str:
    """How a metric is called, with the accuracy that it is measured to."""
    name = LABELS[metric]
    return f"{name} {accuracy:g}" if "to_accuracy" in metric else name


def unit(metric: str) -> str:
    """The unit of a metric: s, J, share (of 1), or none for counts."""
    if metric.endswith("_share") or metric == "accuracy":
        return "share"
    if metric.endswith("_s"):
        return "s"
    return "J" if metric.endswith("_j") else ""


def within_range(metric: str, interval: pl.DataFrame) -> pl.DataFrame:
    """Columns low and high cut where no mean of the metric can lie: shares end at 0 and 1.

    Student's interval knows nothing of that; a drawn band is read as what may be.
    """
    greatest = 1.0 if unit(metric) == "share" else None
    return interval.with_columns(col("low", "high").clip(0.0, greatest))


def headline(runs: Sequence[RunTables], accuracy: float = TARGET_ACCURACY) -> pl.DataFrame:
    """One row per run, in order: METRICS. Runs without learning have no accuracy."""
    table = pl.LazyFrame({"run": range(len(runs))}, schema={"run": pl.Int64})
    for metrics in (
        _rounds(_of_all(runs, "rounds")),
        _uploads(_of_all(runs, "uploads")),
        _handovers(_of_all(runs, "handovers")),
        _accuracy(_of_all(runs, "evaluations"), accuracy),
    ):
        table = table.join(
            metrics,
            on="run",
            how="left",
        )
    table = table.with_columns(col(*COUNTS).fill_null(0))
    return table.sort("run").select(*METRICS).collect()


def _of_all(runs: Sequence[RunTables], table: str) -> pl.LazyFrame:
    """A table of all runs, with the number of the run."""
    none = pl.LazyFrame(schema={**table_schema(table), "run": pl.Int64})
    numbered = [
        run.table(table).with_columns(run=pl.lit(number, dtype=pl.Int64))
        for number, run in enumerate(runs)
    ]
    return pl.concat(numbered) if numbered else none


def _rounds(rounds: pl.LazyFrame) -> pl.LazyFrame:
    spent_j = pl.sum_horizontal(UE_ENERGY.values()).sum()
    return rounds.group_by("run").agg(
        rounds_closed=col("round").n_unique().cast(pl.Int64),
        simulated_s=col("end_s").max(),
        energy_j=spent_j,
        wasted_share=col("wasted_energy_j").sum() / spent_j,
    )


def _uploads(uploads: pl.LazyFrame) -> pl.LazyFrame:
    outcome = col("outcome")
    shares = [(outcome == o).mean().alias(f"{o}_share") for o in ("on_time", "late", "outage")]
    latency_s = col("end_s") - col("start_s") + col("backhaul_s")
    arrived_s = latency_s.filter(outcome == "on_time")
    return uploads.group_by("run").agg(
        pl.len().cast(pl.Int64).alias("uploads"),
        *shares,
        upload_p50_s=arrived_s.quantile(0.5, "linear"),
        upload_p95_s=arrived_s.quantile(0.95, "linear"),
    )


def _handovers(handovers: pl.LazyFrame) -> pl.LazyFrame:
    return handovers.group_by("run").agg(handovers=pl.len().cast(pl.Int64))


def _accuracy(evaluations: pl.LazyFrame, target: float) -> pl.LazyFrame:
    ensemble = (col("target") == "ensemble") & col("ue").is_null()
    reached = col("accuracy") >= target
    return (
        evaluations.filter(ensemble)
        .group_by("run")
        .agg(
            col("accuracy").sort_by("round").last(),
            time_to_accuracy_s=col("time_s").filter(reached).min(),
            energy_to_accuracy_j=col("energy_j").filter(reached).min(),
            rounds_to_accuracy=col("round").filter(reached).min(),
        )
    )
