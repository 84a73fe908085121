"""The uplink in field mode: how the uploads of a round end, given their start, share and power.

Orthogonal channels in each cell, interferers from outside drawn anew for every upload, Rayleigh
fading. Uploads do not disturb one another, so a round's are all computed when it opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.errors import ScenarioError
from netsim.radio.fading import block_fading, upload_fading
from netsim.radio.interference import InterfererField
from netsim.radio.link import RateModel, Transmission, sinr, transmit_blocks, transmit_constant
from netsim.simulation.across import transmit_across
from netsim.simulation.airing import AiringLog
from netsim.simulation.clock import Clock
from netsim.simulation.lasting import DrawnInBlocks, DrawnOnce
from netsim.simulation.reallocation import transmit_with_reallocation
from netsim.simulation.state import Links, RoundState
from netsim.simulation.world import WorldAir
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Uplink:
    """What governs the uplink, the same for the whole run."""

    seed: int
    bandwidth_hz: float  # of each gNB
    noise_psd_w_hz: float
    model: RateModel
    interferers: InterfererField  # at its power, P_max
    interferers_follow: bool  # they send with the power of the UE they disturb instead
    coherence_s: float | None  # None: one fading draw per attempt
    retransmissions: int  # of an upload in outage, at most
    reallocates: bool  # the band of an upload that has ended goes to the others of its gNB

    @property
    def max_power_w(self) -> float:
        """Power of every interferer, W."""
        return self.interferers.power_w

    def expected(self, links: Links) -> tuple[FloatArray, FloatArray]:
        """(interference in W [K], noise density in W/Hz [K]) that schemes plan with."""
        mean_w = self.interferers.mean_w(links.distance_m, links.gnb)
        return mean_w, np.full(len(links), self.noise_psd_w_hz)

    def channel(self, round: int, links: Links, attempt: int = 1) -> tuple[FloatArray, FloatArray]:
        """(channel gain with fading [K], interference in W [K]) of an attempt's uploads (round
        fading).
        """
        if self.coherence_s is not None:
            raise ScenarioError(
                "perfect channel knowledge needs one fading draw per upload",
                where="scenario: radio.fading",
                value="block",
            )
        draw = self.interferers.draw(self.seed, round, attempt, links.distance_m, links.gnb)
        return upload_fading(
            self.seed, round, attempt, len(links)
        ) * links.gain, draw.upload_power_w()

    def begin(self, clock: Clock, round_: RoundState) -> None:
        """Fill in the round's airing, and let each upload's event fire at its end."""
        air = OnAir(self, round_)
        log = AiringLog(len(round_.ready))
        if round_.lineage is not None:
            self._begin_lasting(clock, air, log, round_)
            return
        if round_.moves:
            transmit_across(air, log, round_)
        elif self.reallocates:
            transmit_with_reallocation(air, log, round_)
        else:
            self._transmit(air, log, round_, np.flatnonzero(round_.ready))
        round_.airing = log.airing()
        ends = round_.airing.end_s.tolist()
        for row in np.flatnonzero(round_.ready).tolist():
            clock.fire(round_.sent[row], ends[row])

    def _begin_lasting(self, clock: Clock, air: OnAir, log: AiringLog, round_: RoundState) -> None:
        """Uploads that may outlast the round; those that end in it by its deadline, or are known
        to, fire.
        """
        if self.coherence_s is None:
            if round_.carried is not None:
                log.load(round_.carried.row, round_.carried.airing)
            self._transmit(air, log, round_, np.flatnonzero(round_.ready & round_.own))
            round_.airing = log.airing()
            round_.afloat = DrawnOnce(round_, round_.airing)
        else:
            blocks = DrawnInBlocks(air, round_, self.bandwidth_hz)
            round_.afloat = blocks
            nobody = np.zeros(len(blocks.rows), dtype=bool)
            round_.airing, _ = blocks.airing_at(round_.deadline_s[blocks.rows], nobody)
        ends = round_.airing.end_s
        comes = round_.ready & (ends > round_.start_s) & np.isfinite(ends)
        for row in np.flatnonzero(comes).tolist():
            clock.fire(round_.sent[row], float(ends[row]))

    def _transmit(self, air: OnAir, log: AiringLog, round_: RoundState, rows: IntArray) -> None:
        """Uploads `rows` on their own shares until they are through, attempts one after the
        other.
        """
        lasting = round_.lineage is not None
        share, start = round_.plan.share[rows], round_.upload_start_s[rows]
        for attempt in range(1, self.retransmissions + 2):
            if not len(rows):
                return
            payload, deadline = round_.payload_bits[rows], round_.stop_s[rows]
            sent = air.send(rows, np.full(len(rows), attempt), share, payload, start, deadline)
            end = np.minimum(sent.finish_s, deadline)
            sinr = sent.sinr if lasting else None
            log.segment(rows, attempt, start, end, self.bandwidth_hz * share, sent.bits, None, sinr)
            log.attempt(rows, attempt, sent.finish_s, end, sent.sinr, sent.outage)
            again = sent.outage & (end < deadline)
            rows, share, start = rows[again], share[again], end[again]


@dataclass
class OnAir:
    """One round's channel, drawn as attempts ask for it."""

    uplink: Uplink
    round_: RoundState
    _channel: dict[int, tuple[FloatArray, FloatArray]] = field(default_factory=dict, init=False)
    world: WorldAir | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.round_.world is not None:
            self.world = WorldAir(self.round_.world, self.uplink, self.round_)

    def send(
        self,
        rows: IntArray,
        attempt: IntArray,
        share: FloatArray,
        bits: FloatArray,
        start_s: FloatArray,
        deadline_s: FloatArray,
    ) -> Transmission:
        """What becomes of `bits` of `rows` on constant shares. Shapes [R]; UEs without bits are not
        asked.
        """
        uplink, round_ = self.uplink, self.round_
        links, plan = round_.links, round_.plan
        ue, power = plan.ue[rows], plan.power_w[rows]
        bandwidth = uplink.bandwidth_hz * share
        noise = uplink.noise_psd_w_hz * bandwidth
        # a UE with several modules hears the interference of its whole band, each row its part
        level = share / np.bincount(ue, weights=share)[ue]
        if uplink.interferers_follow:
            level = level * np.bincount(ue, weights=power)[ue] / uplink.max_power_w
        if self.world is not None:
            return self.world.send(rows, attempt, share, level, bits, start_s, deadline_s)
        if uplink.coherence_s is None:
            gain, interference = self._drawn(ue, attempt)
            ratio = sinr(power * gain, level * interference, noise)
            return transmit_constant(
                bits, bandwidth, ratio, start_s, deadline_s, model=uplink.model
            )
        mean_signal = power * links.gain[ue]
        draw = uplink.interferers.draw(uplink.seed, round_.number, 1, links.distance_m, links.gnb)

        def sinr_of_chunk(chunk: int, live: IntArray) -> FloatArray:
            h = block_fading(uplink.seed, round_.number, chunk, len(links))[ue[live]]
            interference = level[live, None] * draw.block_power_w(chunk)[ue[live]]
            return sinr(h * mean_signal[live, None], interference, noise[live, None])

        return transmit_blocks(
            bits,
            bandwidth,
            sinr_of_chunk,
            start_s,
            deadline_s,
            model=uplink.model,
            origin_s=round_.start_s,
            coherence_s=uplink.coherence_s,
        )

    def _drawn(self, ue: IntArray, attempt: IntArray) -> tuple[FloatArray, FloatArray]:
        """Gain with fading, and interference, of each row's UE in its attempt."""
        gain, interference = np.empty(len(ue)), np.empty(len(ue))
        for number in np.unique(attempt).tolist():
            if number not in self._channel:
                self._channel[number] = self.uplink.channel(
                    self.round_.number, self.round_.links, number
                )
            mine = attempt == number
            gain[mine] = self._channel[number][0][ue[mine]]
            interference[mine] = self._channel[number][1][ue[mine]]
        return gain, interference
