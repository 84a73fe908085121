"""NR as a rate model of `netsim.radio.link`: from bandwidth and SINR to goodput."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.radio.nr.goodput import NrLink
from netsim.radio.nr.grid import SUBCARRIERS_PER_BLOCK, SYMBOLS_PER_SLOT
from netsim.radio.rate_model import PlannedRate, RateModel
from netsim.units import FloatArray, IntArray, from_db

PLANNING_GAP_DB = 3.0


@dataclass(frozen=True)
class NrRateModel(RateModel):
    """Goodput of an NR link on the whole resource blocks of a band."""

    link: NrLink = field(default_factory=NrLink)
    coherence_s: float | None = None  # None: the SINR of an upload does not change
    sampled: bool = False  # errors are drawn, where blocks are

    @classmethod
    def of(
        cls,
        link: NrLink,
        coherence_s: float | None,
        *,
        sampled: bool = False,
    ) -> NrRateModel:
        """The model of a link; its threshold is where the first scheme begins to work."""
        return cls(
            kind="nr",
            threshold=link.lowest_sinr,
            link=link,
            coherence_s=coherence_s,
            sampled=sampled,
        )

    @property
    def draws_errors(self) -> bool:
        """As `RateModel`."""
        return self.sampled and self.coherence_s is not None

    def drawn_rate_bps(
        self, bandwidth_hz: FloatArray, sinr: FloatArray, uniform: FloatArray
    ) -> FloatArray:
        """As `RateModel`; the mean is `rate_bps`."""
        assert self.coherence_s is not None
        blocks = self.blocks_of(bandwidth_hz[:, 0])
        return self.link.drawn_rate_bps(blocks, sinr, self.coherence_s, uniform)

    def rate_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """Expected goodput; arrays broadcast. The last of several axes runs over blocks in time.

        Without such an axis the scheme fits the SINR. With it, the scheme is late by the link's
        CSI delay (see `NrLink.rate_bps`).
        """
        shape = np.broadcast_shapes(np.shape(bandwidth_hz), np.shape(sinr))
        in_time = len(shape) > 1 and self.coherence_s is not None
        per_row = shape[-1] if in_time else 1
        rows = np.broadcast_to(sinr, shape).reshape(-1, per_row)
        bands = np.broadcast_to(bandwidth_hz, shape).reshape(-1, per_row)
        blocks = self.blocks_of(bands[:, 0])
        if in_time and self.coherence_s is not None:
            rate = self.link.rate_bps(blocks, rows, self.coherence_s)
        else:
            rate = self.link.expected_bps(blocks, rows, rows)
        return rate.reshape(shape)

    @property
    def band_blocks(self) -> int:
        """Resource blocks of the carrier."""
        return self.link.grid.blocks

    @property
    def planned(self) -> PlannedRate:
        """Shannon's rate on the data elements of uplink slots, at 3 dB less SINR.

        That is about the distance of this link layer to capacity between 0 and 15 dB.
        """
        grid = self.link.grid
        used = grid.elements_per_block / (SUBCARRIERS_PER_BLOCK * SYMBOLS_PER_SLOT)
        return PlannedRate(factor=grid.uplink_fraction * used, gap=from_db(PLANNING_GAP_DB))

    def blocks_of(self, bandwidth_hz: FloatArray) -> IntArray:
        """Whole resource blocks in a part of the channel, guard bands included. Any shape."""
        grid = self.link.grid
        blocks = np.asarray(bandwidth_hz) * (grid.blocks / grid.bandwidth_hz)
        return np.floor(blocks + 1e-6).astype(np.int64)
