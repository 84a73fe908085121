"""Where the tables of a run go, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Columns = Mapping[str, Any]
"""Columns of one table: NumPy arrays or lists of equal length, or one scalar for all rows.

Nullable columns may be left out.
"""


class RecordSink(Protocol):
    """Where tables go. Rows travel as columns."""

    def write(self, table: str, columns: Columns) -> None:
        """Append rows to a table of `netsim.records`."""
        ...

    def close_round(self, round: int) -> None:
        """All rows of rounds up to `round` have been written."""
        ...


@dataclass(frozen=True)
class Progress:
    """One line of a run's progress, at the end of a round (round 0: before training)."""

    round: int
    time_s: float
    energy_j: float
    on_time: int
    late: int
    outage: int
    not_ready: int
    train_loss: float | None
    loss: float | None  # of the last evaluation's ensemble row
    accuracy: float | None


class Listener(Protocol):
    """Is told how far a run is."""

    def status(self, text: str) -> None:
        """A step that takes a while has begun; `text` names it."""
        ...

    def warning(self, text: str) -> None:
        """Something is not as it should be, but the run continues."""
        ...

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        ...


class Tracker(Protocol):
    """Is told the numbers of a run while it goes on, to keep them in another program.

    An exception ends what it is told, not the run.
    """

    def begin(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """A run has begun, in this folder, with the scenario of these dotted keys."""
        ...

    def log(self, round: int, values: Mapping[str, float]) -> None:
        """Round `round` is over (round 0: before training).

        `values`: time_s (simulated), energy_j (spent so far), on_time, late, outage, not_ready
        (UEs in this round), and where they were measured train_loss, loss, accuracy (of the
        ensemble).
        """
        ...

    def end(self, status: str) -> None:
        """The run is over: done, failed or interrupted."""
        ...


@dataclass
class Silence:
    """A listener that keeps the last progress and says nothing."""

    last: Progress | None = None

    def status(self, text: str) -> None:
        pass

    def warning(self, text: str) -> None:
        pass

    def round_closed(self, progress: Progress) -> None:
        self.last = progress
