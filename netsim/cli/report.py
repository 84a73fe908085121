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
    from netsim.reports.report import report as write

    page = write(runs[0] if len(runs) == 1 else runs, out)
    console().print(
        f"{page}: open it in a browser ({page.stat().st_size / 1e6:.1f} MB)", markup=False
    )
