"""The air of a round in which things change: UEs move, or traces stand in for the channel model.

Large-scale gains hold from one moment of the journey's grid to the next; draws are those of a round
in which nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from netsim.radio.fading import CHUNK_BLOCKS, block_fading, upload_fading
from netsim.radio.interference import FieldDraw
from netsim.radio.link import Transmission, sinr, transmit_blocks, transmit_pieces
from netsim.radio.replay import ChannelTraces
from netsim.simulation.journey import Journey
from netsim.simulation.state import RoundState
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.simulation.uplink import Uplink


@dataclass(frozen=True)
class World:
    """What changes in time, the same for the whole run."""

    journey: Journey
    moves: bool
    traces: ChannelTraces

    def gain(self, ue: IntArray, site: IntArray, times_s: FloatArray) -> FloatArray:
        """Mean channel gain of UEs [R] to one site [R] each, at times [T]. [R, T]."""
        steps = np.array([self.journey.step(t) for t in times_s.tolist()])
        if not self.moves:
            steps[:] = steps[:1]
        gain = np.empty((len(ue), len(steps)))
        for step in np.unique(steps).tolist():
            place = self.journey.sample(step).position_m[ue]
            gain[:, steps == step] = self.journey.landscape.link_gain(place, site)[:, None]
        return self.traces.put("gain", gain, ue, site, np.ones_like(ue), times_s)

    def changes_s(self, begin_s: float, end_s: float) -> FloatArray:
        """Times in (begin, end) at which gains or traces may change, ascending."""
        moments = self.journey.moments(begin_s, end_s) if self.moves else np.empty(0)
        return np.union1d(moments, self.traces.changes_s(begin_s, end_s))


@dataclass
class WorldAir:
    """One round of the uplink in field mode."""

    world: World
    uplink: Uplink
    round_: RoundState
    _draws: dict[int, tuple[FloatArray, FloatArray]] = field(default_factory=dict, init=False)
    _edges: FloatArray | None = field(default=None, init=False)
    _field: FieldDraw | None = field(default=None, init=False)
    _chunk: tuple[int, FloatArray, FloatArray] | None = field(default=None, init=False)

    def send(
        self,
        rows: IntArray,
        attempt: IntArray,
        share: FloatArray,
        level: FloatArray,
        bits: FloatArray,
        start_s: FloatArray,
        stop_s: FloatArray,
    ) -> Transmission:
        """As `OnAir.send`; `level` [R] is the part of the interference that is heard."""
        uplink, round_ = self.uplink, self.round_
        ue, site, power = round_.plan.ue[rows], round_.site[rows], round_.plan.power_w[rows]
        hz = uplink.bandwidth_hz * share
        noise = uplink.noise_psd_w_hz * hz

        def ratio(
            gain: FloatArray, interference: FloatArray, live: IntArray, at: FloatArray
        ) -> FloatArray:
            found = sinr(
                power[live, None] * gain, level[live, None] * interference, noise[live, None]
            )
            return self.world.traces.put("snr", found, ue[live], site[live], attempt[live], at)

        def rates(live: IntArray, at: FloatArray) -> FloatArray | None:
            return self.world.traces.rates_bps(ue[live], share[live], at)

        every = np.arange(len(rows))
        if uplink.coherence_s is None:
            edges = self._edges_s()
            at = edges[:-1]
            found = ratio(*self.channel(ue, site, attempt, at), every, at)
            rate, given = uplink.model.rate_bps(hz[:, None], found), rates(every, at)
            if given is not None:
                rules = ~np.isnan(given)
                rate, found = np.where(rules, given, rate), np.where(rules, np.nan, found)
            new = _changes(rate) | _changes(
                found
            )  # what does not change is one piece, whoever could have
            edges = np.append(at[new], edges[-1])
            return transmit_pieces(
                bits,
                rate[:, new],
                found[:, new],
                edges,
                start_s,
                stop_s,
                threshold=uplink.model.threshold,
            )

        def sinr_of_chunk(chunk: int, live: IntArray) -> FloatArray:
            at = self.block_starts_s(chunk)
            found = ratio(*self.channel(ue[live], site[live], attempt[live], at, chunk), live, at)
            given = rates(live, at)
            return found if given is None else np.where(np.isnan(given), found, np.nan)

        return transmit_blocks(
            bits,
            hz,
            sinr_of_chunk,
            start_s,
            stop_s,
            model=uplink.model,
            origin_s=round_.start_s,
            coherence_s=uplink.coherence_s,
            rate_of_chunk=(lambda chunk, live: rates(live, self.block_starts_s(chunk)))
            if self.world.traces.has("rate")
            else None,
        )

    def channel(
        self,
        ue: IntArray,
        site: IntArray,
        attempt: IntArray,
        at: FloatArray,
        chunk: int | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """(gain with fading, interference of the whole band in W) of links [R] at times [T]. [R, T]
        each.
        """
        traces = self.world.traces
        if chunk is None:
            h, interference = np.empty((2, len(ue), 1))
            for number in np.unique(attempt).tolist():
                mine = attempt == number
                drawn = self._drawn(number)
                h[mine, 0], interference[mine, 0] = drawn[0][ue[mine]], drawn[1][ue[mine]]
            h, interference = (np.broadcast_to(a, (len(ue), len(at))) for a in (h, interference))
        else:
            blocks = self._blocks(chunk)
            h, interference = blocks[0][ue], blocks[1][ue]
        h = traces.put("fading", h, ue, site, attempt, at)
        gain = traces.put("total", h * self.world.gain(ue, site, at), ue, site, attempt, at)
        return gain, traces.put("interference", interference, ue, site, attempt, at)

    def block_starts_s(self, chunk: int) -> FloatArray:
        """[block], s."""
        assert self.uplink.coherence_s is not None
        block = chunk * CHUNK_BLOCKS + np.arange(CHUNK_BLOCKS)
        return np.asarray(self.round_.start_s + block * self.uplink.coherence_s)

    def _edges_s(self) -> FloatArray:
        if self._edges is None:
            begin, end = self.round_.start_s, float(self.round_.deadline_s.max())
            self._edges = np.concatenate([[begin], self.world.changes_s(begin, end), [end]])
        return self._edges

    def _drawn(self, attempt: int) -> tuple[FloatArray, FloatArray]:
        """|h|^2 [K] and interference [K] of an attempt."""
        if attempt not in self._draws:
            uplink, links, number = self.uplink, self.round_.links, self.round_.number
            found = uplink.interferers.draw(
                uplink.seed, number, attempt, links.distance_m, links.gnb
            )
            h = upload_fading(uplink.seed, number, attempt, len(links))
            self._draws[attempt] = h, found.upload_power_w()
        return self._draws[attempt]

    def _blocks(self, chunk: int) -> tuple[FloatArray, FloatArray]:
        """|h|^2 [K, block] and interference [K, block] of a chunk."""
        if self._chunk is None or self._chunk[0] != chunk:
            uplink, links, number = self.uplink, self.round_.links, self.round_.number
            if self._field is None:
                self._field = uplink.interferers.draw(
                    uplink.seed, number, 1, links.distance_m, links.gnb
                )
            h = block_fading(uplink.seed, number, chunk, len(links))
            self._chunk = chunk, h, self._field.block_power_w(chunk)
        return self._chunk[1], self._chunk[2]


def _changes(values: FloatArray) -> BoolArray:
    """Columns of [R, T] in which some row is another than in the column before; the first is."""
    before, now = values[:, :-1], values[:, 1:]
    other = (now != before) & ~(np.isnan(now) & np.isnan(before))
    return np.append(True, other.any(axis=0))


@dataclass
class MediumAir:
    """Gains to every one of S sites in network mode."""

    world: World
    sites: int
    _step: int | None = field(default=None, init=False)
    _gain: FloatArray | None = field(default=None, init=False)  # [K, S] of that step

    def total(self, ue: IntArray, h: FloatArray, attempt: IntArray, time_s: float) -> FloatArray:
        """Gain with fading `h` [R, S] of UEs [R] to all sites at a time. [R, S]."""
        traces, step = self.world.traces, self.world.journey.step(time_s)
        if self._gain is None or (self.world.moves and step != self._step):
            place = self.world.journey.sample(step).position_m
            columns = self.world.journey.landscape.columns(place)
            self._gain, self._step = np.stack([gain for _, gain in columns], axis=1), step
        gain = self._gain[ue]
        if not traces:
            return np.asarray(gain * h)
        every_ue, site = np.repeat(ue, self.sites), np.tile(np.arange(self.sites), len(ue))
        attempts, at = np.repeat(attempt, self.sites), np.array([time_s])

        def put(kind: str, values: FloatArray) -> FloatArray:
            return traces.put(kind, values.reshape(-1, 1), every_ue, site, attempts, at).reshape(
                gain.shape
            )

        return put("total", put("gain", gain) * put("fading", h))
