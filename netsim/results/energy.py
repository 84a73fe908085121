"""Where the joules went, and which of them counted."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.arguments import check_group
from netsim.results.parts import part_by_part
from netsim.results.tables import RunTables

LEDGER = (
    "compute_useful_j",
    "compute_wasted_j",
    "uplink_useful_j",
    "uplink_wasted_j",
    "receive_j",
    "wait_j",
    "idle_j",
)
UPLOAD = ("round", "ue", "module")


def energy(run: RunTables, by: str = "ue") -> pl.LazyFrame:
    """Energy ledger in J by ue, round, gnb or module; `energy_j` is the sum.

    Computing and transmitting are useful if the update arrived on time, else wasted.
    """
    check_group(by)
    sums = part_by_part(run, lambda part: _ledger(part, by))
    return (
        sums.group_by(by)
        .agg(col(LEDGER).sum())
        .with_columns(energy_j=pl.sum_horizontal(LEDGER))
        .sort(by)
    )


def _ledger(part: RunTables, by: str) -> pl.LazyFrame:
    useful = col("useful").fill_null(False)
    computing = col("kind") == "compute"
    sending = col("kind") == "uplink"

    def joules(which: pl.Expr, name: str) -> pl.Expr:
        return col("energy_j").filter(which).sum().alias(name)

    sums = [
        joules(computing & useful, "compute_useful_j"),
        joules(computing & ~useful, "compute_wasted_j"),
        joules(sending & useful, "uplink_useful_j"),
        joules(sending & ~useful, "uplink_wasted_j"),
    ]
    for kind, name in (("broadcast", "receive_j"), ("wait", "wait_j"), ("idle", "idle_j")):
        sums.append(joules(col("kind") == kind, name))
    spent = _spent(part).join(
        _arrived(part),
        on=UPLOAD,
        how="left",
        nulls_equal=True,
    )
    return spent.group_by(by).agg(sums)


def _spent(part: RunTables) -> pl.LazyFrame:
    """Spans of UEs that cost energy."""
    spans = part.spans.filter(col("ue").is_not_null() & (col("energy_j") != 0))
    return spans.select(*UPLOAD, "gnb", "kind", "energy_j")


def _arrived(part: RunTables) -> pl.LazyFrame:
    """Uploads that counted, marked `useful`."""
    on_time = part.uploads.filter(col("outcome") == "on_time")
    return on_time.select(
        *UPLOAD,
        useful=pl.lit(True),
    ).unique(UPLOAD)
