"""Uploads over coherence blocks of one round, in which uploads do not disturb one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netsim.changing_channel import ChangingChannel
from netsim.radio.fading import CHUNK_BLOCKS, block_starts_s
from netsim.radio.field_draws import Draws
from netsim.radio.link import transmit_blocks
from netsim.radio.link_rows import LinkRows
from netsim.radio.progress import Transmission
from netsim.radio.rate_model import RateModel, upload_draws
from netsim.simulation.air.links import Sending
from netsim.units import FloatArray, IntArray

ChunkChannel = Callable[[LinkRows, int, float], Draws]
"""(gain with fading, interference in the UE's band, W) of links [R] in the blocks of a chunk, which
are so long. [R, B] each."""


@dataclass(frozen=True)
class BlockUploads:
    """R uploads and the channels they are on."""

    origin_s: float  # the grid of blocks starts there
    block_s: float
    links: LinkRows
    sending: Sending
    changing: ChangingChannel | None  # None: nothing changes during the round
    channel: ChunkChannel

    def transmit(self, model: RateModel, seed: int, round: int) -> Transmission:
        """To their ends; the seed and the round decide which data is lost."""

        def draws(chunk: int, live: IntArray) -> FloatArray | None:
            if not model.draws_errors:
                return None
            return upload_draws(
                seed,
                "nr_errors",
                (round, chunk),
                ue=self.links.ue[live],
                module=self.sending.module[live],
                count=CHUNK_BLOCKS,
            )

        sending = self.sending
        return transmit_blocks(
            sending.bits,
            sending.hz,
            self._sinr,
            sending.start_s,
            sending.stop_s,
            model=model,
            origin_s=self.origin_s,
            coherence_s=self.block_s,
            rate_of_chunk=self._traced_rate,
            draws_of_chunk=draws,
            learnt=sending.learnt,
        )

    def _sinr(self, chunk: int, live: IntArray) -> FloatArray:
        """SINR of some rows in the blocks of a chunk. [R, B]."""
        part = self.links.select(live)
        ratio = self.sending.sinr(live, *self.channel(part, chunk, self.block_s))
        if self.changing is None:
            return ratio
        return self.changing.put("snr", ratio, part, self._starts_s(chunk))

    def _traced_rate(self, chunk: int, live: IntArray) -> FloatArray | None:
        """Rates of traces, NaN where the model rules. [R, B]."""
        if self.changing is None:
            return None
        ue, share = self.links.ue[live], self.sending.share[live]
        return self.changing.traces.rates_bps(ue, share, self._starts_s(chunk))

    def _starts_s(self, chunk: int) -> FloatArray:
        """[B], s."""
        return block_starts_s(self.origin_s, chunk, self.block_s)
