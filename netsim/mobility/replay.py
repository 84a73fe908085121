"""UEs that move as a trace says: one per node, absent before its first and after its last row."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from netsim.errors import ScenarioError
from netsim.mobility.interpolation import positions
from netsim.mobility.region import Region
from netsim.plugins import Limited, parameter
from netsim.projection import Origin
from netsim.traces.formats import open_trace
from netsim.traces.seeds import seeds_of
from netsim.traces.trace import Trace
from netsim.traces.tracks import Tracks, tracks_of, usual_step_s
from netsim.units import FloatArray

GAP_STEPS = 1.5
"""A sample is missing where SUMO's are further apart, in steps."""


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
    gap_s: float = math.inf  # a node is absent between samples that are further apart
    notes: tuple[str, ...] = ()  # what was odd about the file

    def positions(self, times_s: FloatArray) -> FloatArray:
        """[T] -> [K, T, 2]; NaN while a UE is absent."""
        found = positions(
            self.tracks.first,
            self.tracks.time_s,
            self.tracks.places_m,
            times_s + self.begin_s,
            jump_m_s=self.jump_m_s,
            gap_s=self.gap_s,
        )
        return np.asarray(found[..., :2] + self.shift_m)

    @property
    def end_s(self) -> float:
        """Simulated time of the last sample, after which nobody is there; -inf if there is none."""
        last_s = float(self.tracks.time_s.max(initial=-math.inf))
        return last_s - self.begin_s

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the UEs in the trace; a run's own table has numbers only."""
        return None if self.recorded else self.nodes


@dataclass(frozen=True)
class Replay(Limited):
    """A trace file replayed, of any format that `netsim trace inspect` reads.

    Trace time `begin_s` is simulated time 0; if None, that is the first sample's, or 0 of a
    recorded run. Faster than `jump_m_s` is a jump, not a move. Between samples of a node that are
    more than `gap_s` apart it is absent; by default where a sample of SUMO's is missing, which
    writes every vehicle at every step.
    """

    section: ClassVar[str] = "mobility"

    path: str = parameter("", "trace file")
    format: str = parameter("", "its format, where that is not seen from the file")
    columns: str = parameter("", "what its columns are, as time=t:ms,node=id,x=east:km")
    begin_s: float | None = parameter(
        None, "trace time at simulated time 0", gt=-math.inf, lt=math.inf
    )
    jump_m_s: float = parameter(150.0, "what is faster is a jump, not a move", gt=0)
    gap_s: float | None = parameter(
        None,
        "between samples further apart a node is absent; default: 1.5 steps of SUMO, else never",
        gt=0,
    )

    def recorded(self, origin: Origin | None = None, folder: Path | None = None) -> Recorded:
        """Read the trace.

        Degrees are projected around `origin` (of the sites), if given; a relative path is taken
        from `folder` (of the scenario), if given. Raises DataError.
        """
        path = (folder or Path()) / self.path
        trace = open_trace(
            path,
            self.format or None,
            columns=self.columns,
            origin=origin,
        )
        tracks = tracks_of(trace.table("mobility"), path)
        own = is_recorded(trace)
        first_s = float(tracks.time_s.min())
        last_s = float(tracks.time_s.max())
        begin_s = self.begin_s
        if begin_s is None:
            begin_s = 0.0 if own else trace.moves_from_s or first_s
        if begin_s > last_s:
            rule = f"must not lie after the trace's last sample, at {last_s:g} s"
            raise ScenarioError(rule, where="scenario: mobility.begin_s", value=begin_s)
        return Recorded(
            tracks.nodes,
            span_s=(first_s - begin_s, last_s - begin_s),
            tracks=tracks,
            begin_s=begin_s,
            jump_m_s=self.jump_m_s,
            recorded=own,
            gap_s=self._gap_s(trace, tracks),
            notes=tuple(trace.remarks()),
        )

    def _gap_s(self, trace: Trace, tracks: Tracks) -> float:
        if self.gap_s is not None:
            return self.gap_s
        if trace.format != "sumo":
            return math.inf
        return GAP_STEPS * usual_step_s(tracks)

    def motion(
        self,
        start_m: FloatArray,
        region: Region,
        *,
        seed: int,
    ) -> Recorded:
        """Motion of the first UEs of the trace, as many as `start_m` [K, 2] has rows.

        Nothing is drawn.
        """
        return chosen_nodes(self.recorded(), len(start_m))


def is_recorded(trace: Trace) -> bool:
    """A run recorded it: in its own places, by numbers of UEs, from its own time 0 on.

    Raises DataError.
    """
    if trace.path.is_dir() and trace.format == "table":
        return True
    return seeds_of(trace.metadata, trace.path) is not None


def chosen_nodes(found: Recorded, count: int) -> Recorded:
    """The motion of the first `count` nodes; of a run's own table of its UEs 0..count - 1.

    Of these, some may never have been there. Raises ScenarioError if there are fewer nodes.
    """
    if found.recorded:
        return _numbered_nodes(found, count)
    if count > len(found.nodes):
        rule = (
            f"must be at most the {len(found.nodes)} nodes of the trace; "
            "leave it out to take them all"
        )
        raise ScenarioError(rule, where="scenario: ues.count", value=count)
    first = found.tracks.first[: count + 1]
    end = int(first[-1])
    kept = Tracks(
        found.nodes[:count],
        first,
        found.tracks.time_s[:end],
        found.tracks.places_m[:end],
    )
    return replace(found, nodes=kept.nodes, tracks=kept)


def _numbered_nodes(found: Recorded, count: int) -> Recorded:
    """The nodes named 0..count - 1, without samples where the trace has none of that name."""
    tracks = found.tracks
    node_of_name = {name: node for node, name in enumerate(tracks.nodes)}
    names = tuple(str(number) for number in range(count))
    rows = []
    for name in names:
        node = node_of_name.get(name)
        if node is None:
            rows.append(np.arange(0))
        else:
            rows.append(np.arange(tracks.first[node], tracks.first[node + 1]))
    sizes = [len(part) for part in rows]
    every = np.concatenate(rows).astype(np.int64)
    kept = Tracks(
        names,
        first=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        time_s=tracks.time_s[every],
        places_m=tracks.places_m[every],
    )
    return replace(found, nodes=names, tracks=kept)


def node_count(found: Recorded) -> int:
    """How many UEs a replay of all nodes has; a run's own table numbers them."""
    if not found.recorded:
        return len(found.nodes)
    if not all(name.isdecimal() for name in found.nodes):
        rule = "a recorded run numbers its UEs"
        raise ScenarioError(rule, where="mobility.path", value=found.nodes[0])
    return 1 + max(int(name) for name in found.nodes)
