"""What do common random numbers save? Seeds that independent draws need, per seed of coupled
densities.

    python analysis/coupling.py [--size small|cpu] [--jobs N] [--out DIR]

Network-only runs of the quickstart with UEs over the whole window (`federation = network`), the
same in every density, as are their hardware, the marks of the sites and the fading; beside them UEs
dropped in the learning cell (`federation = cell`), which is another one in every density. Two grids
of densities: one that doubles, one in steps of about 1.4. For the difference between two
neighbours, `gain` is (Var x + Var y) / Var(y - x), from pairs of runs with the same seed; its
interval is a bootstrap over pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import figure_style
import findings
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import study
from matplotlib.figure import Figure

from netsim.results.intervals import coupling_gain, mean_interval
from netsim.rng import stream
from netsim.units import FloatArray

GRIDS = ((0.5, 1.0, 2.0, 4.0), (0.5, 0.7, 1.0, 1.4, 2.0))
KEY = "topology.density_per_km2"
FIXED: dict[str, Any] = {
    "network_only": True,
    "rounds": 20,
    "scheme.kind": "round_robin",
    "topology.window_km": 6,
}
METRICS = {
    "upload_p50_s": "median upload",
    "upload_p95_s": "95th percentile",
    "outage_share": "share in outage",
    "energy_j": "energy",
}
SIZES: dict[str, tuple[tuple[str, ...], int, dict[str, Any]]] = {
    "small": (("network",), 3, {"rounds": 2, "ues.count": 12}),
    "cpu": (("network", "cell"), 30, {}),
}  # federations, seeds, overrides
RESAMPLES = 4000


def gain_interval(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """95% percentile interval of the gain."""
    draws = stream(0, "coupling").integers(len(x), size=(RESAMPLES, len(x)))
    first, second = x[draws], y[draws]
    apart = first.var(axis=1, ddof=1) + second.var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = apart / (second - first).var(axis=1, ddof=1)
    low, high = np.nanquantile(gains, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def table(runs: pl.DataFrame, federation: str, metric: str) -> list[dict[str, Any]]:
    """One row per grid and pair of neighbours."""
    rows = []
    for grid in GRIDS:
        for before, after in pairwise(grid):
            x, y = (
                runs.filter(pl.col(KEY) == value).sort("seed")[metric].to_numpy()
                for value in (before, after)
            )
            known = ~np.isnan(x) & ~np.isnan(y)
            x, y = x[known], y[known]
            step = mean_interval(y - x)
            low, high = gain_interval(x, y)
            rows.append(
                {
                    "federation": federation,
                    "metric": metric,
                    "grid": "doubling" if len(grid) == 4 else "finer",
                    "from": before,
                    "to": after,
                    "pairs": len(x),
                    "difference": step.mean,
                    "difference_low": step.low,
                    "difference_high": step.high,
                    "gain": coupling_gain(x, y),
                    "gain_from": low,
                    "gain_to": high,
                }
            )
    return rows


def draw(table: pl.DataFrame) -> Figure:
    """Gain of each step against its middle density, a column per grid, a row per federation."""
    figure_style.use()
    federations, grids = (
        table[name].unique(maintain_order=True).to_list() for name in ("federation", "grid")
    )
    figure, axes = plt.subplots(
        len(federations),
        len(grids),
        figsize=(figure_style.PAGE_IN, 0.6 + 2 * len(federations)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for row, federation in zip(axes, federations, strict=True):
        for panel, grid in zip(row, grids, strict=True):
            for number, (metric, name) in enumerate(METRICS.items()):
                mine = table.filter(federation=federation, grid=grid, metric=metric)
                middle = (mine["from"] * mine["to"]).sqrt() * (1 + 0.05 * (number - 1.5))
                spread = [mine["gain"] - mine["gain_from"], mine["gain_to"] - mine["gain"]]
                panel.errorbar(
                    middle, mine["gain"], spread, fmt="o", markersize=3, capsize=2, label=name
                )
            panel.axhline(1, color="0.6", linewidth=0.8, zorder=0)
            steps = "doubling" if grid == "doubling" else "steps of about 1.4"
            panel.set(xscale="log", yscale="log", title=f"{federation}, {steps}")
        row[0].set_ylabel("gain")
    ticks = sorted({value for grid in GRIDS for value in grid})
    for panel in axes[-1]:
        panel.set(xlabel="gNBs per km², middle of the step")
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.minorticks_off()
    for panel in axes[:, 0]:
        panel.set_yticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(METRICS)
    )
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Run, pair, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    federations, seeds, more = SIZES[asked.size]
    densities = sorted({value for grid in GRIDS for value in grid})
    rows, sweeps = [], []
    for federation in federations:
        fixed = {**FIXED, **more, "federation": federation}
        found = study.sweep(
            asked,
            "quickstart",
            {KEY: densities},
            range(seeds),
            fixed,
            part=f"{asked.study}-{federation}",
        )
        sweeps.append(found)
        for metric in METRICS:
            rows += table(found.runs, federation, metric)
    frame = pl.DataFrame(rows)
    text = f"{findings.opening(__doc__)}\n\n{findings.markdown(frame)}"
    findings.write(asked, frame, text, draw(frame), seeds=range(seeds), sweeps=sweeps)


if __name__ == "__main__":
    main()
