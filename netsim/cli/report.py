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
    rounds: Annotated[
        str | None,
        typer.Option(
            help="Rounds whose timelines are on the page: 1,5,10:20 (10 to 19). "
            "Default: as many as fit."
        ),
    ] = None,
    accuracy: Annotated[
        float, typer.Option(help="Accuracy that several runs, or those of a sweep, are timed to.")
    ] = 0.8,
) -> None:
    """Write one HTML page, complete in itself: a run, several runs compared, or a sweep."""
    from netsim.cli.console import console
    from netsim.cli.round_numbers import round_numbers
    from netsim.reports.report import report as write

    numbers = None if rounds is None else round_numbers(rounds)
    page = write(runs[0] if len(runs) == 1 else runs, out, rounds=numbers, accuracy=accuracy)
    console().print(
        f"{page}: open it in a browser ({page.stat().st_size / 1e6:.1f} MB)", markup=False
    )
