"""Who held up a round, and with what? Timelines of rounds among vehicles and walkers of a recorded
trace.

    python analysis/latency_timeline.py [--size small|cpu] [--jobs N] [--out DIR]

The UEs are the vehicles and pedestrians of traces/grid.fcd.parquet (SUMO), replayed among hexagonal
cells that learn together over a backhaul; device classes, schedule and loads are the quickstart's,
learning is left out. A round is over when the last gNB's aggregate has reached the core. Its
critical path: download and computing of the UE that the grant had to wait for, the wait, the
transmission of the UE that ended last, retransmissions, the close of the round at the gNB, the
backhaul.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import figure_style
import findings
import matplotlib.pyplot as plt
import polars as pl
import study
from figure_style import ACTIVITY, OUTCOME
from matplotlib.figure import Figure
from matplotlib.patches import Patch

import netsim
from netsim.results.intervals import mean_interval

FIXED: dict[str, Any] = {
    "network_only": True,
    "federation": "network",
    "ues.count": 20,  # all nodes of the trace
    "mobility.kind": "replay",
    "mobility.path": str(study.HERE.parent / "traces" / "grid.fcd.parquet"),
    "mobility.begin_s": 20.0,  # before, few of them are there
    "stop.simulated_s": 55.0,  # the trace ends at 80 s
    "rounds": 100,
    "topology.kind": "hex",
    "topology.density_per_km2": 10.0,
    "topology.window_km": 2.0,
    "radio.retransmissions": 2,
    "scheme.kind": "round_robin",
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "small": (2, {"stop.simulated_s": 12.0}),
    "cpu": (20, {}),
}
COLOUR = {**ACTIVITY, **OUTCOME}
NAMED = {
    "broadcast": "download",
    "compute": "computing",
    "wait": "waiting for the grant",
    "uplink": "sending",
}
PARTS = {
    "download_s": "download",
    "compute_s": "computing",
    "wait_s": "waiting",
    "airtime_s": "first transmission",
    "retransmit_s": "retransmissions",
    "close_s": "close at the gNB",
    "backhaul_s": "backhaul",
}


def critical(found: netsim.Sweep) -> pl.DataFrame:
    """One row per round: its critical path through the gNB that ended last, and the classes of its
    UEs.
    """
    frames = []
    for name, seed in found.runs.select("id", "seed").iter_rows():
        run = found.run(name)
        classes = run.ues.select("ue", "class")
        last = run.critical_path().filter(
            pl.col("length_s") == pl.col("length_s").max().over("round")
        )
        rows = last.unique("round", keep="first", maintain_order=True)
        for role in ("computing", "sending"):
            named = classes.rename({"ue": f"{role}_ue", "class": f"{role}_class"})
            rows = rows.join(named, on=f"{role}_ue", how="left")
        frames.append(rows.select(pl.lit(seed).alias("seed"), pl.all()))
    longest = pl.concat_list(*PARTS).list.arg_max().replace_strict(dict(enumerate(PARTS.values())))
    return pl.concat(frames).sort("seed", "round").with_columns(longest.alias("longest")).collect()


def phases(rounds: pl.DataFrame) -> pl.DataFrame:
    """Per phase: seconds, share of the round's time, and share of rounds of which it was the
    longest part.
    """
    rows = []
    for column, name in PARTS.items():
        own = rounds.group_by("seed").agg(
            pl.col(column).mean().alias("time_s"),
            (pl.col(column).sum() / pl.col("length_s").sum()).alias("of_time"),
            (pl.col("longest") == name).mean().alias("of_rounds"),
        )
        rows.append(own.with_columns(pl.lit(name).alias("phase")))
    return findings.means(pl.concat(rows), ["phase"], ["time_s", "of_time", "of_rounds"])


def classes(rounds: pl.DataFrame, found: netsim.Sweep) -> pl.DataFrame:
    """Per device class: share of the UEs, and of the rounds that it held up by computing or by
    sending.
    """
    ues = found.table("ues").select("seed", "class").collect()
    rows = []
    for name in sorted(ues["class"].unique()):
        own = ues.group_by("seed").agg((pl.col("class") == name).mean().alias("of_ues"))
        held = rounds.group_by("seed").agg(
            (pl.col(f"{role}_class") == name).mean().alias(role)
            for role in ("computing", "sending")
        )
        rows.append(own.join(held, on="seed", how="left").with_columns(pl.lit(name).alias("class")))
    return findings.means(pl.concat(rows), ["class"], ["of_ues", "computing", "sending"])


def draw(found: netsim.Sweep, rounds: pl.DataFrame, shares: pl.DataFrame) -> Figure:
    """A round of median length, the parts of all rounds, and which part was the longest how
    often.
    """
    figure_style.use()
    figure, axes = plt.subplots(
        1, 3, figsize=(figure_style.PAGE_IN, 3.4), gridspec_kw={"width_ratios": [1.5, 1, 0.7]}
    )
    own = rounds.filter(pl.col("seed") == found.runs["seed"][0]).sort("length_s")
    gantt(axes[0], found.run(found.runs["id"][0]), own.row(len(own) // 2, named=True))
    names = list(PARTS.values())
    axes[1].boxplot(
        [rounds[column].to_numpy() for column in PARTS],
        orientation="horizontal",
        whis=(5, 95),
        showfliers=False,
        tick_labels=names,
        medianprops={"color": "black"},
    )
    axes[1].set(xlabel="time (s)", title="b  Critical paths")
    bars = {row["phase"]: row for row in shares.iter_rows(named=True)}
    for at, name in enumerate(names, start=1):
        mean, low, high = (
            100 * (bars[name][f"of_rounds{end}"] or 0.0) for end in ("", "_low", "_high")
        )
        error = [[mean - low], [high - mean]]
        axes[2].barh(
            at, mean, xerr=error, color=COLOUR["compute"], error_kw={"linewidth": 1, "capsize": 2}
        )
    axes[2].set(xlabel="rounds (%)", title="c  Longest part", yticks=[], xlim=(0, 105))
    for panel in axes[1:]:
        panel.set_ylim(len(names) + 0.6, 0.4)
    return figure


def gantt(panel: plt.Axes, run: netsim.Run, path: dict[str, Any]) -> None:
    """All UEs of a round by gNB and end of upload; triangles mark those on the critical path."""
    spans = run.spans.filter(pl.col("round") == path["round"], pl.col("ue").is_not_null()).collect()
    opened = run.rounds.filter(pl.col("round") == path["round"]).collect()["start_s"].min()
    spans = spans.filter(
        pl.col("start_s") >= opened, pl.col("kind").cast(pl.String).is_in(list(NAMED))
    )
    order = (
        spans.group_by("ue")
        .agg(pl.col("gnb").last(), pl.col("end_s").max())
        .sort("gnb", "end_s", "ue")
    )
    row = {ue: at for at, ue in enumerate(order["ue"])}
    for span in spans.iter_rows(named=True):
        colour = COLOUR[span["outcome"] if span["kind"] == "uplink" else span["kind"]]
        length, begun = span["end_s"] - span["start_s"], span["start_s"] - opened
        panel.barh(row[span["ue"]], length, left=begun, color=colour, height=0.8)
    for role in ("computing_ue", "sending_ue"):
        panel.plot(-0.12, row[path[role]], marker=">", color="black", markersize=4, clip_on=False)
    panel.set(
        xlabel="time in the round (s)", ylabel="UE (gNB)", title="a  One round", xlim=(0, None)
    )
    panel.set_yticks(range(len(order)), [f"{ue} ({gnb})" for ue, gnb, _ in order.iter_rows()])
    panel.tick_params(axis="y", length=0, pad=8)
    panel.grid(visible=False, axis="y")
    shown = {
        **{kind: name for kind, name in NAMED.items() if kind != "uplink"},
        **{o: o for o in OUTCOME},
    }
    handles = [
        Patch(facecolor=COLOUR[key], label=name.replace("_", " ")) for key, name in shown.items()
    ]
    panel.figure.legend(handles=handles, loc="outside lower center", ncols=4)


def report(rounds: pl.DataFrame, shares: pl.DataFrame, held: pl.DataFrame) -> str:
    """The tables, in Markdown."""
    lengths = rounds.group_by("seed").agg(pl.col("length_s").mean())["length_s"]
    outcomes = rounds.schema["outcome"].categories.to_list()
    each = rounds.group_by("seed").agg((pl.col("outcome") == o).mean().alias(o) for o in outcomes)
    each = each.unpivot(outcomes, variable_name="outcome", value_name="of_rounds")
    ends = findings.means(each, ["outcome"], ["of_rounds"])
    length = mean_interval(lengths.to_numpy())
    return "\n".join(
        [
            findings.opening(__doc__),
            f"\n{len(rounds)} rounds of {len(lengths)} seeds (device classes, fading; one trace), on average "
            f"{findings.shown(length.mean, length.low, length.high)} s long. "
            "Means over seeds ± half of the 95% t-interval.",
            "\n## Phases of the critical path\n",
            findings.markdown(
                shares,
                {
                    "phase": "phase",
                    "time_s": "time (s)",
                    "of_time": "share of the time",
                    "of_rounds": "longest part in this share of rounds",
                },
            ),
            "\n## How the last upload ended\n",
            findings.markdown(ends, {"outcome": "outcome", "of_rounds": "share of rounds"}),
            "\n## Device classes\n",
            findings.markdown(
                held,
                {
                    "class": "class",
                    "of_ues": "share of UEs",
                    "computing": "the grant waited for it (share of rounds)",
                    "sending": "it ended last (share of rounds)",
                },
            ),
        ]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run, find the critical paths, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    seeds, more = SIZES[asked.size]
    found = study.sweep(asked, "quickstart", {}, range(seeds), {**FIXED, **more}, part=asked.study)
    rounds = critical(found)
    shares, held = phases(rounds), classes(rounds, found)
    findings.write(
        asked,
        rounds,
        report(rounds, shares, held),
        draw(found, rounds, shares),
        seeds=range(seeds),
        sweeps=[found],
    )


if __name__ == "__main__":
    main()
