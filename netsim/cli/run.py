"""`netsim run`: a scenario to a run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netsim.protocols import Listener
    from netsim.results.reader import Run


def run(
    scenario: Annotated[str, typer.Argument(help="Scenario file or bundled name.")] = "quickstart",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=value", help="Override a key; repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replace the scenario's seed.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, new or empty. Default: under runs/.")
    ] = None,
    network_only: Annotated[
        bool,
        typer.Option("--network-only", help="Timing and energy without learning; loads no torch."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the run folder.")] = False,
) -> None:
    """Run a scenario: a federated fine-tuning over a simulated cell."""
    from netsim.execution import run as run_scenario
    from netsim.scenario.load import load_scenario, parse_override

    overrides = dict(parse_override(text) for text in set_ or [])
    if seed is not None:
        overrides["seed"] = seed
    if network_only:
        overrides["network_only"] = True
    loaded = load_scenario(scenario, overrides)
    carry_out(
        lambda listener: run_scenario(loaded, out, listener=listener),
        loaded.rounds,
        quiet,
    )


def carry_out(work: Callable[[Listener], Run], rounds: int, quiet: bool) -> None:
    """Do a run with its progress shown; `quiet` prints only its folder. Exit code 130 if
    interrupted.
    """
    import sys

    from netsim.cli.console import console
    from netsim.cli.progress import QuietListener, TerminalListener
    from netsim.errors import Interrupted

    try:
        if quiet:
            sys.stdout.write(f"{work(QuietListener()).path}\n")
            return
        with TerminalListener(console(), rounds) as listener:
            finished = work(listener)
    except Interrupted as error:  # typer would end without a word
        sys.stderr.write(f"netsim: {error}\n")
        raise typer.Exit(130) from None
    _summarise(finished)


def _summarise(run: Run) -> None:
    """The table at the end of a run, the course of the accuracy, and what to do next."""
    import shlex

    from netsim.cli.console import console, print_table, quantity, seconds, sparkline
    from netsim.results.accuracy import target_name
    from netsim.results.digest import digest

    metadata, found = run.metadata, digest(run)
    spent = found["compute_j"] + found["uplink_j"]
    wasted = 100 * found["wasted_j"] / spent if spent else 0
    ended = sorted(((n, o) for o, n in found["outcomes"].items() if n), reverse=True)
    rows = [
        ("ended after", f"{metadata['rounds']} rounds ({metadata['stop_reason']})"),
        ("simulated time", seconds(metadata["simulated_s"])),
        (
            "uploads",
            f"{found['uploads']}: " + ", ".join(f"{n} {o.replace('_', ' ')}" for n, o in ended),
        ),
        (
            "energy",
            f"{quantity(spent, 'J')}: computing {quantity(found['compute_j'], 'J')}, "
            f"uplink {quantity(found['uplink_j'], 'J')}, of it wasted {wasted:.0f}%",
        ),
    ]
    for target, (first, last) in found["modules"].items():
        rows.append((f"accuracy, {target_name(target)}", f"{first:.3f} -> {last:.3f}"))
    rows.append(("wall time", seconds(metadata["wall_time_s"])))
    out = console()
    title = f"{metadata['name']}, {metadata['scheme']}, seed {metadata['seed']}"
    print_table(
        ("", ""),
        rows,
        title=title,
        out=out,
    )
    accuracy = found["accuracy"]
    if len(accuracy) > 1:
        out.print(
            f"accuracy  {sparkline(accuracy)}  {accuracy[0]:.3f} to {accuracy[-1]:.3f}",
            markup=False,
        )
    out.print(f"run folder: {run.path}", markup=False)
    folder = shlex.quote(str(run.path))
    out.print(f"next: netsim report {folder}", markup=False)
    out.print(f"      netsim export perfetto {folder}", markup=False)
