"""What to expect of a scenario's rounds, from a trial of its network without learning."""

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
    uploads: pl.DataFrame
    per_round: pl.DataFrame


def forecast(parts: Parts, rounds: int = 20) -> Forecast:
    """Simulate some rounds of `parts` (made network-only) in memory."""
    sink = MemorySink()
    simulation = build_simulation(parts, sink, Silence(), rounds=rounds)
    simulation.run(parts.scheme)
    return Forecast(rounds, sink.frame("uploads"), sink.frame("rounds"))
