"""What do common random numbers save? Seeds that independent draws need, per seed of coupled densities.

    python analysis/coupling.py [--size small|cpu] [--jobs N] [--out DIR]

Network-only runs of the quickstart with UEs over the whole window (`federation = network`), the same in
every density, as are their hardware, the marks of the sites and the fading; beside them UEs dropped in the
learning cell (`federation = cell`), which is another one in every density. Two grids of densities: one that
doubles, one in steps of about 1.4. For the difference between two neighbours, `gain` is
(Var x + Var y) / Var(y - x), from pairs of runs with the same seed; its interval is a bootstrap over pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import findings
import numpy as np
import polars as pl
import study

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
FEDERATIONS = ("network", "cell")
METRICS = ("upload_p50_s", "upload_p95_s", "outage_share", "energy_j")
SIZES: dict[str, tuple[int, dict[str, Any]]] = {
    "small": (3, {"rounds": 3, "ues.count": 12}),
    "cpu": (30, {}),
}
RESAMPLES = 4000


def gain_interval(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """95% percentile interval of the gain."""
    draws = stream(0, "coupling").integers(len(x), size=(RESAMPLES, len(x)))
    first, second = x[draws], y[draws]
    apart = first.var(axis=1, ddof=1) + second.var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = apart / (second - first).var(axis=1, ddof=1)
    low, high = np.nanquantile(gains, [0.025, 0.975])
    return float(low), float(high)


def table(runs: pl.DataFrame, federation: str, metric: str) -> list[dict[str, Any]]:
    """One row per grid and pair of neighbours."""
    rows = []
    for grid in GRIDS:
        for before, after in pairwise(grid):
            x, y = (
                runs.filter(pl.col(KEY) == value).sort("seed")[metric].to_numpy() for value in (before, after)
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


def main(argv: Sequence[str] | None = None) -> None:
    """Run, pair, tabulate."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    seeds, more = SIZES[asked.size]
    densities = sorted({value for grid in GRIDS for value in grid})
    rows, sweeps = [], []
    for federation in FEDERATIONS:
        fixed = {**FIXED, **more, "federation": federation}
        found = study.sweep(
            asked, "quickstart", {KEY: densities}, range(seeds), fixed, part=f"{asked.study}-{federation}"
        )
        sweeps.append(found)
        for metric in METRICS:
            rows += table(found.runs, federation, metric)
    frame = pl.DataFrame(rows)
    text = f"{findings.opening(__doc__)}\n\n{findings.markdown(frame)}"
    findings.write(asked, frame, text, seeds=range(seeds), sweeps=sweeps)


if __name__ == "__main__":
    main()
