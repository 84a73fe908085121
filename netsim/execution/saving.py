"""What a checkpoint of a run holds, written and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netsim.assembly import Parts
from netsim.errors import DataError
from netsim.execution.record import RunRecord
from netsim.results.checkpoint import Checkpoint, save_checkpoint
from netsim.results.run_folder import CHECKPOINT
from netsim.results.writer import ParquetSink, rounds_per_part
from netsim.simulation.session import Simulation

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
        """As it was when the checkpoint was written; the sink has been."""
        self.simulation.restore(found.state)
        self.parts.scheme.restore(found.state["scheme"])
        if self.parts.learner is not None:
            self.parts.learner.load_state(found.path)
        self.record.earlier_s = float(found.state["wall_time_s"])


def state_of_sink(found: Checkpoint, record: RunRecord) -> Any:
    """That of a checkpoint's sink. Raises DataError if another run made it."""
    difference = record.difference_from(found.state["run"])
    if difference:
        raise DataError(difference, where=found.path)
    return found.state["sink"]
