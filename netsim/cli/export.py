"""`netsim export`: a run for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Write a run for other programs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

RunDir = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Run folder.")]
Folder = Annotated[
    Path | None,
    typer.Option(help="Folder: new, empty, or an earlier export. Default: beside the run folder."),
]


@app.command()
def perfetto(
    run: RunDir,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File; compressed if it ends in .gz. Default: beside the run, .perfetto.json.gz"
        ),
    ] = None,
    rounds: Annotated[
        str | None,
        typer.Option(
            help="Rounds that it shows: 1,5,10:20 (10 to 19). Default: all; where these are too "
            "many for a viewer, evenly spaced UEs, and then rounds, too."
        ),
    ] = None,
) -> None:
    """A timeline for Perfetto's UI or chrome://tracing (trace events)."""
    from netsim.cli.progress import fraction_shown
    from netsim.cli.round_numbers import round_numbers
    from netsim.reports.folders import beside
    from netsim.reports.perfetto import ENDING, write_perfetto
    from netsim.results.opened import one_run

    opened = one_run(run)
    path = out or beside(opened.path, ENDING)
    numbers = None if rounds is None else round_numbers(rounds)
    with fraction_shown("writing the timeline") as moved:
        shown = write_perfetto(opened, path, numbers, moved)
    if shown.note:
        _say(path, shown.note)
    _say(path, "open it in ui.perfetto.dev")


@app.command()
def csv(run: RunDir, out: Folder = None) -> None:
    """The tables as CSV."""
    path = _export(run, "csv", out)
    _say(path, _names(path, "*.csv"))


@app.command()
def adapters(run: RunDir, out: Folder = None) -> None:
    """The trained adapters with their base model, as PEFT loads them."""
    path = _export(run, "adapters", out)
    _say(path, _names(path, "module-*"))


@app.command()
def tensorboard(run: RunDir, out: Folder = None) -> None:
    """Events for TensorBoard, with simulated time as wall time (extra `tensorboard`)."""
    path = _export(run, "tensorboard", out)
    _say(path, f"tensorboard --logdir {path}")


def _export(run: Path, kind: str, out: Path | None) -> Path:
    from netsim.reports.export import export

    return export(run, kind, out)


def _names(folder: Path, pattern: str) -> str:
    return ", ".join(sorted(path.name for path in folder.glob(pattern)))


def _say(path: Path, text: str) -> None:
    from netsim.cli.console import console

    console().print(f"{path}: {text}", markup=False)
