"""Uploads over coherence blocks of one round, in which uploads do not disturb one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.radio.link import Transmission, transmit_blocks
from netsim.radio.link_rows import LinkRows
from netsim.radio.rate_model import RateModel
from netsim.simulation.air.links import Sending
from netsim.simulation.air.moving import ChangingChannel
from netsim.units import FloatArray, IntArray


class BlockChannel(Protocol):
    """Channels of a round in coherence blocks, chunk by chunk."""

    @property
    def changing(self) -> ChangingChannel | None:
        """What changes during the round; None: nothing."""
        ...

    def chunk_channel(
        self,
        links: LinkRows,
        chunk: int,
    ) -> tuple[FloatArray, FloatArray]:
        """(gain with fading, interference in the UE's band, W). [R, B] each."""
        ...

    def block_starts_s(self, chunk: int) -> FloatArray:
        """[B], s."""
        ...

    def error_draws(self, chunk: int) -> FloatArray:
        """Uniform numbers that decide which blocks of data are lost. [K, B]."""
        ...


@dataclass(frozen=True)
class BlockUploads:
    """R uploads and the channels they are on."""

    channel: BlockChannel
    links: LinkRows
    sending: Sending
    model: RateModel

    def transmit(self, origin_s: float, coherence_s: float) -> Transmission:
        """To their ends, on a grid of blocks that starts at `origin_s`."""
        sending = self.sending
        return transmit_blocks(
            sending.bits,
            sending.hz,
            self._sinr,
            sending.start_s,
            sending.stop_s,
            model=self.model,
            origin_s=origin_s,
            coherence_s=coherence_s,
            rate_of_chunk=self._ruling_rate if self._traced or self.model.draws_errors else None,
        )

    @property
    def _traced(self) -> bool:
        """Traces give rates of some uploads."""
        changing = self.channel.changing
        return changing is not None and changing.traces.has("rate")

    def _sinr(self, chunk: int, live: IntArray) -> FloatArray:
        """SINR of some rows in the blocks of a chunk; NaN where a trace gives the rate. [R, B]."""
        part = self.links.select(live)
        ratio = self.sending.sinr(live, *self.channel.chunk_channel(part, chunk))
        changing = self.channel.changing
        if changing is None:
            return ratio
        ratio = changing.put("snr", ratio, part, self.channel.block_starts_s(chunk))
        given = self._traced_rate(chunk, live)
        if given is None:
            return ratio
        return np.where(np.isnan(given), ratio, np.nan)

    def _ruling_rate(self, chunk: int, live: IntArray) -> FloatArray | None:
        """Rates that replace those of the model, NaN where none does. [R, B]."""
        given = self._traced_rate(chunk, live)
        if not self.model.draws_errors:
            return given
        drawn = self._drawn_rate(chunk, live)
        if given is None:
            return drawn
        return np.where(np.isnan(given), drawn, given)

    def _traced_rate(self, chunk: int, live: IntArray) -> FloatArray | None:
        """Rates of traces, NaN where the model rules. [R, B]."""
        changing = self.channel.changing
        if changing is None:
            return None
        at = self.channel.block_starts_s(chunk)
        return changing.traces.rates_bps(self.links.ue[live], self.sending.share[live], at)

    def _drawn_rate(self, chunk: int, live: IntArray) -> FloatArray:
        """Rates with drawn errors, NaN in blocks that carry nothing. [R, B]."""
        ratio = self._sinr(chunk, live)
        draws = self.channel.error_draws(chunk)[self.links.ue[live]]
        rate = self.model.drawn_rate_bps(self.sending.hz[live, None], ratio, draws)
        return np.where(ratio >= self.model.threshold, rate, np.nan)
