"""ns-2 movements, as setdest, BonnMotion and SUMO's traceExporter write them.

    $node_(0) set X_ 10.0
    $ns_ at 5.0 "$node_(0) setdest 60.0 20.0 2.5"
    $ns_ at 40.0 "$node_(0) set X_ 5.0"

A node goes straight to its destination at the given speed and stops there; a command on the way
starts from where the node is; `set` at a time is a jump and ends the leg. Nodes are there from time
0 to the last end. The script is read, never run: what is not such a line is counted and passed
over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import lines
from netsim.traces.trace import Trace
from netsim.traces.tracks import Tracks

_NODE = r"\$\w+\(\s*(\w+)\s*\)"
_INITIAL = re.compile(rf"^{_NODE}\s+set\s+([XYZ])_\s+(\S+)$")
_AT = re.compile(rf'^\$\w+\s+at\s+(\S+)\s+"{_NODE}\s+(set\s+[XYZ]_|setdest)\s+([^"]*?)\s*"$')
_ARRIVED = 1e-9  # of a leg's length: a command that comes so little before the arrival comes at it


@dataclass
class _Node:
    """Commands of one node, in the order of the file."""

    initial: dict[str, float] = field(default_factory=dict)
    commands: list[tuple[float, str, tuple[float, ...]]] = field(default_factory=list)


def read_ns2(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """The mobility table: a sample where a node starts, turns, stops or jumps (two at one time)."""
    notes: dict[str, int] = {}
    nodes = _parse(path, notes)
    walks = {name: _walk(node) for name, node in nodes.items()}
    end = max(walk[-1][0] for walk in walks.values())
    rows: list[tuple[float, str, float, float, float]] = []
    for name, walk in walks.items():
        if walk[-1][0] < end:
            walk.append((end, *walk[-1][1:]))
        rows += [(time, name, x, y, z) for time, x, y, z in walk]
    frame = pl.DataFrame(
        rows,
        schema=dict.fromkeys(("time_s", "node", "x_m", "y_m", "z_m"), pl.Float64)
        | {"node": pl.String},
        orient="row",
    )
    if not (frame["z_m"] != 0).any():
        frame = frame.drop("z_m")
    return Trace(path, "ns2", {"mobility": frame.lazy()}, notes=notes)


def read_destinations(path: Path) -> pl.DataFrame:
    """The `setdest` commands as they stand: time_s, node, x_m, y_m, speed_m_s."""
    found = [
        (time, name, values[0], values[1], values[-1])
        for name, node in _parse(path, {}).items()
        for time, verb, values in node.commands
        if verb == "setdest"
    ]
    schema = dict.fromkeys(("time_s", "node", "x_m", "y_m", "speed_m_s"), pl.Float64) | {
        "node": pl.String
    }
    return pl.DataFrame(found, schema=schema, orient="row")


def _parse(path: Path, notes: dict[str, int]) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    passed = 0
    for number, line in lines(path):
        text = line.split("#", 1)[0].strip().rstrip(";").strip()
        if not text:
            continue
        where = f"{path}, line {number}"
        if found := _INITIAL.match(text):
            name, axis, value = found.groups()
            nodes.setdefault(name, _Node()).initial[axis] = _number(value, where)
        elif found := _AT.match(text):
            at, name, verb, rest = found.groups()
            time = _number(at, where)
            values = tuple(_number(part, where) for part in rest.split())
            if time < 0:
                raise DataError("time must not be negative", where=where, value=at)
            if verb == "setdest":
                if len(values) not in (3, 4):
                    raise DataError(
                        "setdest takes x, y, speed or x, y, z, speed", where=where, value=rest
                    )
                if values[-1] < 0:
                    raise DataError("speed must not be negative", where=where, value=rest)
            else:
                if len(values) != 1:
                    raise DataError("set takes one number", where=where, value=rest)
                verb = verb[-2]
            nodes.setdefault(name, _Node()).commands.append((time, verb, values))
        else:
            if "setdest" in text:
                raise DataError(
                    "a setdest with numbers only is understood", where=where, value=text
                )
            passed += 1
    if not nodes:
        raise DataError("has no movement of ns-2 (set X_, setdest)", where=path)
    if passed:
        notes["lines that are no movement, passed over"] = passed
    unset = sum(not {"X", "Y"} <= set(node.initial) for node in nodes.values())
    if unset:
        notes["nodes without an initial position, which start at 0, 0 as in ns-2"] = unset
    for node in nodes.values():
        times = [command[0] for command in node.commands]
        if times != sorted(times):
            notes["nodes whose commands were not in order of time, sorted"] = (
                notes.get("nodes whose commands were not in order of time, sorted", 0) + 1
            )
            node.commands.sort(key=lambda command: command[0])
    return nodes


def _walk(node: _Node) -> list[tuple[float, ...]]:
    """Samples (time, x, y, z) at every change of velocity."""
    here = [node.initial.get(axis, 0.0) for axis in "XYZ"]
    samples: list[tuple[float, ...]] = [(0.0, *here)]
    goal, begun, arrival = (
        here,
        0.0,
        0.0,
    )  # of the leg the node is on; it stands where begun == arrival
    for time, verb, values in node.commands:
        if arrival > begun and time >= arrival - _ARRIVED * (arrival - begun):
            here = goal
            samples.append((min(time, arrival), *here))
        elif arrival > begun:
            part = (time - begun) / (arrival - begun)
            here = [a + part * (b - a) for a, b in zip(here, goal, strict=True)]
        begun = arrival = time
        goal = here
        if samples[-1] != (time, *here):
            samples.append((time, *here))
        if verb == "setdest":
            target = [*values[:-1], here[2]][:3]
            length = math.dist(here, target)
            if values[-1] > 0 and length > 0:
                goal, arrival = target, time + length / values[-1]
                if not math.isfinite(arrival):
                    goal, arrival = here, time
        else:
            here = here.copy()
            here["XYZ".index(verb)] = values[0]
            goal = here
            samples.append((time, *here))
    if arrival > begun:
        samples.append((arrival, *goal))
    return samples


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError("must be a finite number", where=where, value=text)
    return value


def write_ns2(tracks: Tracks) -> Iterator[bytes]:
    """Commands that pass through every sample. Nodes are numbered in their order; ns-2 knows no
    absence.
    """
    for index, name in enumerate(tracks.nodes):
        part = slice(tracks.first[index], tracks.first[index + 1])
        points = tracks.places_m[part].tolist()
        times = tracks.time_s[part].tolist()
        node = f"$node_({index})"
        text = [b"# " + f"{node[1:]} is {name}".replace("\n", " ").encode() + b"\n"]
        text += [
            f"{node} set {a}_ {v!r}\n".encode() for a, v in zip("XYZ", points[0], strict=False)
        ]
        for (begin, here), (end, there) in zip(
            zip(times[:-1], points[:-1], strict=True),
            zip(times[1:], points[1:], strict=True),
            strict=True,
        ):
            if here == there:
                continue
            if end == begin:
                text += [
                    f'$ns_ at {end!r} "{node} set {a}_ {v!r}"\n'.encode()
                    for a, v in zip("XYZ", there, strict=False)
                ]
                continue
            speed = math.dist(here, there) / (end - begin)
            goal = " ".join(repr(v) for v in there)
            text.append(f'$ns_ at {begin!r} "{node} setdest {goal} {speed!r}"\n'.encode())
        yield b"".join(text)
