"""Time, counts and shares: causes before effects, every upload counted, the band not exceeded."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.records import OUTCOMES
from netsim.results.check_accounts import CELL, Accounts
from netsim.results.laws import Check, at_most_zero, equal


def causality_checks(accounts: Accounts) -> list[Check]:
    """Nothing ends before it starts, or starts before what it needs."""
    spans = accounts.spans
    uploads = accounts.uploads
    within = _with_round_times(accounts)
    parts_s = uploads["download_s"] + uploads["compute_s"] + uploads["wait_s"]
    return [
        at_most_zero("no span ends before it starts", spans["start_s"] - spans["end_s"]),
        at_most_zero("spans of a UE do not overlap", _overlaps(accounts)),
        at_most_zero("computing starts after the download", _computing_before_download(spans)),
        at_most_zero("uploads end by the deadline", uploads["end_s"] - uploads["deadline_s"]),
        at_most_zero("uploads end before the round does", within["end_s"] - within["closed_s"]),
        at_most_zero("rounds of a gNB follow one another", _round_overlaps(accounts)),
        equal(
            "download + compute + wait + airtime = end",
            parts_s + uploads["airtime_s"],
            within["end_s"] - within["opened_s"],
        ),
    ]


def _overlaps(accounts: Accounts) -> pl.Series:
    """By how much a UE's activities reach into those after them, s."""
    parallel = col("kind").is_in(["broadcast", "handover"])
    own = accounts.of_ues.filter(~parallel)
    last_end_s = col("end_s").cum_max().shift(1)
    overlap_s = (last_end_s - col("start_s")).over("ue")
    modules_side_by_side = col("kind").is_in(["wait", "uplink"])
    found = own.select(overlap=overlap_s, parallel=modules_side_by_side)
    overlap = found.filter(~col("parallel"))["overlap"]
    return overlap.fill_null(0.0)  # the first of a UE reaches into none


def _computing_before_download(spans: pl.DataFrame) -> pl.Series:
    """By how much computing starts before the UE has heard its modules, s."""
    of_modules = (col("kind") == "broadcast") & col("module").is_not_null()
    ue = ["round", "ue"]
    heard = spans.filter(of_modules).group_by(ue).agg(heard_s=col("end_s").max())
    computing = spans.filter(col("kind") == "compute").group_by(ue).agg(col("start_s").min())
    both = computing.join(heard, on=ue)
    return both["heard_s"] - both["start_s"]


def _with_round_times(accounts: Accounts) -> pl.DataFrame:
    """Uploads with the start of the round they began in and the end of the one they ended in."""
    closed = accounts.rounds.select(*CELL, closed_s="end_s")
    uploads = accounts.uploads.join(
        closed,
        on=CELL,
        how="left",
        maintain_order="left",
    )
    return uploads.join(
        accounts.opened,
        on=["begun", "gnb"],
        how="left",
        maintain_order="left",
    )


def _round_overlaps(accounts: Accounts) -> pl.Series:
    """By how much a round of a gNB begins before the one before has ended, s."""
    overlap_s = (col("end_s").shift(1) - col("start_s")).over("gnb")
    return accounts.in_a_row.select(overlap=overlap_s)["overlap"].drop_nulls()


def count_checks(accounts: Accounts) -> list[Check]:
    """Every subscription has one outcome, the same in all tables."""
    differences = _outcome_differences(accounts)
    missing = _subscriptions_without_end(accounts)
    return [
        at_most_zero("outcomes of uploads = of rounds", differences),
        at_most_zero("every subscription ends somehow", missing),
    ]


def _outcome_differences(accounts: Accounts) -> pl.Series:
    """Per round and gNB, summed over outcomes: |uploads that ended so - count of the round|."""
    counted = [(col("outcome") == o).sum().alias(f"counted_{o}") for o in OUTCOMES]
    by_outcome = accounts.uploads.group_by(CELL).agg(counted)
    joined = accounts.rounds.join(
        by_outcome,
        on=CELL,
        how="left",
    ).fill_null(0)
    off = [(col(o) - col(f"counted_{o}")).abs() for o in OUTCOMES]
    return joined.select(pl.sum_horizontal(off).cast(pl.Float64)).to_series()


def _subscriptions_without_end(accounts: Accounts) -> pl.Series:
    """Per round and gNB, pairs that were to upload and are not accounted for."""
    carried_in = col("carried").shift(1, fill_value=0).over("gnb")
    due = col("subscribed") + carried_in
    accounted = pl.sum_horizontal(*OUTCOMES, "not_ready", "carried")
    missing = (due - accounted).abs().cast(pl.Float64)
    return accounts.in_a_row.select("is_new", missing=missing).filter("is_new")["missing"]


def shares(accounts: Accounts, bandwidth_hz: float) -> Check:
    """Band in use at every instant: added at starts and taken off at ends, ends first."""
    at_instants = accounts.band.filter(accounts.is_settled, col("at_s").is_finite())
    in_use = at_instants["in_use_hz"]
    return at_most_zero("shares of a gNB sum to at most 1", in_use / bandwidth_hz - 1)


def shannon(accounts: Accounts) -> Check:
    """The rate from the band and the SINR, where the SINR is known and something was sent."""
    is_known = col("sinr_db").is_not_null()
    was_sent = col("airtime_s") > 0
    known = accounts.uploads.filter(is_known, was_sent)
    sinr = known.select(10 ** (col("sinr_db") / 10)).to_series()
    capacity_bps = known["bandwidth_hz"] * (1 + sinr).log(2)
    return equal(
        "rate = band x log2(1 + SINR)",
        known["rate_bps"],
        capacity_bps,
    )
