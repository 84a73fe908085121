"""What to expect of a scenario's rounds, from a trial of its first ones."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from netsim.assembly import Parts, build_simulation
from netsim.protocols import Silence
from netsim.results.writer import MemorySink


@dataclass(frozen=True)
class Forecast:
    """Tables of a trial."""

    rounds: int
    learned: bool
    uploads: pl.DataFrame
    per_round: pl.DataFrame

    def __str__(self) -> str:
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return f"a trial of {rounds}" if self.learned else f"a trial of {rounds} without learning"


def forecast(parts: Parts, rounds: int) -> Forecast:
    """Simulate the first rounds of `parts` in memory; without learning if they have no learner."""
    sink = MemorySink()
    simulation = build_simulation(parts, sink, Silence(), rounds=rounds)
    simulation.run(parts.scheme)
    return Forecast(
        rounds=rounds,
        learned=parts.learner is not None,
        uploads=sink.frame("uploads"),
        per_round=sink.frame("rounds"),
    )
