"""Picture of a run: one round's timeline, and accuracy against simulated time.

    python analysis/plot_run.py RUN_DIR OUT.svg [--round N]

Needs the extra `figures` (matplotlib).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import figure_style
import matplotlib.pyplot as plt
import polars as pl
from figure_style import ACTIVITY, OUTCOME
from matplotlib.patches import Patch

import netsim


def timeline(axes: plt.Axes, run: netsim.Run, number: int) -> None:
    """One bar per UE: download, computing, waiting for the grant, transmission by outcome."""
    spans = run.timeline(number).filter(
        pl.col("ue").is_not_null() & pl.col("kind").cast(pl.String).is_in([*ACTIVITY, "uplink"])
    )
    end = spans.filter(pl.col("kind") == "uplink").group_by("ue").agg(pl.col("to_s").max())
    order = {ue: i for i, ue in enumerate(end.sort("to_s", "ue")["ue"])}
    for row in spans.filter(pl.col("ue").is_in(list(order))).iter_rows(named=True):
        colour = ACTIVITY.get(row["kind"]) or OUTCOME[row["outcome"]]
        axes.barh(
            order[row["ue"]],
            row["to_s"] - row["from_s"],
            left=row["from_s"],
            color=colour,
            height=0.85,
        )
    rounds = run.rounds.filter(pl.col("round") == number).collect()
    deadline_s = rounds["deadline_s"].max() - rounds["start_s"].min()
    axes.axvline(deadline_s, color="black", linewidth=1, linestyle="--")
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="time in the round (s)", ylabel="UE, by end of upload", yticks=[])
    axes.set_title(f"Round {number}: who was heard, who was not")
    names = {
        "download": ACTIVITY["broadcast"],
        "computing": ACTIVITY["compute"],
        "waiting for the grant": ACTIVITY["wait"],
        "on time": OUTCOME["on_time"],
        "late": OUTCOME["late"],
        "outage": OUTCOME["outage"],
    }
    handles = [Patch(facecolor=c, label=n) for n, c in names.items()]
    axes.legend(handles=handles, loc="lower right", frameon=True)


def accuracy(axes: plt.Axes, run: netsim.Run) -> None:
    """Test accuracy of every module and of the ensemble against simulated time."""
    rows = run.evaluations.filter(pl.col("ue").is_null()).sort("round").collect()
    for target in rows["target"].unique().sort():
        mine = rows.filter(pl.col("target") == target)
        style = (
            {"color": "black", "linewidth": 2}
            if target == "ensemble"
            else {"linewidth": 1, "alpha": 0.7}
        )
        label = "ensemble" if target == "ensemble" else f"module {target}"
        axes.plot(mine["time_s"], mine["accuracy"], label=label, **style)
    axes.set(xlabel="simulated time (s)", ylabel="test accuracy", ylim=(0.4, 1.0))
    axes.set_title("Learning on the same clock")
    axes.legend(loc="lower right")


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--round", type=int, default=1)
    arguments = parser.parse_args()
    run = netsim.open_run(arguments.run)
    figure_style.use()
    learned = run.evaluations.head(1).collect().height > 0
    figure, axes = plt.subplots(
        1, 1 + learned, figsize=(1.4 * figure_style.PAGE_IN, 3.9), squeeze=False
    )
    timeline(axes[0, 0], run, arguments.round)
    if learned:
        accuracy(axes[0, 1], run)
    figure_style.save(figure, arguments.out)


if __name__ == "__main__":
    main()
