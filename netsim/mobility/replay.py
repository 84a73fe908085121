"""UEs that move as a trace says: one UE per node, absent before its first and after its last
sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netsim.errors import ScenarioError
from netsim.mobility.interpolation import positions
from netsim.mobility.region import Region
from netsim.projection import Origin
from netsim.traces.detect import open_trace
from netsim.traces.seeds import seeds_of
from netsim.traces.trace import Trace
from netsim.traces.tracks import Tracks, tracks
from netsim.units import FloatArray


@dataclass(frozen=True)
class Recorded:
    """The motion of a trace's nodes."""

    nodes: tuple[str, ...]  # K
    span_s: tuple[float, float]  # first and last sample of all, in simulated time
    tracks: Tracks
    begin_s: float  # trace time at simulated time 0
    jump_m_s: float
    recorded: bool = False  # by a run, in its own places and from its own beginning
    shift_m: tuple[float, float] = (0.0, 0.0)  # from places of the trace to simulated ones

    def positions(self, times_s: FloatArray) -> FloatArray:
        """[T] -> [K, T, 2]; NaN while a UE is absent."""
        track = self.tracks
        found = positions(
            track.first,
            track.time_s,
            track.places_m,
            times_s + self.begin_s,
            jump_m_s=self.jump_m_s,
        )
        return np.asarray(found[..., :2] + self.shift_m)

    @property
    def box_m(self) -> FloatArray:
        """Smallest and largest x and y of all samples, in simulated places. [2, 2], m."""
        x, y = self.tracks.places_m.T[:2]  # by column, which is quicker over many rows
        return np.array([[x.min(), y.min()], [x.max(), y.max()]]) + self.shift_m

    @property
    def end_s(self) -> float:
        """Simulated time of the last sample, after which nobody is there; -inf if there is none."""
        return float(self.tracks.time_s.max(initial=-math.inf)) - self.begin_s

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the UEs in the trace; a run's own table has numbers only."""
        return None if self.recorded else self.nodes

    def arrivals_departures_s(self) -> tuple[FloatArray, FloatArray]:
        """First and last simulated time at which each UE is there, [K] and [K]."""
        first = self.tracks.first
        return self.tracks.time_s[first[:-1]] - self.begin_s, self.tracks.time_s[
            first[1:] - 1
        ] - self.begin_s


@dataclass(frozen=True)
class Replay:
    """A trace file replayed; any format of `netsim trace inspect`, with `format` where it is not
    seen.

    Trace time `begin_s` is simulated time 0; if None, that is the first sample's, or 0 of a
    recorded run. Faster than `jump_m_s` is a jump, not a move.
    """

    path: str = ""
    format: str = ""
    begin_s: float | None = None
    jump_m_s: float = 150.0

    def __post_init__(self) -> None:
        if self.begin_s is not None and not math.isfinite(self.begin_s):
            raise ScenarioError("must be finite", where="mobility.begin_s", value=self.begin_s)
        if not self.jump_m_s > 0:
            raise ScenarioError(
                "must be greater than 0", where="mobility.jump_m_s", value=self.jump_m_s
            )

    def recorded(self, origin: Origin | None = None, folder: Path | None = None) -> Recorded:
        """Read the trace. Degrees are projected around `origin` (of the sites), if given; a
        relative path is taken from `folder` (of the scenario), if given. Raises DataError.
        """
        path = (folder or Path()) / self.path
        trace = open_trace(path, self.format or None, origin=origin)
        found = tracks(trace.table("mobility"), path)
        first, last = float(found.time_s.min()), float(found.time_s.max())
        own = is_recorded(trace)
        begin = self.begin_s if self.begin_s is not None else (0.0 if own else first)
        return Recorded(
            found.nodes, (first - begin, last - begin), found, begin, self.jump_m_s, own
        )

    def motion(self, start_m: FloatArray, region: Region, *, seed: int) -> Recorded:
        """Motion of the first UEs of the trace, as many as `start_m` [K, 2] has rows; nothing is
        drawn.
        """
        return chosen_nodes(self.recorded(), len(start_m))


def is_recorded(trace: Trace) -> bool:
    """A run recorded it: in its own places, by numbers of UEs, from its own time 0 on. Raises
    DataError.
    """
    return trace.path.is_dir() or seeds_of(trace.metadata, trace.path) is not None


def chosen_nodes(found: Recorded, count: int) -> Recorded:
    """The motion of the first `count` nodes; of a run's own table of its UEs 0..count - 1.

    Of these, some may never have been there. Raises ScenarioError if there are fewer nodes.
    """
    if found.recorded:
        return _numbered_nodes(found, count)
    if count > len(found.nodes):
        rule = f"must be at most the {len(found.nodes)} nodes of the trace; leave it out to take them all"
        raise ScenarioError(rule, where="scenario: ues.count", value=count)
    first = found.tracks.first[: count + 1]
    end, track = int(first[-1]), found.tracks
    kept = Tracks(track.nodes[:count], first, track.time_s[:end], track.places_m[:end])
    return replace(found, nodes=kept.nodes, tracks=kept)


def _numbered_nodes(found: Recorded, count: int) -> Recorded:
    track = found.tracks
    of_name = {name: k for k, name in enumerate(track.nodes)}
    parts = [of_name.get(str(number)) for number in range(count)]
    rows = [
        np.arange(0) if k is None else np.arange(track.first[k], track.first[k + 1]) for k in parts
    ]
    first = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    every = np.concatenate(rows).astype(np.int64)
    names = tuple(map(str, range(count)))
    return replace(
        found, nodes=names, tracks=Tracks(names, first, track.time_s[every], track.places_m[every])
    )


def node_count(found: Recorded) -> int:
    """How many UEs a replay of all nodes has; a run's own table numbers them."""
    if not found.recorded:
        return len(found.nodes)
    if not all(name.isdecimal() for name in found.nodes):
        raise ScenarioError(
            "a recorded run numbers its UEs", where="mobility.path", value=found.nodes[0]
        )
    return 1 + max(map(int, found.nodes))
