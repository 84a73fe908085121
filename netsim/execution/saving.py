"""What a checkpoint of a run holds, written and put back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import polars as pl
from polars import col

from netsim.assembly import Parts
from netsim.errors import DataError
from netsim.execution.plausible import check_plausible
from netsim.execution.record import RunRecord
from netsim.results.checkpoint import Checkpoint, save_checkpoint
from netsim.results.run_folder import CHECKPOINT
from netsim.results.tables import RunTables
from netsim.results.writer import ParquetSink, rounds_per_part
from netsim.simulation.session import Simulation

CLOCK = 1e-9  # relative, and s
MORE_STEPS = 16  # that are looked ahead
SPANS_PER_UE = 6
"""Rows that a UE adds to the largest table in a round, about."""


def part_length(parts: Parts) -> int:
    """Rounds in a part of the tables."""
    return rounds_per_part(SPANS_PER_UE * parts.scenario.ue_count)


@dataclass(frozen=True)
class Moving:
    """All of a run that changes from round to round."""

    record: RunRecord
    parts: Parts
    sink: ParquetSink
    simulation: Simulation

    def save(self) -> None:
        """Write a checkpoint of the round that has just ended."""
        learner = self.parts.learner
        state = {
            "run": self.record.made_by(),
            "wall_time_s": self.record.wall_time_s(),
            "sink": self.sink.save(),
            "scheme": self.parts.scheme.state(),
            **self.simulation.state(),
        }
        add = None if learner is None else learner.save_state
        folder = self.record.folder.path / CHECKPOINT
        save_checkpoint(folder, self.simulation.course.round, state, add)

    def put_back(self, found: Checkpoint) -> None:
        """As it was when the checkpoint was written; the sink has been.

        Raises DataError if the checkpoint's clock is not that of the tables, or its numbers are
        none that a run comes to.
        """
        _check_clock(RunTables(self.record.folder.path), found)
        check_plausible(found, self._steps_to(float(found.state["time_s"])))
        self.simulation.restore(found.state)
        self.parts.scheme.restore(found.state["scheme"])
        if self.parts.learner is not None:
            self.parts.learner.load_state(found.path)
        self.record.earlier_s = float(found.state["wall_time_s"])

    def _steps_to(self, time_s: float) -> float:
        """Moments of the mobility's grid up to the end of a round that begins at `time_s`."""
        scenario = self.parts.scenario
        return MORE_STEPS + (time_s + scenario.round.deadline_s) / scenario.mobility.step_s


def state_of_sink(found: Checkpoint, record: RunRecord) -> Any:
    """That of a checkpoint's sink. Raises DataError if another run made it."""
    difference = record.difference_from(found.state["run"])
    if difference:
        raise DataError(difference, where=found.path)
    return found.state["sink"]


def _check_clock(tables: RunTables, found: Checkpoint) -> None:
    """Raises DataError unless the clock stands where the tables say that the round ended.

    Another time would have the run wait, or work through, what never was.
    """
    of_round = col("round") == found.round
    closed = tables.rounds.filter(of_round).select("end_s")
    merged = tables.spans.filter(of_round, col("kind") == "aggregate").select("end_s")
    ended_s = pl.concat([closed, merged]).select(col("end_s").max()).collect().item()
    time_s = float(found.state["time_s"])
    if ended_s is not None and not math.isclose(time_s, ended_s, rel_tol=CLOCK, abs_tol=CLOCK):
        rule = f"time_s must be {ended_s}, the end of round {found.round} in the tables"
        raise DataError(rule, where=found.path, value=time_s)
    if not 0 <= time_s < math.inf:
        raise DataError("time_s must be a time", where=found.path, value=time_s)
