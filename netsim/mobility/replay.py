"""UEs that move as a trace says: one UE per node, absent before its first and after its last sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netsim.errors import ScenarioError
from netsim.mobility.interpolation import positions
from netsim.mobility.region import Region
from netsim.projection import Origin
from netsim.traces.detect import open_trace
from netsim.traces.tracks import Tracks, tracks
from netsim.units import FloatArray


@dataclass(frozen=True)
class Recorded:
    """The motion of a trace's nodes."""

    nodes: tuple[str, ...]  # K
    span_s: tuple[float, float]  # first and last sample of all, in simulated time
    tracks: Tracks
    begin_s: float
    jump_m_s: float

    def positions(self, times_s: FloatArray) -> FloatArray:
        """[T] -> [K, T, 2]; NaN while a UE is absent."""
        track = self.tracks
        found = positions(
            track.first, track.time_s, track.places_m, times_s + self.begin_s, jump_m_s=self.jump_m_s
        )
        return found[..., :2]

    def arrivals_departures_s(self) -> tuple[FloatArray, FloatArray]:
        """First and last simulated time at which each UE is there, [K] and [K]."""
        first = self.tracks.first
        return self.tracks.time_s[first[:-1]] - self.begin_s, self.tracks.time_s[first[1:] - 1] - self.begin_s


@dataclass(frozen=True)
class Replay:
    """A trace file replayed; any format of `netsim trace inspect`, with `format` where it is not seen.

    Trace time `begin_s` is simulated time 0. Faster than `jump_m_s` is a jump, not a move.
    """

    path: str = ""
    format: str = ""
    begin_s: float = 0.0
    jump_m_s: float = 150.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.begin_s):
            raise ScenarioError("must be finite", where="mobility.begin_s", value=self.begin_s)
        if not self.jump_m_s > 0:
            raise ScenarioError("must be greater than 0", where="mobility.jump_m_s", value=self.jump_m_s)

    def recorded(self, origin: Origin | None = None, folder: Path | None = None) -> Recorded:
        """Read the trace. Degrees are projected around `origin` (of the sites), if given; a relative path is
        taken from `folder` (of the scenario), if given. Raises DataError.
        """
        path = (folder or Path()) / self.path
        trace = open_trace(path, self.format or None, origin=origin)
        found = tracks(trace.table("mobility"), path)
        span = float(found.time_s.min()) - self.begin_s, float(found.time_s.max()) - self.begin_s
        return Recorded(found.nodes, span, found, self.begin_s, self.jump_m_s)

    def motion(self, start_m: FloatArray, region: Region, *, seed: int) -> Recorded:
        """Motion of the first UEs of the trace, as many as `start_m` [K, 2] has rows; nothing is drawn."""
        found = self.recorded()
        if len(start_m) > len(found.nodes):
            raise ScenarioError(
                f"must be at most the {len(found.nodes)} nodes of {self.path}",
                where="ues.count",
                value=len(start_m),
            )
        return first_nodes(found, len(start_m))


def numbered_nodes(found: Recorded, count: int) -> Recorded:
    """The motion of nodes 0..count - 1 of a run's own table, whose names are numbers; absent if missing."""
    track = found.tracks
    of_name = {name: k for k, name in enumerate(track.nodes)}
    parts = [of_name.get(str(number)) for number in range(count)]
    rows = [np.arange(0) if k is None else np.arange(track.first[k], track.first[k + 1]) for k in parts]
    first = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    every = np.concatenate(rows).astype(np.int64)
    names = tuple(map(str, range(count)))
    kept = Tracks(names, first, track.time_s[every], track.places_m[every])
    return Recorded(names, found.span_s, kept, found.begin_s, found.jump_m_s)


def first_nodes(found: Recorded, count: int) -> Recorded:
    """The motion of the first `count` nodes."""
    first = found.tracks.first[: count + 1]
    end = int(first[-1])
    track = found.tracks
    kept = Tracks(track.nodes[:count], first, track.time_s[:end], track.places_m[:end])
    return Recorded(kept.nodes, found.span_s, kept, found.begin_s, found.jump_m_s)
