"""What the sections of the page show of one run, as plain columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from polars import col

from netsim.records import OUTCOMES
from netsim.reports.columns import PageBudget, as_lists, collect, evenly
from netsim.results.distributions import cdf
from netsim.results.energy import LEDGER
from netsim.results.latency import LATENCY_PARTS
from netsim.results.reader import Run

DISTANCE_BINS = 12
CURVE_POINTS = 1000
BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
NOT_READY = "4"  # after the codes of OUTCOMES
SEVERAL = "+"
EMPTY = "."


def learning(run: Run) -> dict[str, Any]:
    """{target: loss and accuracy on the common split, against round, time and energy}."""
    rows = collect(
        run.evaluations.filter(col("ue").is_null())
        .select("target", "round", "time_s", "energy_j", "loss", "accuracy")
        .sort("time_s")
    )
    numbers = rows["round"].unique().sort().to_list()
    shown = rows.filter(col("round").is_in(evenly(numbers, CURVE_POINTS)))
    by_target = shown.partition_by("target", as_dict=True)
    curves = {}
    for (target,), curve in sorted(by_target.items()):
        curves[str(target)] = as_lists(curve.drop("target"))
    return curves


def rounds(run: Run, budget: PageBudget) -> dict[str, Any]:
    """Outcomes, energy ledger, latency and critical path per round.

    Of a long run each point is the mean of neighbouring rounds.
    """
    span = run.rounds.select(
        first=col("round").min(),
        last=col("round").max(),
    )
    first, last = collect(span).row(0)
    if first is None:
        return {
            "width": 1,
            "round": [],
            "note": "",
        }
    width = -(-(last - first + 1) // budget.rounds)
    bin_start = ((col("round") - first) // width * width + first).alias("round")
    ended = [*OUTCOMES, "not_ready"]
    per_round = run.rounds.group_by("round").agg(col(ended).sum())
    table = collect(per_round.group_by(bin_start).agg(col(ended).mean()))
    for query in (
        run.energy("round").group_by(bin_start).agg(col(LEDGER).mean()),
        run.latency().group_by(bin_start).agg(col(LATENCY_PARTS).mean()),
        _held_up(run).filter((col("round") - first) % width == 0),
    ):
        table = table.join(
            collect(query),
            on="round",
            how="left",
        )
    note = f"each point is the mean of {width} rounds" if width > 1 else ""
    return {
        "width": width,
        "note": note,
        **as_lists(table.sort("round"), 4),
    }


def _held_up(run: Run) -> pl.LazyFrame:
    """Of every round the critical path at the slowest gNB; its parts are named held_..."""
    parts = col(*LATENCY_PARTS, "close_s")
    path = _longest(run.critical_path())
    return path.select(
        "round",
        "computing_ue",
        "sending_ue",
        parts.name.prefix("held_"),
    )


def _longest(path: pl.LazyFrame) -> pl.LazyFrame:
    """Of every round the critical path at the gNB that took longest."""
    is_longest = col("length_s") == col("length_s").max().over("round")
    return path.filter(is_longest).unique("round", keep="first")


def ues(run: Run, budget: PageBudget) -> dict[str, Any]:
    """Per UE: class, gNB, mean latency, energy ledger, uploads and how many were on time."""
    known = run.ues.collect_schema().names()
    wanted = [name for name in ("ue", "gnb", "class", "name") if name in known]
    table = collect(run.ues.select(wanted).sort("ue"))
    total = len(table)
    table = table[evenly(range(total), budget.ues)]
    for query in (
        run.latency_means("ue").drop("uploads"),
        run.energy("ue"),
        run.outcomes("ue").select("ue", "uploads", *OUTCOMES),
    ):
        table = table.join(
            collect(query),
            on="ue",
            how="left",
        )
    note = f"{len(table)} of {total} UEs, evenly spaced" if len(table) < total else ""
    return {
        "note": note,
        "total": total,
        **as_lists(table, 4),
    }


def who_held_up(run: Run, most: int = 10) -> dict[str, Any]:
    """The UEs that ended a round, or kept its grant waiting, most often."""
    path = _longest(run.critical_path())
    waited_for = path.filter(col("computing_ue") != col("sending_ue"))
    sending = path.group_by(ue="sending_ue").agg(sending=pl.len())
    computing = waited_for.group_by(ue="computing_ue").agg(computing=pl.len())
    both = sending.join(
        computing,
        on="ue",
        how="full",
        coalesce=True,
    ).fill_null(0)
    times = col("sending") + col("computing")
    worst = both.sort(
        times,
        "ue",
        descending=[True, False],
    ).head(most)
    about = run.ues.select("ue", "class", "distance_m", "cpu_hz")
    told = worst.join(about, on="ue", how="left", maintain_order="left")
    return as_lists(collect(told), 3) | _silent(run)


def _silent(run: Run) -> dict[str, int]:
    """UEs that never sent: those that were never chosen, and those that were never ready."""
    senders = run.uploads.select("ue").unique()
    chosen = run.subscriptions.filter(col("subscribed")).select("ue").unique()
    everyone = run.ues.select("ue")
    silent = everyone.join(senders, on="ue", how="anti")
    never_chosen = collect(silent.join(chosen, on="ue", how="anti")).height
    return {"never_chosen": never_chosen, "never_ready": collect(silent).height - never_chosen}


def finish(run: Run) -> dict[str, Any]:
    """Distribution of the finish time of uploads that were on time, s from the round's start."""
    on_time = run.latency().filter(col("outcome") == "on_time")
    return as_lists(collect(cdf(on_time, "finish_s")), 4)


def farthest_upload_m(run: Run) -> float:
    """Greatest distance of an upload to its gNB; 0 if there was none."""
    farthest_m: float | None = collect(run.uploads.select(col("distance_m").max())).item()
    return farthest_m or 0.0


def distance(run: Run, farthest_m: float) -> dict[str, Any]:
    """Outage by distance in about a dozen bins of a round width up to `farthest_m`."""
    if not farthest_m:
        return as_lists(collect(run.outage_by_distance()), 4)
    widths_m = [mantissa * 10**power for power in range(-1, 6) for mantissa in (1, 2, 5)]
    wide_enough = [width for width in widths_m if farthest_m / width <= DISTANCE_BINS]
    bin_m = min(wide_enough, default=widths_m[-1])
    return as_lists(collect(run.outage_by_distance(bin_m)), 4)


def subscriptions(run: Run, budget: PageBudget) -> dict[str, Any]:
    """The heat map: per UE a string over rounds, one character per cell.

    `outcome`: "." not subscribed, 0..3 as OUTCOMES, 4 not ready. `module`: ".", the module as a
    base-36 digit, or "+" for several.
    """
    all_rounds = collect(run.rounds.select(col("round").unique()))["round"].sort().to_list()
    all_ues = collect(run.ues.select("ue"))["ue"].sort().to_list()
    shown_ues = evenly(all_ues, budget.ues)
    rounds_that_fit = max(10, budget.cells // max(len(shown_ues), 1))
    shown_rounds = evenly(all_rounds, rounds_that_fit)
    cells = _subscribed_cells(run, shown_rounds, shown_ues)
    outcomes = _Grid(shown_ues, shown_rounds)
    modules = _Grid(shown_ues, shown_rounds)
    for round, ue, module, count, outcome in cells.iter_rows():
        outcomes.set(
            ue,
            round,
            NOT_READY if outcome is None else str(outcome),
        )
        has_digit = count == 1 and module < len(BASE_36)
        modules.set(
            ue,
            round,
            BASE_36[module] if has_digit else SEVERAL,
        )
    notes = []
    if len(shown_ues) < len(all_ues):
        notes.append(f"{len(shown_ues)} of {len(all_ues)} UEs")
    if len(shown_rounds) < len(all_rounds):
        notes.append(f"{len(shown_rounds)} of {len(all_rounds)} rounds")
    return {
        "ues": shown_ues,
        "rounds": shown_rounds,
        "outcome": outcomes.lines(),
        "module": modules.lines(),
        "note": f"{' and '.join(notes)} are on this page, evenly spaced" if notes else "",
    }


def _subscribed_cells(
    run: Run,
    rounds: Sequence[int],
    ues: Sequence[int],
) -> pl.DataFrame:
    """Columns round, ue, module (the first), modules (how many), outcome (the worst, a code)."""
    wanted = col("round").is_in(rounds) & col("ue").is_in(ues)
    cell = ["round", "ue"]
    chosen = run.subscriptions.filter(col("subscribed") & wanted).group_by(cell)
    ended = run.uploads.filter(wanted).group_by(cell)
    modules = chosen.agg(
        col("module").min(),
        modules=pl.len(),
    )
    outcomes = ended.agg(col("outcome").to_physical().max())
    joined = modules.join(
        outcomes,
        on=cell,
        how="left",
    )
    return collect(joined.select(*cell, "module", "modules", "outcome"))


class _Grid:
    """One character per UE and round."""

    def __init__(self, ues: Sequence[int], rounds: Sequence[int]) -> None:
        self._row = {ue: i for i, ue in enumerate(ues)}
        self._column = {round: i for i, round in enumerate(rounds)}
        self._cells = [[EMPTY] * len(rounds) for _ in ues]

    def set(
        self,
        ue: int,
        round: int,
        character: str,
    ) -> None:
        """Write a cell."""
        self._cells[self._row[ue]][self._column[round]] = character

    def lines(self) -> list[str]:
        """A string per UE."""
        return ["".join(row) for row in self._cells]


def cells(run: Run, most: int = 100) -> dict[str, Any]:
    """Per gNB: UEs at the start, uploads, shares on time and in outage, latency, energy.

    The gNBs with most uploads; `total` says of how many. Columns may be empty.
    """
    outcome = col("outcome")
    uploads = run.uploads.group_by("gnb").agg(
        uploads=pl.len(),
        on_time=(outcome == "on_time").mean(),
        outage=(outcome == "outage").mean(),
    )
    arrived = run.latency().filter(outcome == "on_time").group_by("gnb")
    median = arrived.agg(median_finish_s=col("finish_s").median())
    served = run.ues.drop_nulls("gnb").group_by("gnb").agg(ues=pl.len())
    table = collect(uploads)
    for query in (served, median, run.energy("gnb").select("gnb", "energy_j")):
        table = table.join(collect(query), on="gnb", how="left")
    busiest = table.sort("uploads", "gnb", descending=[True, False]).head(most)
    return {"total": len(table), **as_lists(busiest, 4)}


def movement(run: Run) -> dict[str, Any]:
    """Handovers per UE and staleness of what was aggregated; columns may be empty."""
    return {
        "handovers": as_lists(collect(run.handover_counts())),
        "staleness": as_lists(collect(run.staleness())),
    }
