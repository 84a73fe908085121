"""ns-2 movements of the tracks of a trace."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from netsim.traces.ns2 import AXES, Point
from netsim.traces.tracks import Tracks


def write_ns2(tracks: Tracks) -> Iterator[bytes]:
    """Commands that pass through every sample.

    Nodes are numbered in their order; ns-2 knows no absence.
    """
    for number, name in enumerate(tracks.nodes):
        part = slice(tracks.first[number], tracks.first[number + 1])
        times_s = tracks.time_s[part].tolist()
        points = tracks.places_m[part].tolist()
        node = f"$node_({number})"
        text = [f"# node_({number}) is {name}".replace("\n", " ")]
        text += [f"{node} {setting}" for setting in _settings(points[0])]
        for here, there in pairwise(zip(times_s, points, strict=True)):
            text += _steps(node, here, there)
        yield "".join(f"{line}\n" for line in text).encode()


def _steps(
    node: str,
    here: tuple[float, Point],
    there: tuple[float, Point],
) -> list[str]:
    """Lines that bring a node from one sample to the next."""
    begin_s, begin_m = here
    end_s, end_m = there
    if begin_m == end_m:
        return []
    if end_s == begin_s:
        return [f'$ns_ at {end_s!r} "{node} {setting}"' for setting in _settings(end_m)]
    speed_m_s = math.dist(begin_m, end_m) / (end_s - begin_s)
    goal = " ".join(repr(coordinate) for coordinate in end_m)
    return [f'$ns_ at {begin_s!r} "{node} setdest {goal} {speed_m_s!r}"']


def _settings(point: Point) -> list[str]:
    """`set X_ 10.0` and so on."""
    axes = zip(AXES, point, strict=False)
    return [f"set {axis}_ {coordinate!r}" for axis, coordinate in axes]
