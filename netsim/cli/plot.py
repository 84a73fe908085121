"""`netsim plot`: one figure of a run or a sweep for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plot(
    source: Annotated[Path, typer.Argument(metavar="RUN_DIR|SWEEP_DIR", help="What to draw.")],
    figure: Annotated[
        str | None, typer.Option(help="Which figure. Without it the figures are listed.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File: .svg, .pdf or .png. Default: beside the folder, .svg")
    ] = None,
    round: Annotated[int, typer.Option(help="Round of the timeline.", min=0)] = 1,
    metric: Annotated[str, typer.Option(help="Metric of a sweep's figures.")] = "upload_p50_s",
    accuracy: Annotated[
        float, typer.Option(help="Accuracy that a sweep's runs are timed to.")
    ] = 0.8,
) -> None:
    """Draw one figure of a run or of a sweep (extra `figures`)."""
    from importlib.util import find_spec

    from netsim.cli.console import console, print_table
    from netsim.errors import InputError
    from netsim.reports.folders import beside
    from netsim.results.opened import run_or_sweep

    opened = run_or_sweep(source)
    if find_spec("matplotlib") is None:
        rule = "needs the extra 'figures': pip install matplotlib"
        raise InputError(rule, where="netsim plot")
    from netsim.reports.plots import figure_names
    from netsim.reports.plots import plot as draw

    if figure is None:
        print_table(("--figure", "what it shows"), list(figure_names(opened).items()))
        return
    of_metric = {"response": f"-{metric}.svg", "differences": f"-{metric}-differences.svg"}
    ending = of_metric.get(figure, f"-{figure}.svg")
    path = out or beside(opened.path, ending)
    draw(
        opened,
        figure,
        path,
        round=round,
        metric=metric,
        accuracy=accuracy,
    )
    console().print(
        str(path),
        markup=False,
        highlight=False,
    )
