"""The air in field mode: orthogonal channels in each cell, interferers from outside drawn anew for
every upload, Rayleigh fading.

Uploads do not disturb one another, so each can be followed to its end at once. Where UEs move or
traces stand in for the channel model, large-scale gains change at known moments; the draws are
those of a round in which nothing moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from netsim.changing_channel import ChangingChannel
from netsim.radio.fading import (
    block_lengths_s,
    block_starts_s,
    fading_of_blocks,
    upload_fading,
)
from netsim.radio.field_draw import FieldDraw
from netsim.radio.field_draws import Draws, FieldDraws
from netsim.radio.interference import InterfererField
from netsim.radio.link import (
    in_groups,
    sinr,
    transmit_constant,
    transmit_pieces,
)
from netsim.radio.link_rows import LinkRows
from netsim.radio.noma import Sic
from netsim.radio.progress import Transmission
from netsim.radio.rate_model import RateModel
from netsim.radio.replay import changing_columns
from netsim.simulation.air.blocks import BlockUploads
from netsim.simulation.air.links import Sending, links_of
from netsim.simulation.state import Links, RoundSpan
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class FieldUplink:
    """What governs the uplink in field mode, the same for the whole run."""

    seed: int
    bandwidth_hz: float  # of each gNB
    noise_psd_w_hz: float
    model: RateModel
    interferers: InterfererField  # at its power, P_max
    interferers_follow: bool  # they send with the power of the UE they disturb instead
    coherence_s: float | None  # of UEs that stand; None: one fading draw per attempt
    retransmissions: int  # of an upload in outage, at most
    reallocates: bool  # the band of an upload that has ended goes to the others of its gNB
    doppler_hz: float = np.nan  # likewise, of the Jakes spectrum; NaN: independent blocks
    sic: Sic | None = None  # two UEs share a band; None: each upload has its own

    @property
    def max_power_w(self) -> float:
        """Power of every interferer, W."""
        return self.interferers.power_w

    def draws(self, round: int, links: Links, attempt: int) -> tuple[FloatArray, FloatArray]:
        """(fading gain [K], interference in W [K]) of an attempt at uploads of `round`."""
        field = self.interferers.draw(self.seed, round, attempt, links.distance_m, links.gnb)
        fading = upload_fading(self.seed, round, attempt, len(links))
        return fading, field.upload_power_w()

    def open(self, span: RoundSpan, links: Links, changing: ChangingChannel | None) -> FieldAir:
        """The air of a round."""
        return FieldAir(self, span, links, changing)


@dataclass
class FieldAir:
    """One round's channel, drawn as it is asked for."""

    uplink: FieldUplink
    span: RoundSpan
    links: Links
    changing: ChangingChannel | None  # None: nothing changes during the round
    draws: FieldDraws = field(init=False)

    block_end_s = None  # as `Air`: changes hold at once
    whole_threshold = None  # as `Air`: nothing changes

    def __post_init__(self) -> None:
        uplink, links = self.uplink, self.links
        self.draws = FieldDraws(
            of_attempt=lambda begun, attempt: uplink.draws(begun, links, attempt),
        )

    @property
    def block_fading(self) -> bool:
        """As `Air`."""
        return self.uplink.coherence_s is not None

    def next_step_s(self, start_s: FloatArray) -> tuple[float, float]:
        """As `Air`: all of the round."""
        return self.span.start_s, self.span.horizon_s

    def interference_level(self, uploads: Uploads, rows: IntArray) -> FloatArray:
        """As `Air`: in proportion to bandwidth, and to the UE's power if interferers follow it."""
        ue, band = uploads.ue[rows], uploads.band[rows]
        level = band / np.bincount(ue, weights=band)[ue]
        if self.uplink.interferers_follow:
            power_w = np.bincount(ue, weights=uploads.power_w[rows])[ue]
            level = level * power_w / self.uplink.max_power_w
        return np.asarray(level)

    def transmit(self, uploads: Uploads, rows: IntArray, stop_s: FloatArray) -> Transmission:
        """As `Air`."""
        links = links_of(uploads, rows)
        sending = Sending.of(
            uploads,
            rows,
            stop_s,
            bandwidth_hz=self.uplink.bandwidth_hz,
            noise_psd_w_hz=self.uplink.noise_psd_w_hz,
        )
        if self.block_fading:
            return self._in_blocks(links, sending)
        if self.changing is not None:
            return self._in_pieces(self.changing, links, sending)
        return self._at_one_rate(links, sending)

    def _at_one_rate(self, links: LinkRows, sending: Sending) -> Transmission:
        """Nothing changes from the start of an attempt to its end."""
        fading, interference_w = self.draws.in_attempts(links)
        gain = fading * self.links.gain[links.ue]
        signal_w, interference_w = sending.power_w * gain, sending.level * interference_w
        if self.uplink.sic is not None:
            mean_w = sending.power_w * self.links.gain[links.ue]
            received = mean_w, signal_w, interference_w
            return self.uplink.sic.transmit(sending, links.ue, *received, self.uplink.model)
        ratio = sinr(signal_w, interference_w, sending.noise_w)
        return transmit_constant(
            sending.bits,
            sending.hz,
            ratio,
            sending.start_s,
            sending.stop_s,
            model=self.uplink.model,
        )

    def _in_pieces(
        self, changing: ChangingChannel, links: LinkRows, sending: Sending
    ) -> Transmission:
        """Gains and traces change at known moments, between which rates are constant."""
        at = self._edges_s[:-1]
        ratio = sending.sinr(slice(None), *self.attempt_channel(links, at))
        ratio = changing.put("snr", ratio, links, at)
        rate = self.uplink.model.rate_bps(sending.hz[:, None], ratio)
        given = changing.traces.rates_bps(links.ue, sending.share, at)
        if given is not None:
            rules = ~np.isnan(given)
            rate = np.where(rules, given, rate)
            ratio = np.where(rules, np.nan, ratio)

        new = changing_columns(rate) | changing_columns(ratio)  # what does not change is one piece
        return transmit_pieces(
            sending.bits,
            rate[:, new],
            ratio[:, new],
            np.append(at[new], self._edges_s[-1]),
            sending.start_s,
            sending.stop_s,
            threshold=self.uplink.model.threshold,
        )

    def attempt_channel(self, links: LinkRows, at_s: FloatArray) -> Draws:
        """(gain with fading, interference in the UE's band, W) at times. [R, T] each."""
        assert self.changing is not None
        draws = np.stack(self.draws.in_attempts(links))
        fading, interference_w = np.repeat(draws[..., None], len(at_s), axis=2)
        return self.changing.channel(links, fading, interference_w, at_s)

    def _in_blocks(self, links: LinkRows, sending: Sending) -> Transmission:
        """Fading changes with every coherence block of a grid that starts with the round."""

        def transmit(rows: IntArray | slice, block_s: float) -> Transmission:
            uploads = BlockUploads(
                origin_s=self.span.start_s,
                block_s=block_s,
                links=links.select(rows),
                sending=sending.select(rows),
                changing=self.changing,
                channel=self.chunk_channel,
            )
            return uploads.transmit(
                self.uplink.model,
                self.uplink.seed,
                self.span.number,
            )

        block_s = self.block_s[links.ue]
        return in_groups(block_s, transmit)

    @cached_property
    def block_s(self) -> FloatArray:
        """Length of the blocks of each UE. [K]."""
        uplink = self.uplink
        assert uplink.coherence_s is not None
        return block_lengths_s(uplink.coherence_s, self.links.pace, uplink.model.shortest_block_s)

    def chunk_channel(self, links: LinkRows, chunk: int, block_s: float) -> Draws:
        """(gain with fading, interference in the UE's band, W) in the blocks of a chunk. [R, B]."""
        fading, interference_w = self.draws.in_chunk(links, chunk, block_s, self._draw_chunk)
        if self.changing is None:
            return fading * self.links.gain[links.ue][:, None], interference_w
        at = block_starts_s(self.span.start_s, chunk, block_s)
        return self.changing.channel(links, fading, interference_w, at)

    def _draw_chunk(self, chunk: int, block_s: float, ue: IntArray) -> Draws:
        """Of UEs [R], ascending, [R, B] each."""
        doppler_hz = self.uplink.doppler_hz * self.links.pace
        key = self.uplink.seed, self.span.number, chunk
        fading = fading_of_blocks(*key, block_s, doppler_hz, ue)
        return fading, self._field.block_power_w(chunk, ue)

    @cached_property
    def _field(self) -> FieldDraw:
        """The interferers of the round."""
        draw, links = self.uplink.interferers.draw, self.links
        return draw(self.uplink.seed, self.span.number, 1, links.distance_m, links.gnb)

    @cached_property
    def _edges_s(self) -> FloatArray:
        """Moments at which gains or traces may change, with both ends of the round."""
        assert self.changing is not None
        begin_s, end_s = self.span.start_s, self.span.deadline_s
        changes_s = self.changing.changes_s(begin_s, end_s)
        return np.concatenate([[begin_s], changes_s, [end_s]])
