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
        at_most_zero("spans of a UE do not overlap", _overlaps(spans)),
        at_most_zero("computing starts after the download", _computing_before_download(spans)),
        at_most_zero("uploads end by the deadline", uploads["end_s"] - uploads["deadline_s"]),
        at_most_zero("uploads end before the round does", within["end_s"] - within["closed_s"]),
        at_most_zero("rounds of a gNB follow one another", _round_overlaps(accounts.rounds)),
        equal(
            "download + compute + wait + airtime = end",
            parts_s + uploads["airtime_s"],
            within["end_s"] - within["opened_s"],
        ),
    ]


def _overlaps(spans: pl.DataFrame) -> pl.Series:
    """By how much a UE's activities reach into those after them, s."""
    parallel = col("kind").is_in(["broadcast", "handover"])
    own = spans.filter(col("ue").is_not_null() & ~parallel).sort("ue", "start_s", "end_s")
    last_end_s = col("end_s").cum_max().shift(1)
    overlap_s = (last_end_s - col("start_s")).over("ue")
    modules_side_by_side = col("kind").is_in(["wait", "uplink"])
    found = own.select(overlap=overlap_s, parallel=modules_side_by_side)
    return found.filter(~col("parallel"))["overlap"].drop_nulls()


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
    rounds = accounts.rounds
    opened = rounds.select(
        col("round").alias("begun"),
        "gnb",
        opened_s="start_s",
    )
    closed = rounds.select(*CELL, closed_s="end_s")
    uploads = accounts.uploads.join(
        closed,
        on=CELL,
        how="left",
        maintain_order="left",
    )
    return uploads.join(
        opened,
        on=["begun", "gnb"],
        how="left",
        maintain_order="left",
    )


def _round_overlaps(rounds: pl.DataFrame) -> pl.Series:
    """By how much a round of a gNB begins before the one before has ended, s."""
    overlap_s = (col("end_s").shift(1) - col("start_s")).over("gnb")
    ordered = rounds.sort("gnb", "round")
    return ordered.select(overlap=overlap_s)["overlap"].drop_nulls()


def count_checks(accounts: Accounts) -> list[Check]:
    """Every subscription has one outcome, the same in all tables."""
    differences = _outcome_differences(accounts)
    missing = _subscriptions_without_end(accounts.rounds)
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


def _subscriptions_without_end(rounds: pl.DataFrame) -> pl.Series:
    """Per round and gNB, pairs that were to upload and are not accounted for."""
    carried_in = col("carried").shift(1, fill_value=0).over("gnb")
    due = col("subscribed") + carried_in
    accounted = pl.sum_horizontal(*OUTCOMES, "not_ready", "carried")
    missing = (due - accounted).abs().cast(pl.Float64)
    return rounds.sort(CELL).select(missing=missing).to_series()


def shares(accounts: Accounts, bandwidth_hz: float) -> Check:
    """Band in use at every instant: added at starts and taken off at ends, ends first."""
    spans = accounts.sending.filter(col("end_s") > col("start_s"))
    hz = col("bandwidth_hz")
    taken = spans.select(
        "gnb",
        at_s="start_s",
        hz=hz,
    )
    freed = spans.select(
        "gnb",
        at_s="end_s",
        hz=-hz,
    )
    changes = pl.concat([taken, freed]).group_by("gnb", "at_s").agg(col("hz").sum())
    in_use = changes.sort("gnb", "at_s").select(col("hz").cum_sum().over("gnb"))["hz"]
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
