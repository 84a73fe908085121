"""A run from start to end: a scheme's loop over a session, whatever happens on the way."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from netsim.assembly import Loaded
from netsim.collecting import collect_now_and_then, running
from netsim.errors import DataError, Interrupted
from netsim.execution.listening import LogListener, RememberingListener
from netsim.execution.progress_bar import shown
from netsim.execution.record import RunRecord, known_record, new_record
from netsim.execution.session import Session
from netsim.interruption import Interruption
from netsim.kept_memory import keep_memory
from netsim.plugins import plugin_class
from netsim.protocols import Listener, Scheme, Tracker
from netsim.results.reader import Run
from netsim.results.run_folder import CHECKPOINT
from netsim.results.settings import settings_below
from netsim.scenario.model import Scenario
from netsim.trackers import Log, tracked, trackers_of

CAUSED_BY_STATE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
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
    log: Log | None = None,
    listener: Listener | None = None,
    loaded: Loaded | None = None,
) -> Run:
    """Run a scenario (or the file or bundled name of one) and return the run.

    `overrides` maps dotted keys to values, as in `netsim.load_scenario`. `out` must be new or
    empty; by default a free folder under runs/. `seed` replaces the scenario's. `scheme` is an
    object in place of the scheme that the scenario names, registered or not. `progress` shows a bar
    in a terminal or a notebook; warnings go to Python's logging, logger `netsim`, and to
    `Run.metadata["warnings"]`. `log` names trackers that are told each round's numbers ("mlflow",
    "wandb", "trackio"), or is a `Tracker`, or a list of these. `loaded` keeps data and model for
    the next run of this process.

    Raises InputError for bad input, which leaves no folder if it shows before the first round ends,
    and RunError if the run fails; the folder then says `failed`, and `interrupted` after
    KeyboardInterrupt. Rounds closed before that stay readable, and `resume` goes on. The first
    SIGINT or SIGTERM lets the round in progress come to its end, a second one does not.
    """
    trackers = trackers_of(log)
    record = new_record(scenario, out, seed, scheme, overrides)
    return carry_out(record, listener, loaded, progress=progress, trackers=trackers)


def resume(
    path: str | Path,
    listener: Listener | None = None,
    loaded: Loaded | None = None,
    *,
    scheme: Scheme | None = None,
    progress: bool = False,
    log: Log | None = None,
) -> Run:
    """Go on with a run from its last checkpoint, or from its start if it has none.

    The tables will be those of a run that was never interrupted. A finished run is returned as it
    is. A checkpoint that cannot be used is told of, and the one before is taken. A run of a scheme
    that is not registered needs it again as `scheme`. To the trackers of `log` it is another
    run, that begins where this one goes on. Raises DataError if there are checkpoints and
    none can be used, or if `path` is no run folder.
    """
    trackers = trackers_of(log)
    record = known_record(path, scheme)
    checkpoints = record.folder.path / CHECKPOINT
    goes_on = checkpoints.is_dir()
    try:
        return carry_out(record, listener, loaded, progress=progress, trackers=trackers)
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
    trackers: Sequence[Tracker] = (),
) -> Run:
    """Step a session to the end: as its scheme plans, or as `drive` or the scenario's app does."""
    scenario = record.scenario
    driven = drive or _drive_of(scenario)
    with ExitStack() as stack:
        bar = shown(listener, scenario.name, scenario.rounds, progress=progress)
        heard = stack.enter_context(bar) or LogListener()
        told: Listener = RememberingListener(heard, record.warnings)
        if _begins_again(record):
            told.warning("the state of a Flower app is its own: the run begins again")
        if trackers:
            settings = settings_below(record.folder.path)
            tracking = tracked(told, trackers, record.folder.path, settings)
            told = stack.enter_context(tracking)
        return _to_the_end(Session.prepared(record, told, loaded), driven)


def _begins_again(record: RunRecord) -> bool:
    """Whether what a run had come to is of no use: its app's state is not in a checkpoint."""
    return record.scenario.flower is not None and record.before is not None


def _drive_of(scenario: Scenario) -> Drive:
    """What a scenario has its rounds driven by."""
    if scenario.flower is None:
        return _by_scheme
    driver = plugin_class(DRIVERS, "flower", "scenario: flower")
    return cast(Drive, driver().drive)


def _to_the_end(session: Session, drive: Drive) -> Run:
    keep_memory()
    with Interruption() as interruption, running():
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
        collect_now_and_then(session.reached or 0)
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
