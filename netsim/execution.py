"""A run from start to end: its folder, its status, its adapters, whatever happens on the way."""

from __future__ import annotations

import hashlib
import shlex
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from netsim.build import Loaded, Parts, build_parts, build_simulation
from netsim.build.recorded import world_seeds
from netsim.errors import DataError, InputError, Interrupted, NetsimError
from netsim.interruption import Interruption
from netsim.protocols import Learner, Listener, Silence
from netsim.results.checkpoint import Checkpoint, Pace, save_checkpoint, use_checkpoint
from netsim.results.reader import Run, open_run
from netsim.results.run_folder import (
    ADAPTERS,
    CHECKPOINT,
    SCENARIO,
    RunFolder,
    free_folder,
    package_versions,
)
from netsim.results.writer import MemorySink, ParquetSink, rounds_per_part
from netsim.scenario.choices import check_choices, check_paths
from netsim.scenario.load import load_scenario, to_toml
from netsim.scenario.model import Scenario
from netsim.simulation.simulation import Simulation
from netsim.simulation.stopping import RunEnd
from netsim.traces.seeds import SEEDS, Seeds
from netsim.version import __version__

RUNS = Path("runs")


def run(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    seed: int | None = None,
    listener: Listener | None = None,
    loaded: Loaded | None = None,
) -> Run:
    """Run a scenario (or the file or bundled name of one) and return the run.

    `out` must be new or empty; by default a free folder under runs/. `seed` replaces the
    scenario's. Raises InputError for bad input, which leaves no folder if it shows before the first
    round ends, and RunError if the run fails; the folder then says `failed`, and `interrupted`
    after KeyboardInterrupt. Rounds closed before that stay readable, and `resume` goes on. The
    first SIGINT or SIGTERM lets the round in progress come to its end, a second one does not.
    `loaded` keeps data and model for the next run of this process.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    if seed is not None:
        scenario = Scenario.model_validate({**scenario.model_dump(), "seed": seed})
    check_choices(scenario)
    check_paths(scenario)
    path = (
        Path(out) if out is not None else free_folder(RUNS / f"{scenario.name}-seed{scenario.seed}")
    )
    folder = RunFolder.create(path, to_toml(scenario))
    with folder.claim():
        try:
            return _carry_out(_Record(folder, scenario), listener or Silence(), loaded)
        except InputError:
            folder.discard()
            raise


def resume(path: str | Path, listener: Listener | None = None, loaded: Loaded | None = None) -> Run:
    """Go on with a run from its last checkpoint, or from its start if it has none, to the same
    tables.

    A finished run is returned as it is. A checkpoint that cannot be used is told of, and the one
    before is taken. Raises DataError if there are checkpoints and none can be used, or if `path` is
    no run folder.
    """
    folder = RunFolder.open(Path(path))
    with folder.claim():
        if folder.status == "done":
            return _finished(folder.path)
        record = _Record(folder, load_scenario(folder.path / SCENARIO))
        return _carry_out(record, listener or Silence(), loaded)


def _carry_out(record: _Record, listener: Listener, loaded: Loaded | None) -> Run:
    """From the last checkpoint to the end, whatever happens on the way."""
    path, scenario = record.folder.path, record.scenario
    record.write("running")
    parts: Parts | None = None
    session: _Session | None = None
    with Interruption() as interruption:
        try:
            parts = build_parts(scenario, listener, loaded)
            record.world = world_seeds(scenario)
            record.write("running")  # its tables are traces from now on
            session = _open_session(record, parts, listener)
            listener.status("simulating")
            end = session.simulate(interruption)
            session.sink.close()
            if parts.learner is not None:
                parts.learner.save(path / ADAPTERS)
            record.write("done", session.sink, end)
        except KeyboardInterrupt:
            _salvage(record, "interrupted", session)
            after = f" after round {session.simulation.round}" if session is not None else ""
            raise Interrupted(
                f"interrupted{after}; to go on: netsim resume {shlex.quote(str(path))}"
            ) from None
        except BaseException as error:
            _salvage(record, "failed", session, f"{type(error).__name__}: {error}")
            raise
        finally:
            if parts is not None and parts.learner is not None:
                parts.learner.close()
    return _finished(path)


def _finished(path: Path) -> Run:
    """A run that is done needs its checkpoints no more, which a kill may have left there."""
    with suppress(OSError):
        shutil.rmtree(path / CHECKPOINT)
    return open_run(path)


@dataclass
class _Session:
    """A run from its start or a checkpoint on."""

    record: _Record
    learner: Learner | None
    sink: ParquetSink
    simulation: Simulation

    def simulate(self, interruption: Interruption) -> RunEnd:
        """To the end. Raises KeyboardInterrupt at the end of a round in which it was asked for."""
        pace = Pace(self.record.scenario.checkpoint_every)

        def boundary() -> None:
            asked = interruption.asked
            if asked or pace.due(self.simulation.round):
                begun_s = time.monotonic()
                self.save()
                pace.made(begun_s)
            if asked:
                raise KeyboardInterrupt

        interruption.patient = True
        try:
            return self.simulation.run(boundary)
        finally:
            interruption.patient = False

    def save(self) -> None:
        """A checkpoint of the round that has just ended."""
        folder = self.record.folder.path
        state = {
            "run": self.record.made_by(),
            "wall_time_s": self.record.wall_time_s(),
            "sink": self.sink.save(),
            **self.simulation.state(),
        }
        add = None if self.learner is None else self.learner.save_state
        save_checkpoint(folder / CHECKPOINT, self.simulation.round, state, add)


def _open_session(record: _Record, parts: Parts, listener: Listener) -> _Session:
    """From the last checkpoint, or from the start if there is none. Raises DataError if none can be
    used.
    """
    path, learner = record.folder.path, parts.learner
    length = rounds_per_part(6 * parts.scenario.ue_count)

    def go_on(found: Checkpoint) -> _Session:
        if found.state["run"] != record.made_by():
            rule = "must be made by this netsim from this scenario.toml"
            raise DataError(rule, where=found.path, value=found.state["run"])
        sink = ParquetSink.resume(path, length, found.state["sink"])
        session = _Session(record, learner, sink, build_simulation(parts, sink, listener))
        session.simulation.restore(found.state)
        if learner is not None:
            learner.load_state(found.path)
        record.earlier_s = float(found.state["wall_time_s"])
        for reason in found.refused:
            listener.warning(f"{reason}; going on from round {found.round}")
        return session

    session = use_checkpoint(path / CHECKPOINT, go_on)
    if session is not None:
        return session
    record.folder.clear()
    sink = ParquetSink(path, length)
    return _Session(record, learner, sink, build_simulation(parts, sink, listener))


@dataclass(frozen=True)
class Forecast:
    """What to expect of a scenario's rounds, from a trial of its network without learning."""

    rounds: int
    uploads: pl.DataFrame
    per_round: pl.DataFrame


def forecast(parts: Parts, rounds: int = 20) -> Forecast:
    """Simulate some rounds of `parts` (made network-only) in memory."""
    sink = MemorySink()
    build_simulation(parts, sink, Silence(), rounds=rounds).run()
    return Forecast(rounds, sink.frame("uploads"), sink.frame("rounds"))


@dataclass
class _Record:
    """metadata.json as it grows."""

    folder: RunFolder
    scenario: Scenario
    earlier_s: float = 0.0  # wall time of earlier sessions, up to the checkpoint
    world: Seeds | None = None  # once it is known

    def __post_init__(self) -> None:
        self._begun = time.time()

    def made_by(self) -> dict[str, str]:
        """What a checkpoint must have in common with the run that goes on from it."""
        scenario = hashlib.sha256(to_toml(self.scenario).encode()).hexdigest()
        return {"netsim": __version__, "scenario": scenario}

    def wall_time_s(self) -> float:
        """Wall time spent on the rounds so far."""
        return self.earlier_s + time.time() - self._begun

    def write(
        self,
        status: str,
        sink: ParquetSink | None = None,
        end: RunEnd | None = None,
        error: str | None = None,
    ) -> None:
        metadata: dict[str, Any] = {
            "status": status,
            "name": self.scenario.name,
            "seed": self.scenario.seed,
            "scheme": self.scenario.scheme.kind,
            "network_only": self.scenario.network_only,
            "netsim": __version__,
            "versions": package_versions(),
            "started_unix_s": round(self._begun, 3),
            "wall_time_s": round(self.wall_time_s(), 3),
            "records": dict(sink.counts) if sink is not None else {},
        }
        if self.world is not None:
            metadata["world"] = dict(zip(SEEDS, self.world, strict=True))
        if end is not None:
            metadata |= {
                "stop_reason": end.reason,
                "rounds": end.rounds,
                "simulated_s": end.time_s,
                "energy_j": end.energy_j,
            }
        if error is not None:
            metadata["error"] = error
        self.folder.write_metadata(metadata)


def _salvage(
    record: _Record, status: str, session: _Session | None, error: str | None = None
) -> None:
    """Keep what closed rounds wrote; the error that led here matters more than one met on the
    way.
    """
    sink = session.sink if session is not None else None
    if sink is not None:
        with suppress(NetsimError):
            sink.close()
    with suppress(NetsimError):
        record.write(status, sink, error=error)
