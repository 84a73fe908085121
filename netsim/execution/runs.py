"""A run from start to end: a scheme's loop over a session, whatever happens on the way."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from netsim.assembly import Loaded
from netsim.errors import DataError, Interrupted
from netsim.execution.progress_bar import shown
from netsim.execution.record import RunRecord, known_record, new_record
from netsim.execution.session import Session
from netsim.interruption import Interruption
from netsim.plugins import plugin_class
from netsim.protocols import Listener, Scheme
from netsim.results.reader import Run
from netsim.results.run_folder import CHECKPOINT
from netsim.scenario.model import Scenario

CAUSED_BY_STATE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a checkpoint that is whole, but holds nonsense, leads to."""

DRIVERS = "netsim.drivers"
"""Entry points of what may carry a session through its rounds, as `Drive` does."""

Drive = Callable[[Session, Callable[[], None]], None]
"""Carries a session through its rounds. It calls its second argument between two of them."""


def run(
    scenario: Scenario | str | Path = "quickstart",
    overrides: Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    scheme: Scheme | None = None,
    progress: bool = False,
    listener: Listener | None = None,
    loaded: Loaded | None = None,
) -> Run:
    """Run a scenario (or the file or bundled name of one) and return the run.

    `overrides` maps dotted keys to values, as in `netsim.load_scenario`. `out` must be new or
    empty; by default a free folder under runs/. `seed` replaces the scenario's. `scheme` is an
    object in place of the scheme that the scenario names, registered or not. `progress` shows a bar
    in a terminal or a notebook; warnings go to Python's logging, logger `netsim`, and to
    `Run.metadata["warnings"]`. Raises InputError
    for bad input, which leaves no folder if it shows before the first round ends, and RunError if
    the run fails; the folder then says `failed`, and `interrupted` after KeyboardInterrupt. Rounds
    closed before that stay readable, and `resume` goes on. The first SIGINT or SIGTERM lets the
    round in progress come to its end, a second one does not. `loaded` keeps data and model for the
    next run of this process.
    """
    record = new_record(scenario, out, seed, scheme, overrides)
    return carry_out(record, listener, loaded, progress=progress)


def resume(
    path: str | Path,
    listener: Listener | None = None,
    loaded: Loaded | None = None,
    *,
    scheme: Scheme | None = None,
    progress: bool = False,
) -> Run:
    """Go on with a run from its last checkpoint, or from its start if it has none.

    The tables will be those of a run that was never interrupted. A finished run is returned as it
    is. A checkpoint that cannot be used is told of, and the one before is taken. A run of a scheme
    that is not registered needs it again as `scheme`. Raises DataError if there are checkpoints and
    none can be used, or if `path` is no run folder.
    """
    record = known_record(path, scheme)
    checkpoints = record.folder.path / CHECKPOINT
    goes_on = checkpoints.is_dir()
    try:
        return carry_out(record, listener, loaded, progress=progress)
    except CAUSED_BY_STATE as error:
        if not goes_on:
            raise
        cause = f"{type(error).__name__}: {error}"
        rule = f"the run cannot go on from its checkpoints; are they damaged? ({cause})"
        raise DataError(rule, where=checkpoints) from error


def carry_out(
    record: RunRecord,
    listener: Listener | None,
    loaded: Loaded | None = None,
    *,
    progress: bool = False,
    drive: Drive | None = None,
) -> Run:
    """Step a session to the end: as its scheme plans, or as `drive` or the scenario's app does."""
    scenario = record.scenario
    with shown(listener, scenario.name, scenario.rounds, progress=progress) as told:
        session = Session.prepared(record, told, loaded)
        return _to_the_end(session, drive or _drive_of(scenario))


def _drive_of(scenario: Scenario) -> Drive:
    """What a scenario has its rounds driven by."""
    if scenario.flower is None:
        return _by_scheme
    driver = plugin_class(DRIVERS, "flower", "scenario: flower")
    return cast(Drive, driver().drive)


def _to_the_end(session: Session, drive: Drive) -> Run:
    with Interruption() as interruption:
        try:
            with session:
                session.open()
                _simulate(session, interruption, drive)
                return session.close()
        except KeyboardInterrupt:
            after = "" if session.reached is None else f" after round {session.reached}"
            path = shlex.quote(str(session.path))
            told = f"interrupted{after}; to go on: netsim resume {path}"
            raise Interrupted(told) from None


def _simulate(session: Session, interruption: Interruption, drive: Drive) -> None:
    """To the end. Raises KeyboardInterrupt at the end of a round in which it was asked for."""

    def stop_if_asked() -> None:
        if interruption.asked:
            raise KeyboardInterrupt

    if session.done:  # a finished run that was resumed
        return
    interruption.patient = True
    try:
        drive(session, stop_if_asked)
    finally:
        interruption.patient = False


def _by_scheme(session: Session, pause: Callable[[], None]) -> None:
    """As the session's scheme plans. What was interrupted can be gone on with."""
    session.begin()
    _pause(session, pause)
    while not session.done:
        session.step(session.proposed())
        _pause(session, pause)


def _pause(session: Session, pause: Callable[[], None]) -> None:
    try:
        pause()
    except KeyboardInterrupt:
        session.save()
        raise
