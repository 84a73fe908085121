"""Where the time of uploads and rounds went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from netsim.results.parts import part_by_part

if TYPE_CHECKING:
    from netsim.results.reader import Run

PARTS = ("download_s", "compute_s", "wait_s", "airtime_s", "retransmit_s", "backhaul_s")
CLOCK_S = 1e-9  # times that differ by less are the same


def latency(run: Run) -> pl.LazyFrame:
    """One row per upload: the parts of its latency in s; `finish_s` is their sum.

    `finish_s` counts from the start, at the UE's gNB, of the round whose plan the upload is of to
    the end of the transmission, and adds the backhaul that the gNB's aggregate takes to the core.
    `airtime_s` is that of the first attempt, `retransmit_s` that of the others; `compute_s` covers
    all modules of the UE.
    """
    return run.uploads.select(
        "round",
        "ue",
        "gnb",
        "module",
        "outcome",
        "download_s",
        "compute_s",
        "wait_s",
        pl.col("airtime_s") - pl.col("retransmit_s"),
        "retransmit_s",
        "backhaul_s",
    ).with_columns(pl.sum_horizontal(PARTS).alias("finish_s"))


def latency_means(run: Run, by: str = "ue") -> pl.LazyFrame:
    """Mean parts of the latency and number of `uploads` by ue, round, gnb, module or outcome."""
    return (
        latency(run)
        .group_by(by)
        .agg(pl.len().alias("uploads"), pl.col(*PARTS, "finish_s").mean())
        .sort(by)
    )


def critical_path(run: Run) -> pl.LazyFrame:
    """One row per round and gNB with an upload: who held it up, and with what.

    `sending_ue` ended last; of several cut by the deadline it is the one that had sent least. If it
    had to wait for a grant, `computing_ue` is the one whose computing ended last before the grant,
    and download and computing are that UE's; otherwise it is the same UE.
    `wait_s` is what waiting no computing explains, `close_s` the time from the last upload to the
    end of the gNB's round. The parts are in s and sum to `length_s`: the round at the gNB, and its
    backhaul. Of an upload that was carried over, what lies before the round is no part of it.
    """
    return part_by_part(run, _critical_path)


def _critical_path(part: Run) -> pl.LazyFrame:
    here = ["round", "gnb"]
    last = (
        part.uploads.filter(pl.col("end_s") == pl.col("end_s").max().over(here))
        .with_columns((pl.col("bits_sent") / pl.col("payload_bits")).alias("sent"))
        .sort("end_s", "sent", "ue", "module", descending=[True, False, False, False])
        .unique(here, keep="first", maintain_order=True)
        .rename({"ue": "sending_ue"})
    )
    computing = (
        part.spans.filter((pl.col("kind") == "compute") & pl.col("ue").is_not_null())
        .group_by(*here, pl.col("ue").alias("computing_ue"))
        .agg(pl.col("start_s").min().alias("begun_s"), pl.col("end_s").max().alias("done_s"))
    )
    waited = pl.col("wait_s") > CLOCK_S
    held = (
        last.filter(waited)
        .join(computing, on=here)
        .filter(pl.col("done_s") <= pl.col("start_s") + CLOCK_S)
    )
    own = last.filter(~waited).join(  # wherever it computed: it may have changed its gNB since
        computing.drop("gnb"), left_on=["round", "sending_ue"], right_on=["round", "computing_ue"]
    )
    chain = (
        pl.concat(
            [held, own.with_columns(pl.col("sending_ue").alias("computing_ue"))], how="diagonal"
        )
        .sort("done_s", "computing_ue", descending=[True, False])
        .unique(here, keep="first", maintain_order=True)
    )
    opened = part.rounds.select(
        *here, pl.col("start_s").alias("opened_s"), pl.col("end_s").alias("closed_s")
    )
    steps = ("begun_s", "done_s", "start_s", "end_s")
    carried = pl.col("begun") < pl.col("round")
    first = pl.max_horizontal(pl.col("end_s") - pl.col("retransmit_s"), "opened_s") - pl.col(
        "start_s"
    )
    return (
        chain.join(opened, on=here)
        .with_columns(
            pl.when(carried).then(pl.max_horizontal(s, "opened_s")).otherwise(s).alias(s)
            for s in steps
        )
        .with_columns(
            pl.when(carried)
            .then(first)
            .otherwise(pl.col("airtime_s") - pl.col("retransmit_s"))
            .alias("first_s")
        )
        .select(
            *here,
            "computing_ue",
            "sending_ue",
            "outcome",
            (pl.col("begun_s") - pl.col("opened_s")).alias("download_s"),
            (pl.col("done_s") - pl.col("begun_s")).alias("compute_s"),
            (pl.col("start_s") - pl.col("done_s")).alias("wait_s"),
            pl.col("first_s").alias("airtime_s"),
            pl.when(carried)
            .then(pl.col("end_s") - pl.col("start_s") - pl.col("first_s"))
            .otherwise("retransmit_s")
            .alias("retransmit_s"),
            (pl.col("closed_s") - pl.col("end_s")).alias("close_s"),
            "backhaul_s",
            (pl.col("closed_s") - pl.col("opened_s") + pl.col("backhaul_s")).alias("length_s"),
        )
        .sort(here)
    )
