"""The run behind an episode: in memory, or in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.execution import Session
from netsim.protocols import Columns, Silence
from netsim.scenario.model import Scenario
from netsim.simulation.session import Simulation


class Forgetful:
    """A RecordSink that keeps nothing."""

    def write(self, table: str, columns: Columns) -> None:
        """Nobody reads it."""

    def close_round(self, round: int) -> None:
        """Nobody waits for it."""


@dataclass
class Episodes:
    """Opens one run after another, of the same scenario under different seeds."""

    scenario: Scenario
    out: Path | None  # folder of the run folders; None: in memory
    _loaded: Loaded = field(init=False)
    _session: Session | None = field(default=None, init=False)
    _simulation: Simulation | None = field(default=None, init=False)
    _opened: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        # A run in a folder can be made again from its scenario alone, so it draws its own rows.
        # In memory and without learning nobody reads them, and drawing takes longer than a run.
        same_rows = self.scenario.network_only and self.out is None
        self._loaded = Loaded(self.scenario.seed if same_rows else None)

    def open(self, seed: int) -> Simulation:
        """A run that has begun; the one before it is closed."""
        self.close()
        scenario = self.scenario.model_copy(update={"seed": seed})
        self._simulation = self._in_memory(scenario) if self.out is None else self._kept(scenario)
        self._opened += 1
        return self._simulation

    def _in_memory(self, scenario: Scenario) -> Simulation:
        listener = Silence()
        parts = build_parts(scenario, listener, self._loaded)
        simulation = build_simulation(parts, Forgetful(), listener)
        simulation.begin()
        return simulation

    def _kept(self, scenario: Scenario) -> Simulation:
        assert self.out is not None
        folder = self.out / f"episode-{self._opened:04d}-seed{scenario.seed}"
        self._session = Session(scenario, out=folder, listener=Silence(), loaded=self._loaded)
        return self._session.simulation

    def close(self) -> None:
        """End the run that is open, if one is."""
        session, self._session = self._session, None
        simulation, self._simulation = self._simulation, None
        if session is not None:
            session.close()
        elif simulation is not None and simulation.learner is not None:
            simulation.learner.close()
