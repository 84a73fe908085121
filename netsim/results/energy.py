"""Where the joules went, and which of them counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from netsim.results.parts import part_by_part

if TYPE_CHECKING:
    from netsim.results.reader import Run

LEDGER = ("compute_useful_j", "compute_wasted_j", "uplink_useful_j", "uplink_wasted_j", "other_j")


def energy(run: Run, by: str = "ue") -> pl.LazyFrame:
    """Energy ledger in J by ue, round, gnb or module; `energy_j` is the sum.

    Computing and transmitting are useful if the update arrived on time, else wasted.
    """
    sums = part_by_part(run, lambda part: _ledger(part, by))
    return (
        sums.group_by(by)
        .agg(pl.col(LEDGER).sum())
        .with_columns(pl.sum_horizontal(LEDGER).alias("energy_j"))
        .sort(by)
    )


def _ledger(part: Run, by: str) -> pl.LazyFrame:
    key = ["round", "ue", "module"]
    arrived = (
        part.uploads.filter(pl.col("outcome") == "on_time")
        .select(*key, pl.lit(True).alias("useful"))
        .unique(key)
    )
    joules, kind = pl.col("energy_j"), pl.col("kind")
    useful = pl.col("useful").fill_null(False)
    computing, sending = kind == "compute", kind == "uplink"
    return (
        part.spans.filter(pl.col("ue").is_not_null() & (joules != 0))
        .select(*key, "gnb", "kind", "energy_j")
        .join(arrived, on=key, how="left", nulls_equal=True)
        .group_by(by)
        .agg(
            joules.filter(computing & useful).sum().alias("compute_useful_j"),
            joules.filter(computing & ~useful).sum().alias("compute_wasted_j"),
            joules.filter(sending & useful).sum().alias("uplink_useful_j"),
            joules.filter(sending & ~useful).sum().alias("uplink_wasted_j"),
            joules.filter(~(computing | sending)).sum().alias("other_j"),
        )
    )
