"""UEs that come, go and change gNBs, round by round: who may be scheduled, and what is broken off.

Motion does not depend on what the simulation does, so departures and handovers of a round are known
when it opens; schemes are not told. A UE that leaves stops what it does. At a handover computing
goes on, and an upload is lost, goes on at the new gNB, or ends at the old one
(docs/model/events.md). One that has not begun is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from netsim.changing_channel import ChangingChannel
from netsim.simulation.motion.leaving import cut_short
from netsim.simulation.state import Links, Round, Rules
from netsim.simulation.uploads.transfers import Move
from netsim.topology.journey import Handovers
from netsim.units import BoolArray, FloatArray, IntArray

LinksOf = Callable[[FloatArray, IntArray, BoolArray, float], Links]
"""Links from places [K, 2], gNBs [K], who is there [K], and the time, s."""


@dataclass
class Roaming:
    """The K UEs of a run in which something moves or is traced, from round to round."""

    changing: ChangingChannel
    rules: Rules
    foundation_bits: float
    learning_site: int | None  # the one gNB that learns; None: all
    handover: str  # abort | resume | finish_old
    links_of: LinksOf
    seen_step: int = field(default=-1, init=False)  # up to which arrivals have been seen
    _heard_s: FloatArray = field(init=False)  # [K] the UE has the foundation model; inf: it has not
    _arrived_s: FloatArray = field(init=False)  # [K] last arrival of those that lack it
    _links: Links | None = field(default=None, init=False)

    def links_at(self, time_s: float) -> Links:
        """Links at a round's start.

        Served are UEs of a gNB that learns, once they have the foundation model.
        """
        changing = self.changing
        if self._links is not None and not changing.moves and not changing.traces:
            return self._links
        sample = changing.journey.at(time_s)
        gnb = sample.gnb
        if self.learning_site is not None:
            gnb = np.full(len(gnb), self.learning_site)
        links = self.links_of(
            sample.position_m,
            gnb,
            sample.present,
            time_s,
        )
        if self._links is None:
            self._heard_s = np.where(sample.present, time_s, np.inf)
            self._arrived_s = np.full(len(gnb), np.nan)
            self.seen_step = changing.journey.step(time_s)
        else:
            self._welcome(time_s)

        served = sample.present & (self._heard_s <= time_s)
        if self.learning_site is not None:
            served &= sample.gnb == self.learning_site
        self._links = replace(links, present=sample.present, served=served)
        return self._links

    def _welcome(self, time_s: float) -> None:
        """Newcomers hear the foundation model, each on its own in the whole band."""
        journey = self.changing.journey
        for step in range(self.seen_step + 1, journey.step(time_s) + 1):
            sample, at_s = journey.sample(step), step * journey.step_s
            gone = ~sample.present & (self._heard_s > at_s)
            self._heard_s[gone] = np.inf
            new = np.flatnonzero(sample.present & np.isinf(self._heard_s))
            if len(new):
                place_m, gnb = sample.position_m[new], sample.gnb[new]
                survey = journey.landscape.survey(place_m, gnb, keep=False)
                bits = 0.0 if self.rules.foundation_every_round else self.foundation_bits
                rate_bps = self.rules.downlink.bandwidth_hz * survey.downlink_efficiency
                self._heard_s[new] = at_s + bits / rate_bps
                self._arrived_s[new] = at_s
        self.seen_step = journey.step(time_s)

    def newcomers(self, until_s: float) -> tuple[IntArray, FloatArray, FloatArray]:
        """UEs that got the foundation model on their own, from and until when; told once."""
        done = np.flatnonzero(~np.isnan(self._arrived_s) & (self._heard_s <= until_s))
        found = done, self._arrived_s[done], self._heard_s[done]
        self._arrived_s[done] = np.nan
        return found

    def state(self) -> dict[str, Any]:
        """Who has the foundation model, which arrivals were seen, what is kept of the journey."""
        return {
            "seen_step": self.seen_step,
            "heard_s": self._heard_s,
            "arrived_s": self._arrived_s,
            "journey": self.changing.journey.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave, once `links_at(0)` was asked for."""
        self.seen_step = state["seen_step"]
        self._heard_s, self._arrived_s = state["heard_s"], state["arrived_s"]
        self.changing.journey.restore(state["journey"])

    def enter(self, round_: Round) -> list[Move]:
        """Cut short what departures and handovers break off, in a round that has just opened.

        Gives the uploads that go on at other gNBs, in order of time.
        """
        uploads, journey = round_.uploads, self.changing.journey
        if not len(uploads) or not self.changing.moves:
            return []
        begin_s, end_s = round_.start_s, float(uploads.deadline_s.max())
        leave_s = journey.departures(uploads.ue, begin_s, end_s)
        if np.isfinite(leave_s).any():
            cut_short(uploads, leave_s, self.rules.barrier)
        uploads.stop_s = np.minimum(uploads.deadline_s, leave_s)

        moves: list[Move] = []
        for events in journey.handovers(begin_s, end_s):
            moves += self._hand_over(round_, events)
        uploads.upload_start_s = np.minimum(uploads.upload_start_s, uploads.stop_s)
        return moves

    def _hand_over(
        self,
        round_: Round,
        events: Handovers,
    ) -> list[Move]:
        """What handovers of one moment do to uploads."""
        if self.handover == "finish_old":
            return []
        uploads, time_s = round_.uploads, float(events.time_s[0])
        to = dict(
            zip(
                events.ue.tolist(),
                events.to_gnb.tolist(),
                strict=True,
            )
        )
        rows = np.flatnonzero(np.isin(uploads.ue, events.ue))
        if self.handover == "resume":
            ready = rows[uploads.ready[rows]].tolist()
            return [
                Move(
                    time_s,
                    row,
                    to[int(uploads.ue[row])],
                )
                for row in ready
            ]
        begun = rows[uploads.upload_start_s[rows] < time_s]  # others go where they were granted
        uploads.stop_s[begun] = np.minimum(uploads.stop_s[begun], time_s)
        return []
