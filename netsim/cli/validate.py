"""`netsim validate`: what a scenario means in seconds, joules and bits; whether a run balances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netsim.cli.completion import scenario_keys

if TYPE_CHECKING:
    from netsim.results.reader import Run
    from netsim.scenario.model import Scenario


def validate(
    target: Annotated[
        str | None,
        typer.Argument(
            help="Scenario file, bundled name (default: quickstart), or run folder; with --schema "
            "a part of the keys' names, as radio."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="a.b=value",
            help="Override a key; repeatable.",
            autocompletion=scenario_keys,
        ),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option("--schema", help="Print every key with unit, default and equation, and stop."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --schema: as JSON.")] = False,
) -> None:
    """Check a scenario and show what to expect of it, or check that a run folder balances."""
    if schema:
        from netsim.cli.schema import print_schema

        print_schema(target, as_json=json)
    elif target is not None and Path(target).is_dir():
        _check_run(Path(target))
    else:
        _explain(target or "quickstart", set_ or [])


def _check_run(path: Path) -> None:
    from netsim.cli.console import print_table
    from netsim.results.checks import check_run
    from netsim.results.reader import open_run
    from netsim.results.run_folder import SCENARIO
    from netsim.scenario.load import stored_scenario
    from netsim.scenario.uplink import AIRCOMP

    run = open_run(path)
    _tell_status(run)
    scenario = stored_scenario(path / SCENARIO)
    checks = check_run(
        run,
        bandwidth_hz=scenario.radio.bandwidth_hz,
        constant_rate=scenario.constant_rate,
        superposed=scenario.uplink.access == AIRCOMP,
    )
    rows = []
    for check in checks:
        verdict = "ok" if check.passed else "FAILS"
        worst = f"{check.worst:.1e}"
        allowed = f"{check.allowed:.0e}"
        rows.append((check.name, str(check.cases), worst, allowed, verdict))
    headers = ("check", "cases", "worst", "allowed", "verdict")
    print_table(
        headers,
        rows,
        title=f"{path}: {run.metadata['status']}",
        right=(1, 2, 3),
    )
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _tell_status(run: Run) -> None:
    """Say why a run did not end. Raises RunError where its tables cannot balance yet."""
    import shlex

    from netsim.cli.console import console
    from netsim.errors import RunError
    from netsim.results.damage import naming_damage
    from netsim.results.run_folder import RunFolder

    status = run.metadata["status"]
    error = run.metadata.get("error", "")
    go_on = f"to go on: netsim resume {shlex.quote(str(run.path))}"
    if status == "running" and RunFolder(run.path).in_progress:
        raise RunError(f"{run.path}: is still running; its tables balance once it has ended")
    if status == "running":
        raise RunError(f"{run.path}: was killed before it could close its tables; {go_on}")
    with naming_damage(run):
        begun = run.rounds.head(1).collect().height
    if not begun:
        reason = f": {error}" if error else ""
        raise RunError(f"{run.path}: {status} before its first round ended{reason}; {go_on}")
    if status != "done":
        console().print(f"{run.path}: {status}: {error or 'the rounds so far'}", markup=False)


TRIAL_ROUNDS = 20  # simulated at most; a shorter run has no more
LEARNING_ROUNDS = 2  # where what is sent depends on training


def _explain(target: str, overrides: list[str]) -> None:
    from netsim.assembly import build_parts
    from netsim.cli.expectations import print_expectations
    from netsim.execution import forecast
    from netsim.protocols import Silence
    from netsim.scenario.load import load_scenario, parse_override
    from netsim.scenario.plugin_faults import naming_plugins

    scenario = load_scenario(target, dict(parse_override(text) for text in overrides))
    raw = scenario.model_dump()
    raw["stop"] |= {"target_accuracy": None, "patience_evaluations": None}
    raw["learning"] |= {"log_risk": False, "evaluate_in_full": False}
    learns = _has_to_learn(scenario)
    rounds = min(scenario.rounds, LEARNING_ROUNDS if learns else TRIAL_ROUNDS)
    if not learns:
        raw |= {"network_only": True, "flower": None}
    adapted = type(scenario).model_validate(raw)
    with naming_plugins(adapted):
        parts = build_parts(adapted, Silence())
        try:
            found = forecast(parts, rounds)
        finally:
            if parts.learner is not None:
                parts.learner.close()
    print_expectations(parts, found)


def _has_to_learn(scenario: Scenario) -> bool:
    """Do plans, or what is on the air, depend on training or on a model that must be loaded?"""
    from netsim.assembly.parts import build_scheme

    if build_scheme(scenario).needs_learning:
        return True
    model = scenario.model
    if model.path is None and model.hub is None:
        return False
    sizes = [module.payload_bits_override for module in scenario.modules]
    sizes.append(model.foundation_bits_override)
    return None in sizes and not scenario.network_only
