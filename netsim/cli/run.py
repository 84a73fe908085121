"""`netsim run`: a scenario to a run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsim.cli.completion import scenario_keys

if TYPE_CHECKING:
    from netsim.protocols import Listener
    from netsim.results.reader import Run

LogNames = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="NAME",
        help="Tell each round's numbers to mlflow, wandb (offline) or trackio, too; repeatable.",
    ),
]
Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Serve the run's report from its first checkpoint on, as `netsim live` does.",
    ),
]


def run(
    scenario: Annotated[str, typer.Argument(help="Scenario file or bundled name.")] = "quickstart",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="a.b=value",
            help="Override a key; repeatable.",
            autocompletion=scenario_keys,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replace the scenario's seed.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, new or empty. Default: under runs/.")
    ] = None,
    network_only: Annotated[
        bool,
        typer.Option("--network-only", help="Timing and energy without learning; loads no torch."),
    ] = False,
    log: LogNames = None,
    live: Live = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the run folder.")] = False,
) -> None:
    """Run a scenario: a federated fine-tuning over a simulated cell."""
    from netsim.execution import carry_out as execute
    from netsim.execution import new_record
    from netsim.reports.live_process import served
    from netsim.scenario.load import parse_override
    from netsim.trackers import trackers_of

    overrides = dict(parse_override(text) for text in set_ or [])
    if seed is not None:
        overrides["seed"] = seed
    if network_only:
        overrides["network_only"] = True
    trackers = trackers_of(log)
    record = new_record(scenario, out, overrides=overrides)
    with served(record.folder.path, wanted=live):
        carry_out(
            lambda listener: execute(record, listener, trackers=trackers),
            record.scenario.rounds,
            quiet,
        )


def carry_out(
    work: Callable[[Listener], Run],
    rounds: int,
    quiet: bool,
) -> None:
    """Do a run with its progress shown; `quiet` prints only its folder.

    Exit code 130 if it is interrupted.
    """
    import sys
    from contextlib import suppress

    from netsim.cli.console import console
    from netsim.cli.progress import QuietListener, TerminalListener
    from netsim.cli.summary import print_summary
    from netsim.errors import Interrupted

    try:
        if quiet:
            sys.stdout.write(f"{work(QuietListener()).path}\n")
            return
        with TerminalListener(console(stderr=True), rounds) as listener:
            finished = work(listener)
    except Interrupted as error:  # typer would end without a word
        with suppress(OSError):  # stderr may be what was closed
            sys.stderr.write(f"netsim: {error}\n")
            sys.stderr.flush()
        raise typer.Exit(130) from None
    print_summary(finished)
