"""Where the time of uploads and rounds went."""

from __future__ import annotations

import polars as pl
from polars import col

from netsim.results.arguments import GROUPS, check_group
from netsim.results.parts import part_by_part
from netsim.results.tables import RunTables

LATENCY_PARTS = (
    "download_s",
    "compute_s",
    "wait_s",
    "airtime_s",
    "retransmit_s",
    "backhaul_s",
)
CLOCK_S = 1e-9  # times that differ by less are the same
CELL = ("round", "gnb")


def latency(run: RunTables) -> pl.LazyFrame:
    """One row per upload: the parts of its latency in s; `finish_s` is their sum.

    `finish_s` counts from the start, at the UE's gNB, of the round whose plan the upload is of to
    the end of the transmission, and adds the backhaul that the gNB's aggregate takes to the core.
    `airtime_s` is that of the first attempt, `retransmit_s` that of the others; `compute_s` covers
    all modules of the UE.
    """
    first_attempt_s = col("airtime_s") - col("retransmit_s")
    upload = ("round", "ue", "gnb", "module", "outcome")
    return (
        run.uploads.with_columns(airtime_s=first_attempt_s)
        .select(*upload, *LATENCY_PARTS)
        .with_columns(finish_s=pl.sum_horizontal(LATENCY_PARTS))
    )


def latency_means(run: RunTables, by: str = "ue") -> pl.LazyFrame:
    """Mean parts of the latency and number of `uploads` by ue, round, gnb, module or outcome."""
    check_group(by, (*GROUPS, "outcome"))
    return (
        latency(run)
        .group_by(by)
        .agg(
            pl.len().alias("uploads"),
            col(*LATENCY_PARTS, "finish_s").mean(),
        )
        .sort(by)
    )


def critical_path(run: RunTables) -> pl.LazyFrame:
    """One row per round and gNB with an upload: who held it up, and with what.

    `sending_ue` ended last; of several cut by the deadline it is the one that had sent least. If it
    had to wait for a grant, `computing_ue` is the one whose computing ended last before the grant,
    and download and computing are that UE's; otherwise it is the same UE.
    `wait_s` is what waiting no computing explains, `close_s` the time from the last upload to the
    end of the gNB's round. The parts are in s and sum to `length_s`: the round at the gNB, and its
    backhaul. Of an upload that was carried over, what lies before the round is no part of it.
    """
    return part_by_part(run, _critical_path)


def _critical_path(part: RunTables) -> pl.LazyFrame:
    chain = _chain(_last_uploads(part), _computing(part))
    opened = part.rounds.select(
        *CELL,
        opened_s="start_s",
        closed_s="end_s",
    )
    return _lengths(_within_the_round(chain.join(opened, on=CELL)))


def _last_uploads(part: RunTables) -> pl.LazyFrame:
    """Of every round and gNB the upload that ended last; of several, the one least sent."""
    ended_last = col("end_s") == col("end_s").max().over(CELL)
    return (
        part.uploads.filter(ended_last)
        .with_columns(sent=col("bits_sent") / col("payload_bits"))
        .sort(
            "end_s",
            "sent",
            "ue",
            "module",
            descending=[True, False, False, False],
        )
        .unique(
            CELL,
            keep="first",
            maintain_order=True,
        )
        .rename({"ue": "sending_ue"})
    )


def _computing(part: RunTables) -> pl.LazyFrame:
    """Begin and end of the computing of every UE in every round."""
    spans = part.spans.filter((col("kind") == "compute") & col("ue").is_not_null())
    return spans.group_by(*CELL, col("ue").alias("computing_ue")).agg(
        begun_s=col("start_s").min(),
        done_s=col("end_s").max(),
    )


def _chain(last: pl.LazyFrame, computing: pl.LazyFrame) -> pl.LazyFrame:
    """The last upload of every round and gNB with the computing that it had to wait for."""
    waited = col("wait_s") > CLOCK_S
    before_the_grant = col("done_s") <= col("start_s") + CLOCK_S
    held = last.filter(waited).join(computing, on=CELL).filter(before_the_grant)
    own = (
        last.filter(~waited)
        .join(  # by UE alone: it may have changed its gNB since it computed
            computing.drop("gnb"),
            left_on=["round", "sending_ue"],
            right_on=["round", "computing_ue"],
        )
        .with_columns(computing_ue="sending_ue")
    )
    return (
        pl.concat([held, own], how="diagonal")
        .sort(
            "done_s",
            "computing_ue",
            descending=[True, False],
        )
        .unique(
            CELL,
            keep="first",
            maintain_order=True,
        )
    )


def _within_the_round(chain: pl.LazyFrame) -> pl.LazyFrame:
    """The chain's moments, and `first_s` of airtime, without what lies before the round."""
    carried = col("begun") < col("round")
    first_attempt_ended_s = col("end_s") - col("retransmit_s")
    first_s = (
        pl.when(carried)
        .then(pl.max_horizontal(first_attempt_ended_s, "opened_s") - col("start_s"))
        .otherwise(col("airtime_s") - col("retransmit_s"))
    )
    clipped = [
        pl.when(carried).then(pl.max_horizontal(moment, "opened_s")).otherwise(moment).alias(moment)
        for moment in ("begun_s", "done_s", "start_s", "end_s")
    ]
    return chain.with_columns(clipped).with_columns(first_s=first_s)


def _lengths(chain: pl.LazyFrame) -> pl.LazyFrame:
    """The parts of the critical path, s."""
    carried = col("begun") < col("round")
    on_air_s = col("end_s") - col("start_s")
    retransmit_s = pl.when(carried).then(on_air_s - col("first_s")).otherwise(col("retransmit_s"))
    round_s = col("closed_s") - col("opened_s")
    parts = {
        "download_s": col("begun_s") - col("opened_s"),
        "compute_s": col("done_s") - col("begun_s"),
        "wait_s": col("start_s") - col("done_s"),
        "airtime_s": col("first_s"),
        "retransmit_s": retransmit_s,
        "close_s": col("closed_s") - col("end_s"),
        "backhaul_s": col("backhaul_s"),
        "length_s": round_s + col("backhaul_s"),
    }
    return chain.select(
        *CELL,
        "computing_ue",
        "sending_ue",
        "outcome",
        **parts,
    ).sort(CELL)
