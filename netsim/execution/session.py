"""A run in its folder, stepped round by round: by a scheme, a notebook or a learned policy."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from netsim.assembly import Loaded, Parts, build_parts, build_simulation
from netsim.assembly.recorded import world_seeds
from netsim.errors import RunError
from netsim.execution.listening import LogListener, RememberingListener
from netsim.execution.record import RunRecord, known_record, new_record
from netsim.execution.saving import Moving, part_length, state_of_sink
from netsim.protocols import Listener, Observation, RoundOutcome, RoundPlan, Scheme
from netsim.results.checkpoint import Checkpoint, Pace, use_checkpoint
from netsim.results.reader import Run, open_run
from netsim.results.run_folder import ADAPTERS, CHECKPOINT
from netsim.results.writer import ParquetSink
from netsim.scenario.model import Scenario
from netsim.scenario.plugin_faults import naming_plugins
from netsim.simulation.session import Simulation


class Session:
    """A run that is stepped by hand.

        with netsim.Session("quickstart", out="runs/mine") as session:
            while not session.done:
                plan = session.scheme.plan(session.observe())
                session.step(plan)
        run = session.close()

    `step` may be given any feasible `RoundPlan`: the scenario's scheme is only a proposal. Its
    ranks, and whether uploads may outlast their rounds, do come from that scheme. The run folder,
    its checkpoints and its tables are those of `netsim.run`, and stepping through the scenario's
    scheme gives the same bytes. Leaving the `with` block by an exception keeps all rounds that were
    closed, and marks the run as failed or interrupted.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path = "quickstart",
        overrides: Mapping[str, Any] | None = None,
        *,
        out: str | Path | None = None,
        seed: int | None = None,
        scheme: Scheme | None = None,
        listener: Listener | None = None,
        loaded: Loaded | None = None,
    ) -> None:
        """Open a run of a scenario (or the file or bundled name of one) in a new folder.

        `overrides` maps dotted keys to values. `out` must be new or empty; by default it is a free
        folder under runs/. `seed` replaces the scenario's, `scheme` (a copy of it) the scheme that
        it names. `loaded` keeps data and model for the next run of this process. Raises InputError
        for bad input.
        """
        self._prepare(new_record(scenario, out, seed, scheme, overrides), listener, loaded)
        self._open_and_begin()

    @classmethod
    def resume(
        cls,
        path: str | Path,
        listener: Listener | None = None,
        loaded: Loaded | None = None,
        *,
        scheme: Scheme | None = None,
    ) -> Self:
        """Go on with a run from its last checkpoint, or from its start if it has none.

        The tables will be those of a run that was never interrupted. Raises DataError if there are
        checkpoints and none can be used, or if `path` is no run folder.
        """
        session = cls.prepared(known_record(path, scheme), listener, loaded)
        session._open_and_begin()
        return session

    @classmethod
    def prepared(cls, record: RunRecord, listener: Listener | None, loaded: Loaded | None) -> Self:
        """A session that has its folder; `open` and `begin` are still to be called."""
        session = cls.__new__(cls)
        session._prepare(record, listener, loaded)
        return session

    def _prepare(self, record: RunRecord, listener: Listener | None, loaded: Loaded | None) -> None:
        """Claim the folder. Raises OutputError if another process is at work on it."""
        self._record = record
        self._listener = RememberingListener(listener or LogListener(), record.warnings)
        self._loaded = loaded
        self._parts: Parts | None = None
        self._sink: ParquetSink | None = None
        self._simulation: Simulation | None = None
        self._closed = False
        self._all_ours = False  # this session has written all that is in the folder
        self._pace = Pace(record.scenario.checkpoint_every)
        self._saved: int | None = None  # the round of the last checkpoint
        self._claim = ExitStack()
        self._claim.enter_context(record.folder.claim())

    def _open_and_begin(self) -> None:
        try:
            self.open()
            self.begin()
        except BaseException as error:
            self._give_up(error)
            raise

    def open(self) -> None:
        """Make all parts, and go back to the last checkpoint if there is one."""
        record = self._record
        if record.folder.status == "done":
            return
        record.write("running")
        with self.naming_plugins():
            self._parts = build_parts(
                record.scenario,
                self._listener,
                self._loaded,
                scheme=record.scheme,
            )
        record.world = world_seeds(record.scenario)
        record.write("running")  # its tables are traces from now on
        if use_checkpoint(self.path / CHECKPOINT, self._go_on) is None:
            record.folder.clear()
            self._all_ours = True
            self._take(self._parts, ParquetSink(self.path, part_length(self._made)))
        self._listener.status("simulating")

    def begin(self) -> None:
        """What comes before the first round, unless it has been before."""
        if self._simulation is not None and self._saved is None:
            with self.naming_plugins():
                self._simulation.begin()
            self._save_if_due()

    def naming_plugins(self) -> AbstractContextManager[None]:
        """Exceptions of outside plug-ins become a RunError that names them."""
        return naming_plugins(self._record.scenario, self._record.scheme)

    # -- stepping ----------------------------------------------------------------------------------

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return self._record.scenario

    @property
    def path(self) -> Path:
        """The run folder."""
        return self._record.folder.path

    @property
    def scheme(self) -> Scheme:
        """The scenario's scheme, whose plans may be used or not."""
        return self._made.scheme

    @property
    def simulation(self) -> Simulation:
        """What is stepped. Raises RunError once the session is closed."""
        if self._simulation is None or self._closed:
            raise RunError(f"{self.path}: the session is closed")
        return self._simulation

    @property
    def reached(self) -> int | None:
        """Rounds that are over; None if nothing has begun."""
        return None if self._simulation is None else self._simulation.course.round

    @property
    def done(self) -> bool:
        """The run has come to its end; `close` finishes it."""
        return self._simulation is None or self._closed or self._simulation.done

    def observe(self) -> Observation:
        """What may be known when the next round is planned."""
        with self.naming_plugins():
            return self.simulation.observe()

    def proposed(self) -> RoundPlan:
        """The plan of the scheme for the next round. Raises RunError if the scheme fails."""
        seen = self.observe()
        with self.naming_plugins():
            return self.scheme.plan(seen)

    def step(self, plan: RoundPlan) -> RoundOutcome:
        """Carry out a plan, from the opening of a round to its close.

        Raises RunError if the plan cannot be carried out, or if the run is over.
        """
        with self.naming_plugins():
            outcome = self.simulation.step(plan)
        self._save_if_due()
        return outcome

    def _save_if_due(self) -> None:
        if self._pace.due(self.simulation.course.round):
            self.save()

    def save(self) -> None:
        """Write a checkpoint of the round that has just ended, if that is not done yet."""
        reached = self.simulation.course.round
        if self._saved == reached:
            return
        begun_s = time.monotonic()
        self._moving.save()
        self._saved = reached
        self._pace.made(begun_s)

    # -- the end -----------------------------------------------------------------------------------

    def close(self) -> Run:
        """Finish the run and read it; one that is not done is interrupted, and can be resumed."""
        if not self._closed:
            try:
                self._finish()
            except BaseException as error:
                self._give_up(error)
                raise
            self._release()
        if self._record.folder.status == "done":
            with suppress(OSError):  # a run that is done needs its checkpoints no more
                shutil.rmtree(self.path / CHECKPOINT)
        return Run(self.path) if self._all_ours else open_run(self.path)

    def _finish(self) -> None:
        if self._simulation is None:  # it was done before
            return
        if not self.done:
            self.save()
            self._record.salvage("interrupted", self._sink)
            return
        assert self._sink is not None
        self._sink.close()
        learner = self._made.learner
        if learner is not None:
            learner.save(self.path / ADAPTERS)
        self._record.write("done", self._sink, self.simulation.end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._give_up(error)
        elif not self._closed:
            self.close()

    def _give_up(self, error: BaseException) -> None:
        """Keep what closed rounds wrote. The error matters more than one met on the way."""
        if self._closed:
            return
        self._record.end_by(error, self._sink, begun=self._simulation is not None)
        self._release()

    def _release(self) -> None:
        """End worker processes, and let go of the folder."""
        if self._parts is not None and self._parts.learner is not None:
            self._parts.learner.close()
        self._closed = True
        self._claim.close()

    # -- parts -------------------------------------------------------------------------------------

    @property
    def _made(self) -> Parts:
        assert self._parts is not None
        return self._parts

    @property
    def _moving(self) -> Moving:
        assert self._sink is not None
        return Moving(self._record, self._made, self._sink, self.simulation)

    def _take(self, parts: Parts, sink: ParquetSink) -> None:
        self._sink = sink
        self._simulation = build_simulation(parts, sink, self._listener)

    def _go_on(self, found: Checkpoint) -> bool:
        """From a checkpoint. Raises DataError if it cannot be used."""
        state = state_of_sink(found, self._record)
        sink = ParquetSink.resume(self.path, part_length(self._made), state)
        self._take(self._made, sink)
        self._moving.put_back(found)
        self._saved = found.round
        for reason in found.refused:
            self._listener.warning(f"{reason}; going on from round {found.round}")
        return True
