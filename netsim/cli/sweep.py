"""`netsim sweep`: a grid of runs to one folder, and what it says."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netsim.cli.completion import scenario_keys

if TYPE_CHECKING:
    from rich.console import Console

    from netsim.sweeps.study import Study


ScenarioName = Annotated[str, typer.Argument(help="Scenario file or bundled name.")]
Over = Annotated[
    list[str] | None,
    typer.Option(
        "--over",
        metavar="a.b=v1,v2,...",
        help="Values of a key; repeatable, all combinations run.",
        autocompletion=scenario_keys,
    ),
]
Seeds = Annotated[
    str | None, typer.Option(help="0:8 is 0 to 7; or 1,5,9. Default: the scenario's own seed.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="a.b=value",
        help="Override a key in all runs; repeatable.",
        autocompletion=scenario_keys,
    ),
]
NetworkOnly = Annotated[
    bool,
    typer.Option("--network-only", help="Timing and energy without learning; loads no torch."),
]
Backend = Annotated[str, typer.Option(help="local: processes of this machine; ray: a Ray cluster.")]
Jobs = Annotated[int | None, typer.Option(help="Runs at once. Default: as many as cores.")]
Address = Annotated[str | None, typer.Option(help="Ray cluster, as ray.init takes it.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Sweep folder: new, or one to go on with. Default: under runs/."),
]


def sweep(
    scenario: ScenarioName = "quickstart",
    over: Over = None,
    seeds: Seeds = None,
    set_: Overrides = None,
    network_only: NetworkOnly = False,
    backend: Backend = "local",
    jobs: Jobs = None,
    address: Address = None,
    out: Out = None,
) -> None:
    """Run a scenario for every combination of values and seeds; what is finished is not run again.

    A run that was interrupted goes on from its last checkpoint.
    """
    from netsim.cli.console import console
    from netsim.cli.sweep_tables import print_differences, print_response
    from netsim.errors import InputError
    from netsim.results.sweep import open_sweep
    from netsim.sweeps.study import open_study

    if not over and seeds is None:
        rule = "nothing to vary: give --over a.b=v1,v2,... or --seeds 0:8, or both"
        raise InputError(rule, where="netsim sweep")
    study = open_study(
        scenario,
        _values_by_key(over or []),
        _seeds(seeds),
        fixed=_fixed(set_ or [], network_only),
        out=out,
    )
    screen = console()
    screen.print(f"sweep folder: {study.folder.path}", markup=False)
    _carry_out(
        study,
        screen,
        backend=backend,
        at_once=jobs,
        address=address,
    )
    found = open_sweep(study.folder.path)
    print_response(found, screen)
    print_differences(found, screen)
    _print_ends(study, screen)
    if study.failed:
        raise typer.Exit(1)


def _values_by_key(over: list[str]) -> dict[str, list[Any]]:
    from netsim.errors import ScenarioError
    from netsim.sweeps.grid import parse_over

    values: dict[str, list[Any]] = {}
    for text in over:
        key, these = parse_over(text)
        if key in values:
            raise ScenarioError("is given twice; one --over takes all", where="--over", value=key)
        values[key] = these
    return values


def _seeds(text: str | None) -> list[int] | None:
    from netsim.sweeps.grid import parse_seeds

    return None if text is None else parse_seeds(text)


def _fixed(overrides: list[str], network_only: bool) -> dict[str, Any]:
    """Overrides that hold for all runs."""
    from netsim.scenario.load import parse_override

    fixed = dict(parse_override(text) for text in overrides)
    if network_only:
        fixed["network_only"] = True
    return fixed


def _carry_out(
    study: Study,
    screen: Console,
    *,
    backend: str,
    at_once: int | None,
    address: str | None,
) -> None:
    from netsim.cli.sweep_progress import SweepProgress

    with SweepProgress(screen, study) as progress:
        try:
            study.run(
                progress,
                backend=backend,
                at_once=at_once,
                address=address,
            )
        except KeyboardInterrupt:
            progress.stop()
            left = f"{len(study.todo)} of {len(study.jobs)} runs are to do"
            screen.print(f"interrupted; {left}: the same command goes on", markup=False)
            raise


def _print_ends(study: Study, out: Console) -> None:
    statuses = Counter(outcome.status for outcome in study.outcomes)
    before = len(study.jobs) - len(study.outcomes)
    parts = [
        f"{statuses['done']} done now",
        f"{before} done before",
        f"{statuses['failed']} failed",
    ]
    if statuses["elsewhere"]:
        parts.append(f"{statuses['elsewhere']} at work in another process")
    out.print(f"{len(study.jobs)} runs: {', '.join(parts)}", markup=False)
    if statuses["done"] + before:
        folder = shlex.quote(str(study.folder.path))
        out.print(f"next: netsim report {folder}", markup=False)
    for outcome in study.failed:
        path = study.folder.run_path(outcome.id)
        out.print(f"failed: {path}: {outcome.error}", markup=False)
