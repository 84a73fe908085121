"""What the sections of the page show of one run, as plain columns."""

from __future__ import annotations

from typing import Any

import polars as pl

from netsim.records import OUTCOMES
from netsim.report.columns import Budget, collect, columns, evenly
from netsim.results.distributions import cdf
from netsim.results.energy import LEDGER
from netsim.results.latency import PARTS
from netsim.results.reader import Run

DISTANCE_BINS = 12


def learning(run: Run) -> dict[str, Any]:
    """{target: loss and accuracy on the common split, against round, time and energy}."""
    rows = collect(
        run.evaluations.filter(pl.col("ue").is_null())
        .select("target", "round", "time_s", "energy_j", "loss", "accuracy")
        .sort("time_s")
    )
    rows = rows.filter(pl.col("round").is_in(evenly(rows["round"].unique().sort().to_list(), 1000)))
    return {
        str(target): columns(mine.drop("target"))
        for (target,), mine in sorted(rows.partition_by("target", as_dict=True).items())
    }


def rounds(run: Run, budget: Budget) -> dict[str, Any]:
    """Per round (or per mean of neighbouring rounds): outcomes, energy ledger, latency, critical
    path.
    """
    first, last = collect(
        run.rounds.select(pl.col("round").min(), pl.col("round").max().alias("last"))
    ).row(0)
    if first is None:
        return {"width": 1, "round": [], "note": ""}
    width = -(-(last - first + 1) // budget.rounds)
    bin_ = ((pl.col("round") - first) // width * width + first).alias("round")
    per_round = run.rounds.group_by("round").agg(pl.col(*OUTCOMES, "not_ready").sum())
    counts = per_round.group_by(bin_).agg(pl.col(*OUTCOMES, "not_ready").mean())
    joules = run.energy("round").group_by(bin_).agg(pl.col(LEDGER).mean())
    parts = run.latency().group_by(bin_).agg(pl.col(PARTS).mean())
    held = run.critical_path()
    if width > 1:
        held = held.filter((pl.col("round") - first) % width == 0)
    path = _longest(held).select(
        "round", "computing_ue", "sending_ue", pl.col(*PARTS, "close_s").name.prefix("held_")
    )
    table = collect(counts).join(collect(joules), on="round", how="left")
    table = table.join(collect(parts), on="round", how="left").join(
        collect(path), on="round", how="left"
    )
    note = f"each point is the mean of {width} rounds" if width > 1 else ""
    return {"width": width, "note": note, **columns(table.sort("round"), 4)}


def _longest(path: pl.LazyFrame) -> pl.LazyFrame:
    """Of every round the critical path at the gNB that took longest."""
    return path.filter(pl.col("length_s") == pl.col("length_s").max().over("round")).unique(
        "round", keep="first"
    )


def ues(run: Run, budget: Budget) -> dict[str, Any]:
    """Per UE: class, gNB, mean latency, energy ledger, uploads and how many were on time."""
    known = run.ues.collect_schema().names()
    about = run.ues.select("ue", "gnb", "class", *(["name"] if "name" in known else []))
    table = collect(about.sort("ue"))
    total = len(table)
    table = table[evenly(range(total), budget.ues)]
    for query in (
        run.latency_means("ue").drop("uploads"),
        run.energy("ue"),
        run.outcomes("ue").select("ue", "uploads", *OUTCOMES),
    ):
        table = table.join(collect(query), on="ue", how="left")
    note = f"{len(table)} of {total} UEs, evenly spaced" if len(table) < total else ""
    return {"note": note, "total": total, **columns(table, 4)}


def who_held_up(run: Run, most: int = 10) -> dict[str, Any]:
    """The UEs that ended a round, or kept its grant waiting, most often."""
    path = _longest(run.critical_path())
    sent = path.group_by(pl.col("sending_ue").alias("ue")).agg(pl.len().alias("sending"))
    computed = path.filter(pl.col("computing_ue") != pl.col("sending_ue"))
    computed = computed.group_by(pl.col("computing_ue").alias("ue")).agg(
        pl.len().alias("computing")
    )
    both = sent.join(computed, on="ue", how="full", coalesce=True).fill_null(0)
    rows = both.sort(pl.col("sending") + pl.col("computing"), "ue", descending=[True, False]).head(
        most
    )
    return columns(collect(rows))


def finish(run: Run) -> dict[str, Any]:
    """Distribution of the finish time of uploads that were on time, s from the round's start."""
    on_time = run.latency().filter(pl.col("outcome") == "on_time")
    return columns(collect(cdf(on_time, "finish_s")), 4)


def distance(run: Run) -> dict[str, Any]:
    """Outage by distance in about a dozen round bins."""
    farthest = collect(run.uploads.select(pl.col("distance_m").max())).item()
    if not farthest:
        return columns(collect(run.outage_by_distance()), 4)
    nice = [m * 10**e for e in range(-1, 6) for m in (1, 2, 5)]
    bin_m = next((b for b in nice if farthest / b <= DISTANCE_BINS), nice[-1])
    return columns(collect(run.outage_by_distance(bin_m)), 4)


def subscriptions(run: Run, budget: Budget) -> dict[str, Any]:
    """The heat map: per UE a string over rounds, one character per cell.

    `outcome`: "." not subscribed, 0..3 as OUTCOMES, 4 not ready. `module`: ".", the module as a
    base-36 digit, or "+" for several.
    """
    plan = run.subscriptions.filter(pl.col("subscribed"))
    numbers = collect(run.rounds.select(pl.col("round").unique()))["round"].sort().to_list()
    everyone = collect(run.ues.select("ue"))["ue"].sort().to_list()
    rows = evenly(everyone, budget.ues)
    across = evenly(numbers, max(10, budget.cells // max(len(rows), 1)))
    wanted = pl.col("round").is_in(across) & pl.col("ue").is_in(rows)
    key = ["round", "ue"]
    chosen = (
        plan.filter(wanted).group_by(key).agg(pl.col("module").min(), pl.len().alias("modules"))
    )
    ended = run.uploads.filter(wanted).group_by(key).agg(pl.col("outcome").to_physical().max())
    cells = collect(chosen.join(ended, on=key, how="left"))
    row = {ue: i for i, ue in enumerate(rows)}
    column = {number: i for i, number in enumerate(across)}
    outcome = [["."] * len(across) for _ in rows]
    module = [["."] * len(across) for _ in rows]
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    for number, ue, first, count, code in cells.select(
        *key, "module", "modules", "outcome"
    ).iter_rows():
        outcome[row[ue]][column[number]] = "4" if code is None else str(code)
        module[row[ue]][column[number]] = "+" if count > 1 or first >= 36 else digits[first]
    notes = []
    if len(rows) < len(everyone):
        notes.append(f"{len(rows)} of {len(everyone)} UEs")
    if len(across) < len(numbers):
        notes.append(f"{len(across)} of {len(numbers)} rounds")
    return {
        "ues": rows,
        "rounds": across,
        "outcome": ["".join(r) for r in outcome],
        "module": ["".join(r) for r in module],
        "note": f"{' and '.join(notes)} are on this page, evenly spaced" if notes else "",
    }


def movement(run: Run) -> dict[str, Any]:
    """Handovers per UE and staleness of what was aggregated; columns may be empty."""
    return {
        "handovers": columns(collect(run.handover_counts())),
        "staleness": columns(collect(run.staleness())),
    }
