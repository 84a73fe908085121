"""`netsim report`: runs as one page for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN_DIR...", help="Run folders; several are compared. Or one sweep folder."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The page. Default: beside the first run, named after it.")
    ] = None,
) -> None:
    """Write one HTML page, complete in itself: a run, several runs compared, or a sweep."""
    from netsim.cli.console import console
    from netsim.report.folders import beside
    from netsim.report.html import write_report
    from netsim.report.sweep_page import write_sweep_report
    from netsim.results.reader import open_run
    from netsim.results.sweep import open_sweep

    if len(runs) == 1 and (runs[0] / "sweep.json").exists():
        sweep = open_sweep(runs[0])
        page = write_sweep_report(sweep, out or beside(sweep.path, ".html"))
    else:
        opened = [open_run(path) for path in runs]
        ending = ".html" if len(opened) == 1 else "-compared.html"
        page = write_report(opened, out or beside(opened[0].path, ending))
    console().print(
        f"{page}: open it in a browser ({page.stat().st_size / 1e6:.1f} MB)", markup=False
    )
