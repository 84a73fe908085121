"""What happens if we double gNB density? The built-in task over five densities, with error bars.

    python analysis/whatif_gnb_density.py [--size small|cpu] [--jobs N] [--out DIR] [--figure FILE.svg]

UEs walk and drive in a window of 6 km, all gNBs learn over a backhaul. Time to an accuracy of 0.8, median
and 95th percentile of the upload latency, outage, energy and handovers against gNB density: means over seeds
with 95% t-intervals, and what each step of density changes, from pairs of runs with the same UEs, data and
marks of the sites. `cpu` is the study (5 densities x 5 seeds), `small` shows in a minute that it works. A
sweep folder that is there is gone on with. Needs the extra `figures` for --figure.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

import netsim
from netsim.sweep.job import Outcome
from netsim.sweep.study import open_study

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
        [0.5, 1.0, 2.0],
        2,
        {"rounds": 16, "ues.count": 16, "data.train_samples": 600, "data.test_samples": 100,
         "data.samples_per_ue": 40, "learning.local_steps": 2},
    ),
}  # fmt: skip
SHOWN = {
    "time_to_accuracy_s": "time to accuracy 0.8 (s)",
    "upload_p50_s": "upload latency, p50 (s)",
    "upload_p95_s": "upload latency, p95 (s)",
    "outage_share": "uploads in outage",
    "energy_j": "energy of all UEs (J)",
    "handovers": "handovers",
}


class Teller:
    """Writes which run is over."""

    def __init__(self, runs: int) -> None:
        self.runs, self.over, self.begun = runs, 0, time.monotonic()

    def run_moved(self, job: str, fraction: float) -> None:
        """Ends are enough."""

    def run_ended(self, outcome: Outcome) -> None:
        """A run is over."""
        self.over += 1
        spent = time.monotonic() - self.begun
        sys.stderr.write(
            f"{self.over}/{self.runs} after {spent:.0f} s: {outcome.id} {outcome.status} {outcome.error}\n"
        )


def response(found: netsim.Sweep) -> pl.DataFrame:
    """Mean and half of the 95% interval of every metric, one row per density."""
    columns = [found.response(metric) for metric in SHOWN]
    table = columns[0].select(pl.col(KEY).alias("gNB/km2"))
    for metric, column in zip(SHOWN, columns, strict=True):
        table = table.with_columns(_text(column).alias(metric))
    return table


def differences(found: netsim.Sweep) -> pl.DataFrame:
    """The same for each step of density, from pairs."""
    columns = [found.differences(metric, KEY) for metric in SHOWN]
    table = columns[0].select("from", "to")
    for metric, column in zip(SHOWN, columns, strict=True):
        table = table.with_columns(_text(column).alias(metric))
    return table


def _text(frame: pl.DataFrame) -> pl.Series:
    cells = []
    for row in frame.iter_rows(named=True):
        count = row.get("seeds", row.get("pairs"))
        mean, low, high = row["mean"], row["low"], row["high"]
        text = "-" if mean is None else f"{mean:.4g}"
        text += "" if low is None else f" ± {(high - low) / 2:.2g}"
        cells.append(text + (f" (of {count})" if row["missing"] else ""))
    return pl.Series(cells, dtype=pl.String)


def draw(found: netsim.Sweep, path: Path) -> None:
    """A panel per metric: mean against density in a band."""
    import figure_style
    import matplotlib.pyplot as plt

    figure_style.use()
    figure, axes = plt.subplots(2, 3, figsize=(figure_style.PAGE_IN, 4.2), layout="constrained")
    for panel, (metric, name) in zip(axes.flat, SHOWN.items(), strict=True):
        rows = found.response(metric)
        known, banded = rows.drop_nulls("mean"), rows.drop_nulls("low")
        panel.plot(known[KEY], known["mean"], marker="o", markersize=3)
        panel.fill_between(banded[KEY], banded["low"], banded["high"], alpha=0.25)
        panel.set(title=name, xlabel="gNBs per km²", xlim=(0, 1.05 * rows[KEY].max()))
    figure_style.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    densities, seeds, more = SIZES[options.size]
    out = options.out or Path("runs") / f"gnb-density-{options.size}"
    study = open_study("quickstart", {KEY: densities}, range(seeds), fixed={**FIXED, **more}, out=out)
    study.run(Teller(len(study.todo)), at_once=options.jobs)
    found = netsim.open_sweep(out)
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, tbl_hide_dataframe_shape=True,
                   tbl_hide_column_data_types=True):  # fmt: skip
        sys.stdout.write(f"Means over {seeds} seeds ± half of the 95% t-interval\n{response(found)}\n")
        sys.stdout.write(f"Paired differences ± half of the 95% t-interval\n{differences(found)}\n")
    if options.figure is not None:
        draw(found, options.figure)
    sys.exit(bool(study.failed))


if __name__ == "__main__":
    main()
