"""Where UEs are and which gNB serves them, sampled on a grid of time; handovers as events on that
grid.

A UE is handed over once another gNB has been better than its own by the hysteresis for the time to
trigger (3GPP TS 38.331, event A3, clause 5.5.4.4), to the best for which that is so: the time runs
for each neighbour by itself. Better is meant in mean gain: over distance where UEs associate with
the nearest gNB, else with line of sight and shadowing. All of it is a function of time, whatever
the simulation does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from netsim.arrays import ArrayTable
from netsim.protocols import Motion
from netsim.topology.landscape import Landscape
from netsim.units import BoolArray, FloatArray, IntArray

AHEAD = 16
"""Samples of the motion that are asked for at a time."""


class Sample(NamedTuple):
    """All K UEs from one moment of the grid to the next."""

    position_m: FloatArray  # [K, 2] of absent UEs where they were last
    present: BoolArray  # [K]
    gnb: IntArray  # [K] of absent UEs that of their last place


class Handovers(NamedTuple):
    """L handovers in the order of (time, UE)."""

    time_s: FloatArray
    ue: IntArray
    from_gnb: IntArray
    to_gnb: IntArray


@dataclass
class Better(ArrayTable):
    """Pairs of UEs and gNBs that are better than their own, ordered by (UE, gNB)."""

    ue: IntArray
    site: IntArray
    level: FloatArray  # of the gNB, as `Landscape.level`
    since_s: FloatArray

    @classmethod
    def nobody(cls) -> Better:
        """No pair."""
        none: IntArray = np.empty(0, dtype=np.int64)
        return cls(ue=none, site=none, level=np.empty(0), since_s=np.empty(0))

    def as_before(self, before: Better) -> Better:
        """The same pairs; those of `before` are since then."""
        if not len(self.ue) or not len(before.ue):
            return self
        wide = 1 + max(int(self.site.max()), int(before.site.max()))
        key, old = self.ue * wide + self.site, before.ue * wide + before.site
        place = np.minimum(np.searchsorted(old, key), len(old) - 1)
        since_s = np.where(old[place] == key, before.since_s[place], self.since_s)
        return replace(self, since_s=since_s)

    def best(self) -> tuple[IntArray, IntArray]:
        """The UEs, ascending, and the best gNB of each."""
        order = np.lexsort((self.site, -self.level, self.ue))
        ue, first = np.unique(self.ue[order], return_index=True)
        return ue, self.site[order][first]


@dataclass
class Journey:
    """The motion of K UEs, sampled every `step_s`."""

    motion: Motion
    landscape: Landscape
    step_s: float
    hysteresis: float  # linear, at least 1
    time_to_trigger_s: float
    _samples: list[Sample] = field(default_factory=list, init=False)
    _first: int = field(default=0, init=False)  # step of the first sample that is kept
    _events: list[Handovers] = field(default_factory=list, init=False)  # of the steps that are kept
    _ahead: FloatArray | None = field(default=None, init=False)  # positions of the next samples
    _better: Better = field(init=False)

    def step(self, time_s: float) -> int:
        """Number of the sample that holds at `time_s`: a moment of the grid belongs to its own."""
        step = int(time_s / self.step_s)
        return (
            step + 1 if (step + 1) * self.step_s <= time_s else step - (step * self.step_s > time_s)
        )

    def sample(self, step: int) -> Sample:
        """Of a step that has not been forgotten."""
        while self._first + len(self._samples) <= step:
            self._advance()
        return self._samples[step - self._first]

    def at(self, time_s: float) -> Sample:
        """What holds at a time."""
        return self.sample(self.step(time_s))

    def speed_m_s(self, time_s: float) -> FloatArray:
        """Of all UEs over the step of the grid at a time; 0 of those that come or go. [K]."""
        step = self.step(time_s)
        here, there = self.sample(step), self.sample(step + 1)
        seen_m = self.landscape.deployment.seen_from(there.position_m, here.position_m)
        way_m = np.linalg.norm(seen_m - here.position_m, axis=1)
        return np.asarray(way_m * (here.present & there.present) / self.step_s)

    def forget(self, step: int) -> None:
        """Steps before will not be asked for again."""
        drop = min(step - self._first, len(self._samples) - 1)
        if drop > 0:
            del self._samples[:drop], self._events[:drop]
            self._first += drop

    def state(self) -> dict[str, Any]:
        """The samples that are kept, and what decides the handovers to come."""
        return {
            "first": self._first,
            "samples": [sample._asdict() for sample in self._samples],
            "events": [events._asdict() for events in self._events],
            "better": self._better.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._first = state["first"]
        self._samples = [Sample(**sample) for sample in state["samples"]]
        self._events = [Handovers(**events) for events in state["events"]]
        self._better = Better.restored(state["better"])
        self._ahead = None  # belongs to other steps

    def moments(
        self,
        begin_s: float,
        end_s: float,
    ) -> FloatArray:
        """Moments of the grid in (begin, end)."""
        steps = np.arange(self.step(begin_s) + 1, self.step(end_s) + 1)
        times = steps * self.step_s
        return np.asarray(times[times < end_s])

    def handovers(
        self,
        begin_s: float,
        end_s: float,
    ) -> Iterator[Handovers]:
        """Those in (begin, end], one moment of the grid after the other."""
        for step in range(self.step(begin_s) + 1, self.step(end_s) + 1):
            self.sample(step)
            events = self._events[step - self._first]
            if len(events.ue):
                yield events

    def departures(
        self,
        ue: IntArray,
        begin_s: float,
        end_s: float,
    ) -> FloatArray:
        """First moment in (begin, end] at which each of `ue` [R] is absent; inf if none."""
        gone = np.full(len(ue), np.inf)
        for step in range(self.step(begin_s) + 1, self.step(end_s) + 1):
            absent = ~self.sample(step).present[ue] & np.isinf(gone)
            gone[absent] = step * self.step_s
        return gone

    def _advance(self) -> None:
        """Take one more sample."""
        step = self._first + len(self._samples)
        place_m = self._positions(step)
        present = ~np.isnan(place_m[:, 0])
        old = self._samples[-1] if self._samples else self._nobody(len(place_m))
        place_m = np.where(present[:, None], place_m, old.position_m)
        gnb, events = self._associate(
            step * self.step_s,
            place_m,
            present,
            old,
        )
        self._samples.append(Sample(place_m, present, gnb))
        self._events.append(events)

    def _positions(self, step: int) -> FloatArray:
        """Places at a step, [K, 2], NaN where the UE is absent; several are asked for at a time."""
        if step % AHEAD == 0 or self._ahead is None:
            first = step - step % AHEAD
            times_s = (first + np.arange(AHEAD)) * self.step_s
            self._ahead = self.motion.positions(np.asarray(times_s, dtype=np.float64))
        return np.asarray(self._ahead[:, step % AHEAD])

    def _nobody(self, count: int) -> Sample:
        """What stands before the first sample: nobody is there."""
        self._better = Better.nobody()
        deployment = self.landscape.deployment
        site_m = deployment.positions_m[deployment.learning_site]
        absent = np.zeros(count, dtype=bool)
        return Sample(np.tile(site_m, (count, 1)), absent, np.zeros(count, dtype=int))

    def _associate(
        self, time_s: float, place: FloatArray, present: BoolArray, old: Sample
    ) -> tuple[IntArray, Handovers]:
        """gNBs at a moment [K], and the handovers to them."""
        best = self.landscape.serving(place)
        gnb = np.where(old.present, old.gnb, best)
        other = np.flatnonzero(present & (best != gnb))
        entered = self._entered(time_s, other, place[other], gnb[other])
        due = entered.select(time_s - entered.since_s >= self.time_to_trigger_s)
        goes, to = due.best()
        before = gnb[goes]
        gnb[goes] = to
        self._better = entered.select(~np.isin(entered.ue, goes))
        events = Handovers(
            np.full(len(goes), time_s),
            goes,
            before,
            to,
        )
        return gnb, events

    def _entered(
        self,
        time_s: float,
        ue: IntArray,
        place: FloatArray,
        gnb: IntArray,
    ) -> Better:
        """The gNBs that are better than those of UEs [R] by the hysteresis, and since when."""
        if not len(ue):
            return Better.nobody()
        sites = np.arange(len(self.landscape.deployment.positions_m))
        every = np.repeat(np.arange(len(ue)), len(sites))
        found = self.landscape.level(place[every], np.tile(sites, len(ue)))
        level = found.reshape(len(ue), len(sites))
        own = level[np.arange(len(ue)), gnb]
        row, site = np.nonzero(level > self.hysteresis * own[:, None])
        new = Better(
            ue=ue[row],
            site=site,
            level=level[row, site],
            since_s=np.full(len(row), time_s),
        )
        return new.as_before(self._better)
