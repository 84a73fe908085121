"""`netsim flower`: a Flower app over a scenario's network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from netsim.cli.run import Live, LogNames, carry_out


def flower(
    app: Annotated[
        Path, typer.Argument(help="Folder of a Flower app: pyproject.toml with tool.flwr.app.")
    ],
    scenario: Annotated[
        str, typer.Option("--scenario", help="Scenario file or bundled name: the network.")
    ] = "quickstart",
    run_config: Annotated[
        str,
        typer.Option(
            "--run-config",
            metavar='"name=value ..."',
            help="Replace values of the app's config.",
        ),
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="a.b=value",
            help="Override a key of the scenario, flower.* among them; repeatable.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replace the scenario's seed.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, new or empty. Default: under runs/.")
    ] = None,
    log: LogNames = None,
    live: Live = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the run folder.")] = False,
) -> None:
    """Run a Flower app: its messages travel over the simulated radio, its ClientApps are real.

    The app decides how many rounds there are, unless `--set rounds=N` sets a limit.
    """
    from netsim.execution import carry_out as execute
    from netsim.execution import new_record
    from netsim.flower.driver import app_overrides, expected_rounds
    from netsim.reports.live_process import served
    from netsim.scenario.load import load_scenario, parse_override
    from netsim.trackers import trackers_of

    overrides: dict[str, Any] = dict(parse_override(text) for text in set_ or [])
    if seed is not None:
        overrides["seed"] = seed
    if run_config:
        overrides["flower.run_config"] = run_config
    trackers = trackers_of(log)
    keys = app_overrides(app, overrides)
    rounds = expected_rounds(load_scenario(scenario, keys))  # before there is a folder
    record = new_record(scenario, out, overrides=keys)
    with served(record.folder.path, wanted=live):
        carry_out(
            lambda listener: execute(record, listener, trackers=trackers),
            rounds,
            quiet,
        )
