"""Masked sums: who arrived is who was summed, and every upload is as long as its sum says."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.check_accounts import CELL, Accounts
from netsim.results.laws import Check, at_most_zero, equal

SUM = [*CELL, "module"]
LEAST_MEMBERS = 2


def masked_checks(accounts: Accounts) -> list[Check]:
    """Of a run with secure aggregation."""
    on_time = col("outcome") == "on_time"
    counted = accounts.uploads.group_by(SUM).agg(
        on_time.sum().cast(pl.Int64).alias("on_time"),
        sent=pl.len().cast(pl.Int64),
    )
    sums = accounts.sums.join(counted, on=SUM, how="left").fill_null(0)
    formed = sums.filter("unmasked")
    uploads = accounts.uploads.join(accounts.sums, on=SUM, how="left")
    answered = pl.when(on_time).then(col("answer_bits")).otherwise(0.0)
    due = uploads.select(col("numbers") * col("number_bits") + col("key_up_bits") + answered)
    missing = pl.max_horizontal("needed", LEAST_MEMBERS) - col("arrived")
    return [
        equal(
            "uploads on time = those in unmasked sums",
            sums["on_time"].cast(pl.Float64),
            sums.select(col("arrived") * col("unmasked")).to_series().cast(pl.Float64),
        ),
        equal(
            "masked upload = numbers x bits + keys, shares and answer",
            uploads["payload_bits"],
            due.to_series(),
        ),
        at_most_zero(
            "enough have arrived where a sum is unmasked",
            formed.select(missing).to_series().cast(pl.Float64),
        ),
        at_most_zero(
            "uploads of a sum <= its members",
            sums.select(col("sent") - col("members")).to_series().cast(pl.Float64),
        ),
    ]
