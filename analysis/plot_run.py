"""Picture of a run: one round's timeline, and accuracy against simulated time.

    python analysis/plot_run.py RUN_DIR OUT.svg [--round N]

Needs the extra `figures` (matplotlib).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import figure_style
import matplotlib.pyplot as plt

import netsim
from netsim.reports.plot_style import PlotOptions
from netsim.reports.run_figures import learning, timeline


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
    timeline(axes[0, 0], run, PlotOptions(round=arguments.round))
    if learned:
        learning(axes[0, 1], run, PlotOptions())
        axes[0, 1].set_title("Learning on the same clock")
    figure_style.save(figure, arguments.out)


if __name__ == "__main__":
    main()
