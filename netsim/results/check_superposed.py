"""Uploads that add up on the air: symbols coincide, and who is truncated sends nothing."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.check_accounts import CELL, Accounts
from netsim.results.laws import Check, at_most_zero, equal

SUM = [*CELL, "module"]
BITS_PER_SYMBOL = 64  # two numbers of a float32 tensor


def superposition_checks(accounts: Accounts) -> list[Check]:
    """Of a run in which all uploads of a module at a gNB share one band."""
    uploads = accounts.uploads
    truncated = uploads.filter("truncated")
    sent = uploads.filter(~col("truncated"), col("airtime_s") > 0)
    return [
        at_most_zero("who is truncated sends nothing", _sent_by(truncated)),
        at_most_zero("who is truncated is in outage, and nobody else", _other_outages(uploads)),
        at_most_zero("truncated uploads = of rounds", _differences(accounts)),
        at_most_zero("uploads of a sum begin together, in one band", _apart(sent)),
        equal("rate = two numbers a symbol", sent["rate_bps"], _symbol_rate(sent)),
    ]


def _sent_by(truncated: pl.DataFrame) -> pl.Series:
    """Power, time, energy and bits of uploads; 0 where nothing is sent."""
    quantities = ("power_w", "airtime_s", "energy_j", "bits_sent")
    sent = pl.sum_horizontal(quantities)
    return truncated.select(sent).to_series()


def _other_outages(uploads: pl.DataFrame) -> pl.Series:
    """1 where outage and truncation differ."""
    differs = (col("outcome") == "outage") != col("truncated")
    return uploads.select(differs.cast(pl.Float64)).to_series()


def _differences(accounts: Accounts) -> pl.Series:
    """Per round and gNB, |uploads that were truncated - count of the round|."""
    counted = accounts.uploads.group_by(CELL).agg(counted=col("truncated").sum())
    joined = accounts.rounds.join(counted, on=CELL, how="left").fill_null(0)
    off = (col("truncated").cast(pl.Int64) - col("counted").cast(pl.Int64)).abs()
    return joined.select(off.cast(pl.Float64)).to_series()


def _apart(sent: pl.DataFrame) -> pl.Series:
    """By how much starts, bands and noise of the uploads of a sum differ."""
    spread = [col(name).max() - col(name).min() for name in ("start_s", "bandwidth_hz", "noise")]
    return sent.group_by(SUM).agg(off=pl.sum_horizontal(spread))["off"]


def _symbol_rate(sent: pl.DataFrame) -> pl.Series:
    """Bits of the tensors in a second: one symbol a second in each Hz."""
    symbols = sent["bandwidth_hz"]
    return BITS_PER_SYMBOL * symbols
