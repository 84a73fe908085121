"""Who was heard: outcomes, outage by distance, fairness of participation, staleness, handovers."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.records import OUTCOMES
from netsim.results.arguments import check_group, check_not_negative, check_positive
from netsim.results.tables import RunTables

Z_95 = 1.959964  # quantile of the normal distribution, two-sided 95%


def outcomes(run: RunTables, by: str = "ue") -> pl.LazyFrame:
    """Number of uploads and of each outcome by ue, round, gnb or module. Raises InputError."""
    check_group(by)
    counts = [(col("outcome") == outcome).sum().alias(outcome) for outcome in OUTCOMES]
    return (
        run.uploads.group_by(by)
        .agg(
            pl.len().alias("uploads"),
            *counts,
        )
        .sort(by)
    )


def outage_by_distance(run: RunTables, bin_m: float = 100.0) -> pl.LazyFrame:
    """Share of uploads in outage by distance to the serving gNB, with Wilson's 95% interval.

    Columns distance_m (middle of the bin), uploads, outage (share), low, high. Raises InputError
    for a bin that is not above 0.
    """
    check_positive("bin_m", bin_m)
    left_edge_m = (col("distance_m") / bin_m).floor() * bin_m
    low, high = _wilson(share=col("outage"), count=col("uploads"))
    return (
        run.uploads.group_by((left_edge_m + bin_m / 2).alias("distance_m"))
        .agg(
            uploads=pl.len(),
            outage=(col("outcome") == "outage").mean(),
        )
        .with_columns(low=low, high=high)
        .sort("distance_m")
    )


def _wilson(share: pl.Expr, count: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Bounds of a share observed among `count`: score interval, Wilson, JASA 22 (1927)."""
    z2 = Z_95**2
    shrink = 1 + z2 / count
    centre = (share + z2 / (2 * count)) / shrink
    variance = share * (1 - share) / count + z2 / (4 * count**2)
    reach = (z2 * variance).sqrt() / shrink
    return (centre - reach).clip(0, 1), (centre + reach).clip(0, 1)


def participation(run: RunTables) -> pl.LazyFrame:
    """One row per UE, heard or not: `uploads`, `on_time`, `share` of all that were on time."""
    counts = outcomes(run, "ue").select("ue", "uploads", "on_time")
    return (
        run.ues.select("ue", "gnb")
        .join(
            counts,
            on="ue",
            how="left",
        )
        .with_columns(col("uploads", "on_time").fill_null(0))
        .with_columns(share=col("on_time") / col("on_time").sum())
        .sort("ue")
    )


def fairness(run: RunTables) -> float:
    """Jain's index of the UEs' uploads that were on time: 1 if all are equal, 1/K if one has all.

    NaN if nothing arrived. Jain, Chiu and Hawe, DEC TR-301 (1984).
    """
    on_time = col("on_time").cast(pl.Float64)
    squares = (on_time**2).sum()
    jain = on_time.sum() ** 2 / (pl.len() * squares)
    index = participation(run).select(jain).collect().item()
    return float("nan") if index is None else float(index)


def staleness(run: RunTables) -> pl.LazyFrame:
    """Number of on-time `uploads` for each `staleness`, in versions."""
    on_time = run.uploads.filter(col("outcome") == "on_time")
    counts = on_time.group_by("staleness").agg(uploads=pl.len())
    return counts.sort("staleness")


def handover_counts(run: RunTables, ping_pong_s: float = 1.0) -> pl.LazyFrame:
    """Handovers per UE that had one.

    Columns ue, `handovers`, `ping_pongs` (back at the old gNB within `ping_pong_s`), `bits_lost`.
    Raises InputError for a negative time.
    """
    check_not_negative("ping_pong_s", ping_pong_s)
    of_the_last = col("from_gnb", "to_gnb", "time_s").shift(1).over("ue", order_by="time_s")
    back = col("to_gnb") == col("last_from_gnb")
    soon = col("time_s") - col("last_time_s") <= ping_pong_s
    return (
        run.handovers.with_columns(of_the_last.name.prefix("last_"))
        .group_by("ue")
        .agg(
            pl.len().alias("handovers"),
            (back & soon).sum().alias("ping_pongs"),
            col("bits_lost").sum(),
        )
        .sort("ue")
    )
