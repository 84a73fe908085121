"""Who was heard: outcomes, outage by distance, fairness of participation, staleness, handovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from netsim.records import OUTCOMES

if TYPE_CHECKING:
    from netsim.results.reader import Run


def outcomes(run: Run, by: str = "ue") -> pl.LazyFrame:
    """Number of uploads and of each outcome by ue, round, gnb or module."""
    return (
        run.uploads.group_by(by)
        .agg(
            pl.len().alias("uploads"),
            *[(pl.col("outcome") == outcome).sum().alias(outcome) for outcome in OUTCOMES],
        )
        .sort(by)
    )


def outage_by_distance(run: Run, bin_m: float = 100.0) -> pl.LazyFrame:
    """Share of uploads in outage by distance to the serving gNB, with Wilson's 95% interval.

    Columns distance_m (middle of the bin), uploads, outage (share), low, high.
    """
    z2 = 1.959964**2
    n, p = pl.col("uploads"), pl.col("outage")
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = (z2 * (p * (1 - p) / n + z2 / (4 * n**2))).sqrt() / (1 + z2 / n)
    return (
        run.uploads.group_by(
            ((pl.col("distance_m") / bin_m).floor() * bin_m + bin_m / 2).alias("distance_m")
        )
        .agg(pl.len().alias("uploads"), (pl.col("outcome") == "outage").mean().alias("outage"))
        .with_columns(
            (centre - reach).clip(0, 1).alias("low"), (centre + reach).clip(0, 1).alias("high")
        )
        .sort("distance_m")
    )


def participation(run: Run) -> pl.LazyFrame:
    """One row per UE, heard or not: `uploads`, `on_time`, and its `share` of all that were on
    time.
    """
    counts = outcomes(run, "ue").select("ue", "uploads", "on_time")
    return (
        run.ues.select("ue", "gnb")
        .join(counts, on="ue", how="left")
        .with_columns(pl.col("uploads", "on_time").fill_null(0))
        .with_columns((pl.col("on_time") / pl.col("on_time").sum()).alias("share"))
        .sort("ue")
    )


def fairness(run: Run) -> float:
    """Jain's index of the UEs' uploads that were on time: 1 if all are equal, 1/K if one has all.

    NaN if nothing arrived. Jain, Chiu and Hawe, DEC TR-301 (1984).
    """
    x = pl.col("on_time").cast(pl.Float64)
    index = participation(run).select(x.sum() ** 2 / (pl.len() * (x**2).sum())).collect().item()
    return float("nan") if index is None else float(index)


def staleness(run: Run) -> pl.LazyFrame:
    """Number of uploads that were on time by their `staleness`, in versions."""
    on_time = run.uploads.filter(pl.col("outcome") == "on_time")
    return on_time.group_by("staleness").agg(pl.len().alias("uploads")).sort("staleness")


def handover_counts(run: Run, ping_pong_s: float = 1.0) -> pl.LazyFrame:
    """Handovers per UE that had one: `handovers`, `ping_pongs` (back within `ping_pong_s`),
    `bits_lost`.
    """
    before = (
        pl.col("from_gnb", "to_gnb", "time_s")
        .shift(1)
        .over("ue", order_by="time_s")
        .name.prefix("last_")
    )
    back = (pl.col("to_gnb") == pl.col("last_from_gnb")) & (
        pl.col("time_s") - pl.col("last_time_s") <= ping_pong_s
    )
    return (
        run.handovers.with_columns(before)
        .group_by("ue")
        .agg(
            pl.len().alias("handovers"),
            back.sum().alias("ping_pongs"),
            pl.col("bits_lost").sum(),
        )
        .sort("ue")
    )
