"""Who held up a round, and with what? Timelines of rounds among vehicles and walkers of a recorded trace.

    python analysis/latency_timeline.py [--size small|cpu] [--jobs N] [--out DIR]

The UEs are the vehicles and pedestrians of traces/grid.fcd.parquet (SUMO), replayed among hexagonal cells
that learn together over a backhaul; device classes, schedule and loads are the quickstart's, learning is left
out. A round is over when the last gNB's aggregate has reached the core. Its critical path: download and
computing of the UE that the grant had to wait for, the wait, the transmission of the UE that ended last,
retransmissions, the close of the round at the gNB, the backhaul.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import figure_style
import findings
import matplotlib.pyplot as plt
import polars as pl
import study
from matplotlib.figure import Figure
from plot_run import timeline

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
    "radio.bandwidth_hz": 1e6,
    "radio.retransmissions": 2,
    "scheme.kind": "round_robin",
}
SIZES: dict[str, tuple[int, dict[str, Any]]] = {"small": (2, {"stop.simulated_s": 12.0}), "cpu": (20, {})}
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
    """One row per round: its critical path through the gNB that ended last, and the classes of its UEs."""
    frames = []
    for name, seed in found.runs.select("id", "seed").iter_rows():
        run = found.run(name)
        classes = run.ues.select("ue", "class")
        last = run.critical_path().filter(pl.col("length_s") == pl.col("length_s").max().over("round"))
        rows = last.unique("round", keep="first", maintain_order=True)
        for role in ("computing", "sending"):
            named = classes.rename({"ue": f"{role}_ue", "class": f"{role}_class"})
            rows = rows.join(named, on=f"{role}_ue", how="left")
        frames.append(rows.select(pl.lit(seed).alias("seed"), pl.all()))
    longest = pl.concat_list(*PARTS).list.arg_max().replace_strict(dict(enumerate(PARTS.values())))
    return pl.concat(frames).sort("seed", "round").with_columns(longest.alias("longest")).collect()


def phases(rounds: pl.DataFrame) -> pl.DataFrame:
    """Per phase: seconds, share of the round's time, and share of rounds of which it was the longest part."""
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
    """Per device class: share of the UEs, and of the rounds that it held up by computing or by sending."""
    ues = found.table("ues").select("seed", "class").collect()
    rows = []
    for name in sorted(ues["class"].unique()):
        own = ues.group_by("seed").agg((pl.col("class") == name).mean().alias("of_ues"))
        held = rounds.group_by("seed").agg(
            (pl.col(f"{role}_class") == name).mean().alias(role) for role in ("computing", "sending")
        )
        rows.append(own.join(held, on="seed", how="left").with_columns(pl.lit(name).alias("class")))
    return findings.means(pl.concat(rows), ["class"], ["of_ues", "computing", "sending"])


def draw(found: netsim.Sweep, rounds: pl.DataFrame, shares: pl.DataFrame) -> Figure:
    """A round of median length, the parts of all rounds, and which part was the longest how often."""
    figure_style.use()
    figure, axes = plt.subplots(
        1, 3, figsize=(figure_style.PAGE_IN, 3.2), gridspec_kw={"width_ratios": [1.5, 1, 0.8]}
    )
    run = found.run(found.runs["id"][0])
    own = rounds.filter(pl.col("seed") == found.runs["seed"][0]).sort("length_s")
    timeline(axes[0], run, own["round"][len(own) // 2])
    axes[0].set_title("a  One round")
    axes[0].get_legend().remove()
    names = list(PARTS.values())
    values = [rounds[column].to_numpy() for column in PARTS]
    axes[1].boxplot(values, orientation="horizontal", whis=(5, 95), showfliers=False, tick_labels=names)
    axes[1].set(xlabel="part of the critical path (s)", title="b  All rounds")
    row = {name: at for at, name in enumerate(names)}
    at, mean = [row[p] for p in shares["phase"]], 100 * shares["of_rounds"]
    known = shares.with_columns(pl.col("of_rounds_low", "of_rounds_high").fill_null(pl.col("of_rounds")))
    error = [
        100 * (known["of_rounds"] - known["of_rounds_low"]),
        100 * (known["of_rounds_high"] - known["of_rounds"]),
    ]
    axes[2].barh(at, mean, xerr=error, color="#56b4e9", error_kw={"linewidth": 1, "capsize": 2})
    axes[2].set(xlabel="longest part (% of rounds)", title="c  What held up", yticks=[], xlim=(0, 105))
    for panel, ends in ((axes[1], (0.4, len(names) + 0.6)), (axes[2], (-0.6, len(names) - 0.4))):
        panel.set_ylim(*reversed(ends))
    return figure


def report(rounds: pl.DataFrame, shares: pl.DataFrame, held: pl.DataFrame) -> str:
    """The tables, in Markdown."""
    lengths = rounds.group_by("seed").agg(pl.col("length_s").mean())["length_s"]
    length = mean_interval(lengths.to_numpy())
    return "\n".join(
        [
            findings.opening(__doc__),
            f"\n{len(rounds)} rounds of {len(lengths)} seeds (device classes, fading; one trace), on average "
            f"{findings.shown(length.mean, length.low, length.high)} s long. "
            "Means over seeds ± half of the 95% t-interval.",
            "\n## Phases of the critical path\n",
            findings.markdown(shares, {"phase": "phase", "time_s": "time (s)", "of_time": "share of the time",
                                       "of_rounds": "longest part in this share of rounds"}),
            "\n## Device classes\n",
            findings.markdown(held, {"class": "class", "of_ues": "share of UEs",
                                     "computing": "the grant waited for it (share of rounds)",
                                     "sending": "it ended last (share of rounds)"}),
        ]
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Run, find the critical paths, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    seeds, more = SIZES[asked.size]
    found = study.sweep(asked, "quickstart", {}, range(seeds), {**FIXED, **more}, part=asked.study)
    rounds = critical(found)
    shares, held = phases(rounds), classes(rounds, found)
    findings.write(
        asked, rounds, report(rounds, shares, held), draw(found, rounds, shares), seeds=range(seeds),
        sweeps=[found],
    )  # fmt: skip


if __name__ == "__main__":
    main()
