"""`netsim report`: runs as one page for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN_DIR...", help="Run folders; several are compared.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The page. Default: beside the first run, named after it.")
    ] = None,
) -> None:
    """Write one HTML page, complete in itself, of one run or of several compared with the first."""
    from netsim.cli.console import console
    from netsim.report.folders import beside
    from netsim.report.html import write_report
    from netsim.results.reader import open_run

    opened = [open_run(path) for path in runs]
    if out is None:
        out = beside(opened[0], ".html" if len(opened) == 1 else "-compared.html")
    page = write_report(opened, out)
    console().print(
        f"{page}: open it in a browser ({page.stat().st_size / 1e6:.1f} MB)", markup=False
    )
