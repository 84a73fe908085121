"""What a run came to, in one row: the headline metrics of a finished run."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from netsim.results.reader import Run

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
    "time_to_accuracy_s": f"simulated time until it first reached {TARGET_ACCURACY:g}; null if never",
}


def headline(runs: Sequence[Run], accuracy: float = TARGET_ACCURACY) -> pl.DataFrame:
    """One row per run, in order: METRICS. Runs without learning have no accuracy."""
    numbered = list(enumerate(runs))
    uploads = _all(numbered, "uploads").group_by("run").agg(*_uploads())
    rounds = _all(numbered, "rounds").group_by("run").agg(*_rounds())
    handovers = (
        _all(numbered, "handovers").group_by("run").agg(pl.len().cast(pl.Int64).alias("handovers"))
    )
    common = _all(numbered, "evaluations").filter(
        (pl.col("target") == "ensemble") & pl.col("ue").is_null()
    )
    scores = common.group_by("run").agg(
        pl.col("accuracy").sort_by("round").last(),
        pl.col("time_s").filter(pl.col("accuracy") >= accuracy).min().alias("time_to_accuracy_s"),
    )
    row = pl.LazyFrame({"run": [number for number, _ in numbered]}, schema={"run": pl.Int64})
    for part in (rounds, uploads, handovers, scores):
        row = row.join(part, on="run", how="left")
    counts = pl.col("rounds_closed", "uploads", "handovers").fill_null(0)
    return row.with_columns(counts).sort("run").select(*METRICS).collect()


def _all(runs: Sequence[tuple[int, Run]], table: str) -> pl.LazyFrame:
    """A table of all runs, with the number of the run."""
    number = pl.Series("run", [], dtype=pl.Int64)
    empty = Run(runs[0][1].path / "none").table(table) if runs else pl.LazyFrame()
    frames = [
        run.table(table).with_columns(pl.lit(i, dtype=pl.Int64).alias("run")) for i, run in runs
    ]
    return pl.concat(frames) if frames else empty.with_columns(number)


def _uploads() -> list[pl.Expr]:
    outcome, arrived = pl.col("outcome"), pl.col("outcome") == "on_time"
    latency = (pl.col("end_s") - pl.col("start_s") + pl.col("backhaul_s")).filter(arrived)
    return [
        pl.len().cast(pl.Int64).alias("uploads"),
        *[(outcome == o).mean().alias(f"{o}_share") for o in ("on_time", "late", "outage")],
        latency.quantile(0.5, "linear").alias("upload_p50_s"),
        latency.quantile(0.95, "linear").alias("upload_p95_s"),
    ]


def _rounds() -> list[pl.Expr]:
    spent = pl.col("compute_energy_j").sum() + pl.col("uplink_energy_j").sum()
    return [
        pl.col("round").n_unique().cast(pl.Int64).alias("rounds_closed"),
        pl.col("end_s").max().alias("simulated_s"),
        spent.alias("energy_j"),
        (pl.col("wasted_energy_j").sum() / spent).alias("wasted_share"),
    ]
