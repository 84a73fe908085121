"""UEs that come, go and change gNBs, round by round: who may be scheduled, and what a round loses
by it.

Motion does not depend on what the simulation does, so departures and handovers of a round are known
when it opens; schemes are not told. A UE that leaves stops what it does. At a handover computing
goes on, and an upload is lost, goes on at the new gNB, or ends at the old one (model-spec 8.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netsim.simulation.state import Links, Move, RoundState, Rules
from netsim.simulation.world import World
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class Roaming:
    """K UEs under way."""

    world: World
    rules: Rules
    learning_site: int | None  # the one gNB that learns; None: all
    handover: str  # abort | resume | finish_old
    links_of: Callable[
        [FloatArray, IntArray, BoolArray, float], Links
    ]  # places, gNBs, who is there, time
    seen_step: int = field(default=-1, init=False)  # up to which arrivals have been seen
    _heard_s: FloatArray = field(init=False)  # [K] when the UE has the foundation model; inf: not
    _arrived_s: FloatArray = field(init=False)  # [K] last arrival of those that have it not yet
    _links: Links | None = field(default=None, init=False)

    def links_at(self, time_s: float) -> Links:
        """Links at a round's start. Served are UEs of a gNB that learns, which have the foundation
        model.
        """
        world = self.world
        if self._links is not None and not world.moves and not world.traces:
            return self._links
        first = self._links is None
        sample = world.journey.at(time_s)
        gnb = sample.gnb
        if self.learning_site is not None:
            gnb = np.full(len(gnb), self.learning_site)
        links = self.links_of(sample.position_m, gnb, sample.present, time_s)
        if first:
            self._heard_s = np.where(sample.present, time_s, np.inf)
            self._arrived_s = np.full(len(gnb), np.nan)
            self.seen_step = world.journey.step(time_s)
        else:
            self._welcome(time_s)
        served = sample.present & (self._heard_s <= time_s)
        if self.learning_site is not None:
            served &= sample.gnb == self.learning_site
        self._links = Links(
            links.position_m,
            links.gnb,
            links.distance_m,
            links.gain,
            links.interference_w,
            links.noise_psd_w_hz,
            links.downlink_efficiency,
            links.site_gain,
            sample.present,
            served,
        )
        return self._links

    def _welcome(self, time_s: float) -> None:
        """Newcomers hear the foundation model, each on its own in the whole band, beside everything
        else.
        """
        journey, rules = self.world.journey, self.rules
        for step in range(self.seen_step + 1, journey.step(time_s) + 1):
            sample, at_s = journey.sample(step), step * journey.step_s
            gone = ~sample.present & (self._heard_s > at_s)
            self._heard_s[gone] = np.inf
            new = np.flatnonzero(sample.present & np.isinf(self._heard_s))
            if len(new):
                found = journey.landscape.survey(
                    sample.position_m[new], sample.gnb[new], keep=False
                )
                bits = 0.0 if rules.w0_every_round else rules.foundation_bits
                self._heard_s[new] = at_s + bits / (rules.downlink_hz * found[2])
                self._arrived_s[new] = at_s
        self.seen_step = journey.step(time_s)

    def newcomers(self, until_s: float) -> tuple[IntArray, FloatArray, FloatArray]:
        """UEs that have got the foundation model on their own by then, from and until when; told
        once.
        """
        done = np.flatnonzero(~np.isnan(self._arrived_s) & (self._heard_s <= until_s))
        found = done, self._arrived_s[done], self._heard_s[done]
        self._arrived_s[done] = np.nan
        return found

    def state(self) -> dict[str, Any]:
        """Who has the foundation model, up to when arrivals were seen, and what is kept of the
        journey.
        """
        return {
            "seen_step": self.seen_step,
            "heard_s": self._heard_s,
            "arrived_s": self._arrived_s,
            "journey": self.world.journey.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave, once `links_at(0)` was asked for."""
        self.seen_step = state["seen_step"]
        self._heard_s, self._arrived_s = state["heard_s"], state["arrived_s"]
        self.world.journey.restore(state["journey"])

    def enter(self, round_: RoundState) -> None:
        """Cut short what departures and handovers break off, in a round that has just opened."""
        round_.world = self.world
        if not len(round_.plan.ue) or not self.world.moves:
            return
        begin_s, end_s = round_.start_s, float(round_.deadline_s.max())
        leave_s = self.world.journey.departures(round_.plan.ue, begin_s, end_s)
        if np.isfinite(leave_s).any():
            cut_short(round_, leave_s, self.rules.barrier)
        stop_s = np.minimum(round_.deadline_s, leave_s)
        for events in self.world.journey.handovers(begin_s, end_s):
            to = dict(zip(events.ue.tolist(), events.to_gnb.tolist(), strict=True))
            self._hand_over(round_, stop_s, float(events.time_s[0]), to)
        round_.stop_s = stop_s
        round_.upload_start_s = np.minimum(round_.upload_start_s, stop_s)
        if round_.moves:
            round_.site = round_.gnb.copy()

    def _hand_over(
        self, round_: RoundState, stop_s: FloatArray, time_s: float, to: dict[int, int]
    ) -> None:
        """Handovers of one moment; `to` maps UEs to their new gNBs."""
        if self.handover == "finish_old":
            return
        ue = round_.plan.ue
        for row in np.flatnonzero(np.isin(ue, list(to))).tolist():
            if self.handover == "resume":
                round_.moves.append(Move(time_s, row, to[int(ue[row])]))
            else:
                computed_s = float(round_.compute_end_s[ue == ue[row]].max())
                stop_s[row] = min(stop_s[row], max(time_s, computed_s))


def cut_short(round_: RoundState, leave_s: FloatArray, barrier: bool) -> None:
    """End downloads and computing of rows [M] at `leave_s`; who has not computed by then is not
    ready.
    """
    done = break_off(round_, leave_s)
    ue, first = round_.plan.ue, round_.first
    whole = np.logical_and.reduceat(done >= 1.0, first)
    per_ue = np.diff(np.append(first, len(ue)))
    round_.ready = round_.ready & np.repeat(whole, per_ue)
    computed = np.repeat(np.maximum.reduceat(round_.compute_end_s, first), per_ue)
    round_.upload_start_s = computed
    if barrier:
        latest = np.full(len(round_.gnbs), -np.inf)
        np.maximum.at(latest, round_.cell, computed)
        round_.upload_start_s = latest[round_.cell]


def break_off(round_: RoundState, until_s: FloatArray) -> FloatArray:
    """End downloads and computing of rows [M] at `until_s`. [M] part of the computing that was
    done.
    """
    heard = _part_done(round_.slot_start_s, round_.slot_end_s, until_s)
    round_.slot_bits = round_.slot_bits * heard
    done = _part_done(round_.compute_start_s, round_.compute_end_s, until_s)
    round_.compute_done = round_.compute_done * done
    for name in ("slot_start_s", "slot_end_s", "compute_start_s", "compute_end_s"):
        setattr(round_, name, np.minimum(getattr(round_, name), until_s))
    return done


def _part_done(start_s: FloatArray, end_s: FloatArray, leave_s: FloatArray) -> FloatArray:
    """Part of each activity that is over at `leave_s`; one that takes no time is, or is not
    begun.
    """
    length = end_s - start_s
    at = np.where(leave_s >= end_s, 1.0, 0.0)
    part = np.divide(leave_s - start_s, length, out=at, where=(length > 0) & (leave_s < end_s))
    return np.asarray(np.clip(part, 0.0, 1.0))
