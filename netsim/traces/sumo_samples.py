"""Samples of vehicles, persons and containers, gathered while SUMO's XML is parsed."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from netsim.errors import DataError
from netsim.traces.missing import is_missing

FCD_COLUMNS = {
    "time_s": "timestep_time",
    "node": "vehicle_id",
    "x_m": "vehicle_x",
    "y_m": "vehicle_y",
    "z_m": "vehicle_z",
    "speed_m_s": "vehicle_speed",
}
"""Native column -> column of SUMO's CSV and Parquet."""
INVALID = -1073741824.0
"""A coordinate of a vehicle that is not on the road (SUMO's INVALID_DOUBLE_VALUE)."""
_INVALID_TEXT = "-10737418"  # in whatever number of digits
_OTHER_MOVERS = ("person", "container")
_SECONDS_PER_PART = (1.0, 60.0, 3600.0, 86400.0)  # of [days:]hours:minutes:seconds, from the right
WIDTH = len(FCD_COLUMNS)
"""Cells of a sample."""
_MAYBE_NO_NUMBER = frozenset("-?nN\\ ")
"""How a coordinate may begin that is none."""


@dataclass
class SampleGatherer:
    """Samples of the elements parsed since the last batch, and counts of all so far."""

    cells: list[Any] = field(default_factory=list)  # time, node, x, y, z and speed, row by row
    placed: int = 0  # samples that were taken
    placeless: int = 0
    persons: int = 0
    empty_steps: int = 0  # without the current one
    now_s: float | None = None
    before: int = 0  # samples before the current step

    def handler(self) -> Callable[[str, dict[str, str]], None]:
        """The hot path: what is called for each sample of the file."""
        add = self.cells.extend
        now_s: float | None = None

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal now_s
            if name == "vehicle" or name in _OTHER_MOVERS:
                try:
                    node, x, y = attributes["id"], attributes["x"], attributes["y"]
                    is_odd = x[0] in _MAYBE_NO_NUMBER or y[0] in _MAYBE_NO_NUMBER
                except LookupError:
                    self.count_placeless(name, attributes)
                    return
                if now_s is None:
                    raise DataError(f"{name} outside of a timestep", value=node)
                if is_odd and _is_no_place(x, y):
                    self.placeless += 1
                    return
                add(
                    (
                        now_s,
                        node,
                        x,
                        y,
                        attributes.get("z"),
                        attributes.get("speed"),
                    )
                )
                if name != "vehicle":
                    self.persons += 1
            elif name == "timestep":
                now_s = self.begin_step(attributes)

        return start

    def count_placeless(self, name: str, attributes: dict[str, str]) -> None:
        """Count a sample that lacks x or y. Raises DataError if it has no name either."""
        if "id" not in attributes:
            raise DataError(f"{name} has no attribute 'id'", value=attributes)
        self.placeless += 1

    def begin_step(self, attributes: dict[str, str]) -> float:
        """Time of a step. Raises DataError if it lies before the one before."""
        time_s = _seconds(attributes.get("time"))
        if self.now_s is not None:
            if time_s < self.now_s:
                rule = f"time must not go backwards; {self.now_s:g} s lies before"
                raise DataError(rule, value=attributes["time"])
            self.empty_steps += self.is_empty
        self.now_s = time_s
        self.before = self._samples
        return time_s

    @property
    def is_empty(self) -> bool:
        """The current step has no sample so far."""
        return self.now_s is not None and self._samples == self.before

    @property
    def _samples(self) -> int:
        return self.placed + self.placeless + len(self.cells) // WIDTH

    def take(self) -> list[list[Any]]:
        """The columns of the samples, which are forgotten."""
        columns = [self.cells[column::WIDTH] for column in range(WIDTH)]
        self.placed += len(columns[0])
        self.cells.clear()
        return columns


def _is_no_place(x: str, y: str) -> bool:
    """Whether a coordinate is missing, or stands for a vehicle that is not on the road."""
    if is_missing(x) or is_missing(y):
        return True
    return x.startswith(_INVALID_TEXT) or y.startswith(_INVALID_TEXT)


def _seconds(text: str | None) -> float:
    """Seconds of `12.00` or, as with --human-readable-time, of `[days:]hh:mm:ss`."""
    with suppress(ValueError):
        if math.isfinite(value := float(text or "")):
            return value
    parts = (text or "").split(":")
    value = math.nan
    if len(parts) <= len(_SECONDS_PER_PART):
        scaled = zip(_SECONDS_PER_PART, reversed(parts), strict=False)
        try:
            value = sum(seconds * float(part) for seconds, part in scaled)
        except ValueError:
            value = math.nan
    if not math.isfinite(value):
        raise DataError("time of a timestep must be a finite number of seconds", value=text)
    return value
