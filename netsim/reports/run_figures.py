"""Figures of a run, one function each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from polars import col

from netsim.errors import DataError
from netsim.reports.plot_style import ACTIVITY_COLOURS, OUTCOME_COLOURS, PlotOptions
from netsim.results.accuracy import target_name
from netsim.results.distributions import cdf
from netsim.results.reader import Run

DISTANCE_BANDS = 3
ROOM_FOR_LEGEND = 1.25
LEDGER_LABELS = {
    "compute_useful_j": "computing, useful",
    "compute_wasted_j": "computing, wasted",
    "uplink_useful_j": "uplink, useful",
    "uplink_wasted_j": "uplink, wasted",
    "receive_j": "receiving",
    "wait_j": "waiting",
    "idle_j": "idle",
}


def learning(
    axes: Axes,
    run: Run,
    _: PlotOptions,
) -> None:
    """Accuracy of every module and of the ensemble against simulated time."""
    rows = run.evaluations.filter(col("ue").is_null()).sort("round").collect()
    if not len(rows):
        raise DataError("learnt nothing: it is network-only, or did not evaluate", where=run.path)
    for (target,), curve in sorted(rows.partition_by("target", as_dict=True).items()):
        is_ensemble = target == "ensemble"
        axes.plot(
            curve["time_s"],
            curve["accuracy"],
            label=target_name(str(target)),
            color="black" if is_ensemble else None,
            linewidth=2 if is_ensemble else 1,
            alpha=1 if is_ensemble else 0.7,
        )
    axes.set(xlabel="simulated time (s)", ylabel="accuracy")
    axes.legend(loc="best")


def timeline(
    axes: Axes,
    run: Run,
    options: PlotOptions,
) -> None:
    """One bar per UE: download, computing, waiting for the grant, transmission by outcome."""
    number = options.round
    kinds = [*ACTIVITY_COLOURS, "uplink"]
    drawn = col("ue").is_not_null() & col("kind").cast(pl.String).is_in(kinds)
    spans = run.timeline(number).filter(drawn)
    ends = spans.filter(col("kind") == "uplink").group_by("ue").agg(col("to_s").max())
    if not len(ends):
        raise DataError(
            "has no upload in this round",
            where=run.path,
            value=number,
        )
    rank = {ue: place for place, ue in enumerate(ends.sort("to_s", "ue")["ue"])}
    for span in spans.filter(col("ue").is_in(list(rank))).iter_rows(named=True):
        colour = ACTIVITY_COLOURS.get(span["kind"]) or OUTCOME_COLOURS[span["outcome"]]
        axes.barh(
            rank[span["ue"]],
            span["to_s"] - span["from_s"],
            left=span["from_s"],
            color=colour,
            height=0.85,
        )
    _mark_deadline(axes, run, number)
    axes.grid(visible=False, axis="y")
    axes.set(
        xlabel="time in the round (s)",
        ylabel="UE, by end of upload",
        yticks=[],
    )
    axes.set_title(f"Round {number}: who was heard, who was not")
    axes.legend(
        handles=_timeline_legend(),
        loc="lower right",
        frameon=True,
    )


def _mark_deadline(
    axes: Axes,
    run: Run,
    number: int,
) -> None:
    rounds = run.rounds.filter(col("round") == number)
    times = rounds.select(col("deadline_s").max() - col("start_s").min()).collect().item()
    if times is not None and np.isfinite(times):
        axes.axvline(
            times,
            color="black",
            linewidth=1,
            linestyle="--",
        )


def _timeline_legend() -> list[Patch]:
    names = {
        "download": ACTIVITY_COLOURS["broadcast"],
        "computing": ACTIVITY_COLOURS["compute"],
        "waiting for the grant": ACTIVITY_COLOURS["wait"],
        "on time": OUTCOME_COLOURS["on_time"],
        "late": OUTCOME_COLOURS["late"],
        "outage": OUTCOME_COLOURS["outage"],
    }
    return [Patch(facecolor=colour, label=name) for name, colour in names.items()]


def latency(
    axes: Axes,
    run: Run,
    _: PlotOptions,
) -> None:
    """Distribution of the finish time of the uploads that were on time."""
    on_time = run.latency().filter(col("outcome") == "on_time")
    found = cdf(on_time, "finish_s").collect()
    if not len(found):
        raise DataError("has no upload that was on time", where=run.path)
    axes.plot(found["value"], found["probability"])
    axes.set(xlabel="finish time from the round's start (s)", ylabel="share of uploads on time")
    axes.set_ylim(0, 1)


def latency_by_distance(
    axes: Axes,
    run: Run,
    _: PlotOptions,
) -> None:
    """The same for near, middle and far UEs, a third of the uploads each."""
    parts_s = pl.sum_horizontal("download_s", "compute_s", "wait_s", "airtime_s", "backhaul_s")
    uploads = run.uploads.filter(col("outcome") == "on_time")
    rows = uploads.select("distance_m", finish_s=parts_s).collect()
    if len(rows) < DISTANCE_BANDS:
        raise DataError(
            "has too few uploads that were on time",
            where=run.path,
            value=len(rows),
        )
    edges = np.quantile(
        rows["distance_m"].to_numpy(),
        np.linspace(
            0,
            1,
            DISTANCE_BANDS + 1,
        ),
    )
    for low, high in pairwise(edges):
        mine = rows.filter(col("distance_m").is_between(low, high))["finish_s"].sort()
        share = np.arange(1, len(mine) + 1) / max(len(mine), 1)
        axes.step(
            mine,
            share,
            where="post",
            label=f"{low:.0f} to {high:.0f} m",
        )
    axes.set(xlabel="finish time from the round's start (s)", ylabel="share of uploads on time")
    axes.set_ylim(0, 1)
    axes.legend(title="distance to the gNB", loc="lower right")


def energy(
    axes: Axes,
    run: Run,
    _: PlotOptions,
) -> None:
    """Where the joules of every round went."""
    rows = run.energy("round").collect()
    if not len(rows):
        raise DataError("has spent no energy", where=run.path)
    shown = [part for part in LEDGER_LABELS if rows[part].sum()]
    axes.stackplot(
        rows["round"],
        [rows[part] for part in shown],
        labels=[LEDGER_LABELS[part] for part in shown],
        step="mid",
        linewidth=0,
    )
    axes.set(xlabel="round", ylabel="energy of all UEs (J)")
    axes.set_ylim(0, ROOM_FOR_LEGEND * float(rows["energy_j"].to_numpy().max()))
    axes.legend(loc="upper left", ncols=2)


def outage(
    axes: Axes,
    run: Run,
    _: PlotOptions,
) -> None:
    """Share of uploads in outage by distance, with Wilson's 95% interval."""
    rows = run.outage_by_distance().collect()
    if not len(rows):
        raise DataError("has no upload", where=run.path)
    (line,) = axes.plot(
        rows["distance_m"],
        rows["outage"],
        marker="o",
        markersize=3,
    )
    colour = line.get_color()
    axes.fill_between(
        rows["distance_m"],
        rows["low"],
        rows["high"],
        alpha=0.2,
        linewidth=0,
        color=colour,
    )
    axes.set(xlabel="distance to the serving gNB (m)", ylabel="share of uploads in outage")
    axes.set_ylim(0, None)


RUN_FIGURES: dict[str, Callable[[Axes, Run, PlotOptions], None]] = {
    "learning": learning,
    "timeline": timeline,
    "latency": latency,
    "latency_by_distance": latency_by_distance,
    "energy": energy,
    "outage": outage,
}
