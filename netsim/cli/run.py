"""`netsim run`: a scenario to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from netsim.results.reader import Run


def run(
    scenario: Annotated[str, typer.Argument(help="Scenario file or bundled name.")] = "quickstart",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="a.b=value", help="Override a key; repeatable.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replace the scenario's seed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder, new or empty. Default: under runs/.")] = None,
    network_only: Annotated[
        bool, typer.Option("--network-only", help="Timing and energy without learning; loads no torch.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the run folder.")] = False,
) -> None:
    """Run a scenario: a federated fine-tuning over a simulated cell."""
    import sys

    from netsim.cli.console import console
    from netsim.cli.progress import TerminalListener
    from netsim.execution import run as run_scenario
    from netsim.scenario.load import load_scenario, parse_override

    overrides = dict(parse_override(text) for text in set_ or [])
    if seed is not None:
        overrides["seed"] = seed
    if network_only:
        overrides["network_only"] = True
    loaded = load_scenario(scenario, overrides)
    if quiet:
        sys.stdout.write(f"{run_scenario(loaded, out).path}\n")
        return
    with TerminalListener(console(), loaded.rounds) as listener:
        finished = run_scenario(loaded, out, listener=listener)
    _summarise(finished)


def _summarise(run: Run) -> None:
    """The table at the end of a run."""
    import polars as pl

    from netsim.cli.console import console, print_table, quantity, seconds

    metadata = run.metadata
    uploads = run.uploads.group_by("outcome").len().collect()
    counts = dict(uploads.iter_rows())
    total = sum(counts.values())
    rounds = run.rounds.select(
        pl.col("compute_energy_j").sum(), pl.col("uplink_energy_j").sum(), pl.col("wasted_energy_j").sum()
    ).collect()
    compute_j, uplink_j, wasted_j = (v or 0.0 for v in rounds.row(0))
    spent = compute_j + uplink_j
    rows = [
        ("ended after", f"{metadata['rounds']} rounds ({metadata['stop_reason']})"),
        ("simulated time", seconds(metadata["simulated_s"])),
        (
            "uploads",
            f"{total}: "
            + ", ".join(
                f"{counts[o]} {o.replace('_', ' ')}" for o in sorted(counts, key=counts.__getitem__)[::-1]
            ),
        ),
        (
            "energy",
            f"{quantity(spent, 'J')}: computing {quantity(compute_j, 'J')}, "
            f"uplink {quantity(uplink_j, 'J')}, of it wasted {100 * wasted_j / spent if spent else 0:.0f}%",
        ),
    ]
    scores = run.evaluations.filter(pl.col("ue").is_null()).sort("round").collect()
    for target in sorted(scores["target"].unique().to_list(), key=lambda t: (t == "ensemble", t)):
        accuracy = scores.filter(pl.col("target") == target)["accuracy"].to_list()
        name = f"module {target}" if target.isdigit() else target.replace("_", " ")
        rows.append((f"accuracy, {name}", f"{accuracy[0]:.3f} -> {accuracy[-1]:.3f}"))
    rows.append(("wall time", seconds(metadata["wall_time_s"])))
    out = console()
    title = f"{metadata['name']}, {metadata['scheme']}, seed {metadata['seed']}"
    print_table(("", ""), rows, title=title, out=out)
    out.print(f"run folder: {run.path}", markup=False)
