"""What happens if we double gNB density? The built-in task over five densities, with error bars.

    python analysis/whatif_gnb_density.py [--size small|cpu] [--jobs N] [--out DIR]

UEs walk and drive in a window of 6 km, all gNBs learn over a backhaul. Time to an accuracy of 0.8,
median and 95th percentile of the upload latency, outage, energy and handovers against gNB density:
means over seeds with 95% t-intervals, and what each step of density changes, from pairs of runs
with the same UEs, data and marks of the sites. `cpu` is the study (5 densities x 5 seeds on the
built-in task).
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

import netsim

KEY = "topology.density_per_km2"
FIXED: dict[str, Any] = {
    "federation": "network",
    "topology.window_km": 6,
    "mobility.kind": "random_waypoint",
    "mobility.min_speed_m_s": 1.0,
    "mobility.max_speed_m_s": 15.0,
}
SIZES: dict[str, tuple[list[float], int, dict[str, Any]]] = {
    "cpu": ([0.5, 0.7, 1.0, 1.4, 2.0], 5, {}),
    "small": (
        [0.5, 1.0],
        2,
        {
            "rounds": 2,
            "ues.count": 6,
            "data.train_samples": 400,
            "data.test_samples": 60,
            "data.samples_per_ue": 30,
            "learning.local_steps": 1,
        },
    ),
}
SHOWN = {
    "time_to_accuracy_s": "time to accuracy 0.8 (s)",
    "upload_p50_s": "upload latency, p50 (s)",
    "upload_p95_s": "upload latency, p95 (s)",
    "outage_share": "uploads in outage",
    "energy_j": "energy of all UEs (J)",
    "handovers": "handovers",
}


def response(found: netsim.Sweep) -> pl.DataFrame:
    """Every metric's mean and 95% interval, one row per density."""
    return _beside([found.response(metric) for metric in SHOWN], [KEY])


def differences(found: netsim.Sweep) -> pl.DataFrame:
    """The same for each step of density, from pairs."""
    return _beside([found.differences(metric, KEY) for metric in SHOWN], ["from", "to"])


def _beside(frames: list[pl.DataFrame], key: list[str]) -> pl.DataFrame:
    """One table of the metrics' tables, in columns METRIC, METRIC_low, METRIC_high,
    METRIC_missing.
    """
    table = frames[0].select(key)
    for metric, frame in zip(SHOWN, frames, strict=True):
        names = {"mean": metric} | {part: f"{metric}_{part}" for part in ("low", "high", "missing")}
        table = table.hstack(frame.select(*names).rename(names))
    return table


def draw(table: pl.DataFrame) -> Figure:
    """A panel per metric: mean against density in a band."""
    figure_style.use()
    figure, axes = plt.subplots(2, 3, figsize=(figure_style.PAGE_IN, 4.2))
    for panel, (metric, name) in zip(axes.flat, SHOWN.items(), strict=True):
        figure_style.band(panel, table.drop_nulls(metric), KEY, metric)
        panel.set(title=name, xlabel="gNBs per km²", xlim=(0, 1.05 * table[KEY].max()))
    return figure


def report(means: pl.DataFrame, steps: pl.DataFrame, seeds: int) -> str:
    """The tables, in Markdown."""
    return "\n".join(
        [
            findings.opening(__doc__),
            f"\nMeans over {seeds} seeds ± half of the 95% t-interval, of the runs that have a value.\n",
            findings.markdown(means, {KEY: "gNBs per km²", **SHOWN}),
            "\n## What a step of density changes, paired by seed\n",
            findings.markdown(steps, {"from": "from", "to": "to", **SHOWN}),
        ]
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Run, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    densities, seeds, more = SIZES[asked.size]
    found = study.sweep(
        asked, "quickstart", {KEY: densities}, range(seeds), {**FIXED, **more}, part=asked.study
    )
    means = response(found)
    text = report(means, differences(found), seeds)
    findings.write(asked, found.runs, text, draw(means), seeds=range(seeds), sweeps=[found])


if __name__ == "__main__":
    main()
