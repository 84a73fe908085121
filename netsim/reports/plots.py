"""Figures for papers: one subject each, drawn from a run or a sweep, as SVG, PDF or PNG.

Needs the extra `figures` (matplotlib). The report page shows the same and answers questions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from netsim.errors import InputError
from netsim.reports.folders import export_file
from netsim.reports.plot_style import COLUMN_IN, PlotOptions, save, use
from netsim.reports.run_figures import RUN_FIGURES
from netsim.reports.sweep_figures import SWEEP_FIGURES
from netsim.results.arguments import check_accuracy, check_choice
from netsim.results.damage import naming_damage
from netsim.results.metrics import METRICS, TARGET_ACCURACY
from netsim.results.opened import run_or_sweep
from netsim.results.reader import Run
from netsim.results.sweep import Sweep

Draw = TypeVar("Draw")

FORMATS = (".svg", ".pdf", ".png")
HEIGHT_IN = 2.6


def plot(
    source: Run | Sweep | str | Path,
    figure: str,
    out: str | Path | None = None,
    *,
    round: int = 1,
    metric: str = "upload_p50_s",
    accuracy: float = TARGET_ACCURACY,
) -> Figure:
    """Draw a figure of a run or a sweep, and write it to `out` (.svg, .pdf, .png) if given.

    `source` is opened already or a folder. `figure` is one of RUN_FIGURES, or of SWEEP_FIGURES for
    a sweep; `round` is that of a timeline, `metric` that of a sweep's figures, and
    `accuracy` the one that its runs are timed to. Raises InputError
    for another name or format, DataError if the source has nothing to draw.
    """
    check_metric(metric)
    check_accuracy(accuracy)
    path = None if out is None else Path(out)
    if path is not None and path.suffix not in FORMATS:
        raise InputError(
            f"must end in {', '.join(FORMATS)}",
            where="plot",
            value=path.name,
        )
    use()
    made, axes = plt.subplots(figsize=(1.3 * COLUMN_IN, 1.3 * HEIGHT_IN))
    _draw(
        run_or_sweep(source),
        figure,
        axes,
        PlotOptions(round=round, metric=metric, accuracy=accuracy),
    )
    plt.close(made)  # out of pyplot's list; the figure itself lives on
    if path is not None:
        with export_file(path) as temporary:
            written = temporary.with_suffix(path.suffix)
            save(made, written)
            written.replace(temporary)
    return made


def _draw(
    source: Run | Sweep,
    name: str,
    axes: Axes,
    options: PlotOptions,
) -> None:
    if isinstance(source, Sweep):
        draw_sweep = _find(name, SWEEP_FIGURES)
        draw_sweep(axes, source, options)
        return
    draw_run = _find(name, RUN_FIGURES)
    with naming_damage(source):
        draw_run(axes, source, options)


def _find(name: str, figures: dict[str, Draw]) -> Draw:
    check_choice("figure", name, figures)
    return figures[name]


def figure_names(source: Run | Sweep) -> dict[str, str]:
    """{figure: what it shows} of a run or a sweep."""
    figures = SWEEP_FIGURES if isinstance(source, Sweep) else RUN_FIGURES
    return {name: (draw.__doc__ or "").strip() for name, draw in figures.items()}


def check_metric(metric: str) -> None:
    """Raises InputError for a name that is no metric of a sweep."""
    check_choice("metric", metric, METRICS)
