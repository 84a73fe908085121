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
    Path | None, typer.Option(help="Folder, new or empty. Default: beside the run folder.")
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
) -> None:
    """A timeline for Perfetto's UI or chrome://tracing (trace events)."""
    from netsim.report.folders import beside
    from netsim.report.perfetto import write_perfetto
    from netsim.results.reader import open_run

    opened = open_run(run)
    _say(
        write_perfetto(opened, out or beside(opened.path, ".perfetto.json.gz")),
        "open it in ui.perfetto.dev",
    )


@app.command()
def csv(run: RunDir, out: Folder = None) -> None:
    """The tables as CSV."""
    from netsim.report.csv_files import write_csv
    from netsim.report.folders import beside
    from netsim.results.reader import open_run

    opened = open_run(run)
    out = out or beside(opened.path, "-csv")
    _say(out, ", ".join(path.name for path in write_csv(opened, out)))


@app.command()
def adapters(run: RunDir, out: Folder = None) -> None:
    """The trained adapters with their base model, as PEFT loads them."""
    from netsim.learning.builtin import model_folder
    from netsim.report.adapters import write_adapters
    from netsim.report.folders import beside
    from netsim.results.reader import open_run

    opened = open_run(run)
    out = out or beside(opened.path, "-adapters")
    _say(
        out,
        ", ".join(
            path.name
            for path in write_adapters(
                opened,
                out,
                model_folder(),
            )
        ),
    )


@app.command()
def tensorboard(run: RunDir, out: Folder = None) -> None:
    """Events for TensorBoard, with simulated time as wall time (extra `tensorboard`)."""
    from netsim.report.events import write_events
    from netsim.report.folders import beside
    from netsim.results.reader import open_run

    opened = open_run(run)
    out = out or beside(opened.path, "-tensorboard")
    write_events(opened, out)
    _say(out, f"tensorboard --logdir {out}")


def _say(path: Path, text: str) -> None:
    from netsim.cli.console import console

    console().print(f"{path}: {text}", markup=False)
