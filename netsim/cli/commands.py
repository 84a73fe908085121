"""The command line: its commands. `netsim.cli.main` runs it, and says what errors look like.

Heavy libraries are imported inside commands, so that `netsim --help` is there at once.
"""

from __future__ import annotations

import sys

import typer

from netsim.cli import (
    export,
    flower,
    init,
    live,
    plot,
    report,
    resume,
    run,
    runs,
    schemes,
    sweep,
    topology,
    trace,
    validate,
    verify,
)

app = typer.Typer(
    help="Discrete-event simulator of federated LoRA fine-tuning over wireless networks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("flower")(flower.flower)
app.command("resume")(resume.resume)
app.command("list")(runs.list_runs)
app.command("diff")(runs.diff)
app.command("init")(init.init)
app.command("live")(live.live)
app.command("report")(report.report)
app.command("plot")(plot.plot)
app.command("schemes")(schemes.schemes)
app.command("sweep", no_args_is_help=True)(sweep.sweep)
app.command("validate")(validate.validate)
app.command("verify")(verify.verify)
app.add_typer(export.app, name="export")
app.add_typer(topology.app, name="topology")
app.add_typer(trace.app, name="trace")


@app.callback(invoke_without_command=True)
def options(
    version: bool = typer.Option(
        False,
        "--version",
        help="Print the version and exit.",
    ),
) -> None:
    """Options of the program itself."""
    if version:
        from netsim.version import __version__

        sys.stdout.write(f"netsim {__version__}\n")
        raise typer.Exit
