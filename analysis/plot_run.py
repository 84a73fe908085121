"""Picture of a run: one round's timeline, and accuracy against simulated time.

    python analysis/plot_run.py RUN_DIR OUT.svg [--round N]

Needs the extra `report` (matplotlib).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import polars as pl
from matplotlib.patches import Patch

import netsim

# Okabe and Ito's palette: told apart by colour-blind readers
BROADCAST, COMPUTE, WAIT = "#cccccc", "#56b4e9", "#f0f0f0"
OUTCOME = {"on_time": "#009e73", "late": "#e69f00", "outage": "#d55e00", "aborted": "#cc79a7"}


def timeline(axes: plt.Axes, run: netsim.Run, number: int) -> None:
    """One bar per UE: download, computing, waiting for the grant, transmission by outcome."""
    spans = run.timeline(number).filter(pl.col("ue").is_not_null())
    end = spans.filter(pl.col("kind") == "uplink").group_by("ue").agg(pl.col("to_s").max())
    order = {ue: i for i, ue in enumerate(end.sort("to_s", "ue")["ue"])}
    for row in spans.filter(pl.col("ue").is_in(list(order))).iter_rows(named=True):
        fixed = {"broadcast": BROADCAST, "compute": COMPUTE, "wait": WAIT}
        colour = fixed.get(row["kind"]) or OUTCOME[row["outcome"]]
        axes.barh(
            order[row["ue"]], row["to_s"] - row["from_s"], left=row["from_s"], color=colour, height=0.85
        )
    rounds = run.rounds.filter(pl.col("round") == number).collect().row(0, named=True)
    axes.axvline(rounds["deadline_s"] - rounds["start_s"], color="black", linewidth=1, linestyle="--")
    axes.set(xlabel="time in the round (s)", ylabel="UE, by end of upload", yticks=[])
    axes.set_title(f"Round {number}: who was heard, who was not", loc="left")
    names = {
        "download": BROADCAST,
        "computing": COMPUTE,
        "waiting for the grant": WAIT,
        "on time": OUTCOME["on_time"],
        "late": OUTCOME["late"],
        "outage": OUTCOME["outage"],
    }
    handles = [Patch(facecolor=c, label=n) for n, c in names.items()]
    axes.legend(handles=handles, loc="lower right", frameon=True, fontsize=8)


def accuracy(axes: plt.Axes, run: netsim.Run) -> None:
    """Test accuracy of every module and of the ensemble against simulated time."""
    rows = run.evaluations.filter(pl.col("ue").is_null()).sort("round").collect()
    for target in rows["target"].unique().sort():
        mine = rows.filter(pl.col("target") == target)
        style = {"color": "black", "linewidth": 2} if target == "ensemble" else {"linewidth": 1, "alpha": 0.7}
        label = "ensemble" if target == "ensemble" else f"module {target}"
        axes.plot(mine["time_s"], mine["accuracy"], label=label, **style)
    axes.set(xlabel="simulated time (s)", ylabel="test accuracy", ylim=(0.4, 1.0))
    axes.set_title("Learning on the same clock", loc="left")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def main() -> None:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--round", type=int, default=1)
    arguments = parser.parse_args()
    run = netsim.open_run(arguments.run)
    mpl.rcParams.update({"svg.hashsalt": "netsim", "font.size": 10})
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    timeline(left, run, arguments.round)
    accuracy(right, run)
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
