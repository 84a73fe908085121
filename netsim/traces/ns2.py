"""ns-2 movements, as setdest, BonnMotion and SUMO's traceExporter write them.

    $node_(0) set X_ 10.0
    $ns_ at 5.0 "$node_(0) setdest 60.0 20.0 2.5"
    $ns_ at 40.0 "$node_(0) set X_ 5.0"

A node goes straight to its destination at the given speed and stops there; a command on the way
starts from where the node is; `set` at a time is a jump and ends the leg. Nodes are there from time
0 to the last end. The script is read, never run: what is not such a line is counted and passed
over. So is a command one of whose numbers is missing, and a node that begins at no place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import lines
from netsim.traces.missing import check_missing, count, is_missing
from netsim.traces.trace import Trace

AXES = "XYZ"
_NODE = r"\$\w+\(\s*(\w+)\s*\)"
_INITIAL = re.compile(rf"^{_NODE}\s+set\s+([XYZ])_\s+(\S+)$")
_AT = re.compile(rf'^\$\w+\s+at\s+(\S+)\s+"{_NODE}\s+(set\s+[XYZ]_|setdest)\s+([^"]*?)\s*"$')
_ARRIVED = 1e-9  # of a leg's length: a command that comes so little before the arrival comes at it
_UNSORTED = "nodes whose commands were not in order of time, sorted"
_SAMPLE = {
    "time_s": pl.Float64,
    "node": pl.String,
    "x_m": pl.Float64,
    "y_m": pl.Float64,
    "z_m": pl.Float64,
}

Point = list[float]
Sample = tuple[float, ...]
"""Time, x, y, z."""


class _Command(NamedTuple):
    time_s: float
    verb: str  # setdest, or the axis that is set
    values: tuple[float, ...]


@dataclass
class _Node:
    """Commands of one node, in the order of the file."""

    initial: dict[str, float] = field(default_factory=dict)
    commands: list[_Command] = field(default_factory=list)


def read_ns2(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The mobility table: a sample where a node starts, turns, stops or jumps (two at one time).

    Raises DataError.
    """
    notes: dict[str, int] = {}
    nodes = _parse(path, notes)
    walks = {name: _walk(node) for name, node in nodes.items()}
    end_s = max(walk[-1][0] for walk in walks.values())
    rows: list[tuple[float, str, float, float, float]] = []
    for name, walk in walks.items():
        last_s, *place = walk[-1]
        if last_s < end_s:
            walk.append((end_s, *place))
        rows += [(time, name, x, y, z) for time, x, y, z in walk]
    frame = pl.DataFrame(rows, schema=_SAMPLE, orient="row")
    if (frame["z_m"] == 0).all():
        frame = frame.drop("z_m")
    metadata = _long_wait(walks.values(), end_s, notes)
    return Trace(
        path,
        "ns2",
        {"mobility": frame.lazy()},
        metadata,
        notes,
    )


def _long_wait(
    walks: Iterable[list[Sample]],
    end_s: float,
    notes: dict[str, int],
) -> dict[str, str]:
    """When something moves for the first time, as metadata, if that is after more than half of all.

    So it is of simulations that begin at some time of the day.
    """
    begins = []
    for walk in walks:
        for (time_s, *here), (_, *there) in pairwise(walk):
            if here != there:
                begins.append(time_s)
                break
    if not begins or min(begins) <= end_s / 2:
        return {}
    notes[f"nothing moves before {min(begins):g} s: a replay begins then"] = 0
    return {"moves_from_s": repr(min(begins))}


def _parse(path: Path, notes: dict[str, int]) -> dict[str, _Node]:
    """Nodes by name. Raises DataError."""
    nodes: dict[str, _Node] = {}
    passed = 0
    placeless = 0  # commands
    for number, line in lines(path):
        text = line.split("#", 1)[0].strip().rstrip(";").strip()
        where = f"{path}, line {number}"
        if found := _INITIAL.match(text):
            name, axis, value = found.groups()
            place = math.nan if is_missing(value) else _number(value, where)
            nodes.setdefault(name, _Node()).initial[axis] = place
        elif found := _AT.match(text):
            time, name, verb, values = found.groups()
            node = nodes.setdefault(name, _Node())
            if any(map(is_missing, [time, *values.split()])):
                placeless += 1
            else:
                node.commands.append(_command(time, verb, values, where))
        elif "setdest" in text:
            raise DataError("a setdest with numbers only is understood", where=where, value=text)
        elif text:
            passed += 1
    if not nodes:
        raise DataError("has no movement of ns-2 (set X_, setdest)", where=path)
    count(notes, "lines that are no movement, passed over", passed)
    _leave_out_placeless(nodes, placeless, path, notes)
    _note_unset(nodes, notes)
    _sort_commands(nodes, notes)
    return nodes


def _leave_out_placeless(
    nodes: dict[str, _Node],
    commands: int,
    path: Path,
    notes: dict[str, int],
) -> None:
    """Leave out nodes that begin at no place; `commands` are already. Raises DataError."""
    lost = [name for name, node in nodes.items() if any(map(math.isnan, node.initial.values()))]
    check_missing(path, "a place", len(lost), rows=len(nodes))
    every = commands + sum(len(node.commands) for node in nodes.values())
    check_missing(path, "a place", commands, rows=every)
    for name in lost:
        del nodes[name]
    count(notes, "nodes without a place, left out", len(lost))
    count(notes, "commands without a place, passed over", commands)


def _command(
    time: str,
    verb: str,
    rest: str,
    where: str,
) -> _Command:
    """What is done at a time. Raises DataError."""
    time_s = _number(time, where)
    if time_s < 0:
        raise DataError("time must not be negative", where=where, value=time)
    values = tuple(_number(part, where) for part in rest.split())
    if verb != "setdest":
        if len(values) != 1:
            raise DataError("set takes one number", where=where, value=rest)
        axis = verb[-2]  # of `set X_`
        return _Command(time_s, axis, values)
    if len(values) not in (3, 4):
        raise DataError("setdest takes x, y, speed or x, y, z, speed", where=where, value=rest)
    if values[-1] < 0:
        raise DataError("speed must not be negative", where=where, value=rest)
    return _Command(time_s, verb, values)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError("must be a finite number", where=where, value=text)
    return value


def _note_unset(nodes: dict[str, _Node], notes: dict[str, int]) -> None:
    unset = sum(not {"X", "Y"} <= set(node.initial) for node in nodes.values())
    if unset:
        notes["nodes without an initial position, which start at 0, 0 as in ns-2"] = unset


def _sort_commands(nodes: dict[str, _Node], notes: dict[str, int]) -> None:
    for node in nodes.values():
        times_s = [command.time_s for command in node.commands]
        if times_s == sorted(times_s):
            continue
        notes[_UNSORTED] = notes.get(_UNSORTED, 0) + 1
        node.commands.sort(key=_time_of)


def _time_of(command: _Command) -> float:
    return command.time_s


def _walk(node: _Node) -> list[Sample]:
    """Samples at every change of velocity."""
    here = [node.initial.get(axis, 0.0) for axis in AXES]
    walker = _Walker(here)
    for command in node.commands:
        walker.reach(command.time_s)
        if command.verb == "setdest":
            walker.set_destination(command)
        else:
            walker.jump(command)
    walker.arrive()
    return walker.samples


class _Walker:
    """A node on its way, from command to command."""

    def __init__(self, here: Point) -> None:
        self.samples: list[Sample] = [(0.0, *here)]
        self._here = here
        self._goal = here
        self._begun_s = 0.0  # the leg; the node stands where begun == arrival
        self._arrival_s = 0.0

    def reach(self, time_s: float) -> None:
        """Go on until a command at `time_s` ends the leg."""
        length_s = self._arrival_s - self._begun_s
        if length_s > 0 and time_s >= self._arrival_s - _ARRIVED * length_s:
            self._here = self._goal
            self.samples.append((min(time_s, self._arrival_s), *self._here))
        elif length_s > 0:
            part = (time_s - self._begun_s) / length_s
            ends = zip(self._here, self._goal, strict=True)
            self._here = [begin + part * (end - begin) for begin, end in ends]
        self._stand(time_s)
        if self.samples[-1] != (time_s, *self._here):
            self.samples.append((time_s, *self._here))

    def set_destination(self, command: _Command) -> None:
        """Set out from here."""
        *goal, speed_m_s = command.values
        target = [*goal, self._here[2]][:3]
        length_m = math.dist(self._here, target)
        if speed_m_s > 0 and length_m > 0:
            arrival_s = command.time_s + length_m / speed_m_s
            if math.isfinite(arrival_s):
                self._goal = target
                self._arrival_s = arrival_s

    def jump(self, command: _Command) -> None:
        """Be somewhere else along one axis."""
        self._here = self._here.copy()
        self._here[AXES.index(command.verb)] = command.values[0]
        self._stand(command.time_s)
        self.samples.append((command.time_s, *self._here))

    def arrive(self) -> None:
        """Go to the end of the last leg."""
        if self._arrival_s > self._begun_s:
            self.samples.append((self._arrival_s, *self._goal))

    def _stand(self, time_s: float) -> None:
        self._goal = self._here
        self._begun_s = time_s
        self._arrival_s = time_s
