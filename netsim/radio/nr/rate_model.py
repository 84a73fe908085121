"""NR as a rate model of `netsim.radio.link`: from bandwidth and SINR to goodput."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.radio.nr.adapted import AdaptedRates
from netsim.radio.nr.goodput import NrLink
from netsim.radio.nr.grid import SUBCARRIERS_PER_BLOCK, SYMBOLS_PER_SLOT
from netsim.radio.nr.lookup import expected_bps
from netsim.radio.rate_model import BlockRates, PlannedRate, RateModel
from netsim.units import FloatArray, from_db

PLANNING_GAP_DB = 3.0


@dataclass(frozen=True)
class NrRateModel(RateModel):
    """Goodput of an NR link on the whole resource blocks of a band."""

    link: NrLink = field(default_factory=NrLink)
    sampled: bool = False  # errors are drawn, where blocks are

    @classmethod
    def of(cls, link: NrLink, *, sampled: bool = False) -> NrRateModel:
        """The model of a link; its threshold is where the first scheme begins to work."""
        return cls(
            kind="nr",
            threshold=link.lowest_sinr,
            link=link,
            sampled=sampled,
        )

    @property
    def draws_errors(self) -> bool:
        """As `RateModel`."""
        return self.sampled

    @property
    def shortest_block_s(self) -> float:
        """A slot: a transport block has one SINR."""
        return self.link.grid.slot_s

    def rate_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """Expected goodput with the scheme that fits the SINR; arrays broadcast."""
        shape = np.broadcast_shapes(np.shape(bandwidth_hz), np.shape(sinr))
        ratio = np.broadcast_to(sinr, shape).reshape(-1, 1)
        band = np.broadcast_to(bandwidth_hz, shape).ravel()
        blocks = self.link.grid.whole_blocks(band)
        return expected_bps(self.link, blocks, ratio, ratio).reshape(shape)

    def over_blocks(
        self,
        count: int,
        block_s: float,
        *,
        learns: bool = True,
        learnt: FloatArray | None = None,
    ) -> BlockRates:
        """As `RateModel`: schemes follow the SINR late. What is learnt are margins, dB."""
        rates = AdaptedRates(self.link, count, block_s, threshold=self.threshold, learns=learns)
        if learnt is not None:
            rates.go_on(learnt)
        return rates

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
