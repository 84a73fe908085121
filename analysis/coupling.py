"""What do common random numbers save? Seeds that independent draws need, per seed of coupled densities.

    python analysis/coupling.py [--seeds 30] [--metric upload_p50_s] [--set a.b=value]... [--out DIR]

Network-only runs of the quickstart with UEs over the whole window (`federation = network`), the same in
every density, as are their hardware, the marks of the sites and the fading; --set federation=cell drops
them in the learning cell instead, which is another one in every density. Two grids of densities: one that
doubles, one in steps of about 1.4. For the difference between two neighbours, `gain` is
(Var x + Var y) / Var(y - x), from pairs of runs with the same seed; its interval is a bootstrap over pairs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

import netsim
from netsim.results.intervals import coupling_gain, mean_interval
from netsim.results.metrics import METRICS
from netsim.rng import stream
from netsim.scenario.load import parse_override
from netsim.sweep.job import Outcome
from netsim.sweep.study import open_study

GRIDS = ((0.5, 1.0, 2.0, 4.0), (0.5, 0.7, 1.0, 1.4, 2.0))
KEY = "topology.density_per_km2"
FIXED = {
    "network_only": True,
    "federation": "network",
    "rounds": 20,
    "scheme.kind": "round_robin",
    "topology.window_km": 6,
}
RESAMPLES = 4000


class Counter:
    """Writes how many runs are over."""

    def __init__(self, runs: int) -> None:
        self.runs, self.over = runs, 0

    def run_moved(self, job: str, fraction: float) -> None:
        """Runs are short."""

    def run_ended(self, outcome: Outcome) -> None:
        """A run is over."""
        self.over += 1
        if outcome.status != "done":
            raise SystemExit(f"{outcome.id}: {outcome.error}")
        if self.over % 30 == 0 or self.over == self.runs:
            sys.stderr.write(f"{self.over} of {self.runs} runs\n")


def gain_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """95% percentile interval of the gain."""
    draws = stream(0, "coupling").integers(len(x), size=(RESAMPLES, len(x)))
    gains = [coupling_gain(x[pick], y[pick]) for pick in draws]
    low, high = np.nanquantile(gains, [0.025, 0.975])
    return float(low), float(high)


def table(runs: pl.DataFrame, metric: str) -> pl.DataFrame:
    """One row per grid and pair of neighbours."""
    rows = []
    for grid in GRIDS:
        for before, after in pairwise(grid):
            x, y = (
                runs.filter(pl.col(KEY) == value).sort("seed")[metric].to_numpy() for value in (before, after)
            )
            known = ~np.isnan(x) & ~np.isnan(y)
            x, y = x[known], y[known]
            step, gain = mean_interval(y - x), coupling_gain(x, y)
            low, high = gain_interval(x, y)
            rows.append(
                {
                    "grid": "doubling" if len(grid) == 4 else "finer",
                    "from": before,
                    "to": after,
                    "pairs": len(x),
                    "difference": step.mean,
                    "half of 95%": step.half_width,
                    "gain": gain,
                    "gain, low": low,
                    "gain, high": high,
                }
            )
    return pl.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--metric", choices=METRICS, default="upload_p50_s")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="a.b=value")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--out", type=Path, help="sweep folder, to keep or to go on with")
    options = parser.parse_args()
    fixed = {**FIXED, **dict(parse_override(text) for text in options.overrides)}
    densities = sorted({value for grid in GRIDS for value in grid})
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch) / "sweep"
        study = open_study("quickstart", {KEY: densities}, range(options.seeds), fixed=fixed, out=out)
        study.run(Counter(len(study.todo)), at_once=options.jobs)
        found = table(netsim.open_sweep(out).runs, options.metric)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=3, tbl_hide_dataframe_shape=True):
        sys.stdout.write(f"{options.metric}\n{found}\n")


if __name__ == "__main__":
    main()
