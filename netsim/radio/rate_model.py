"""The rate of a link: what it is, and what schemes plan with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray


@dataclass(frozen=True)
class PlannedRate:
    """The rate that schemes plan with: factor W delta log2(1 + SINR / gap)."""

    factor: float = 1.0
    gap: float = 1.0


@dataclass(frozen=True)
class RateModel:
    """Rate of a link: its Shannon capacity (the paper), or that of one code with its threshold."""

    kind: str  # shannon | threshold
    threshold: float  # theta, linear

    def rate_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """W delta log2(1 + SINR), or W delta log2(1 + theta) whatever the SINR. Broadcasts."""
        if self.kind == "shannon":
            return bandwidth_hz * np.log2(1.0 + sinr)
        rate = bandwidth_hz * np.log2(1.0 + self.threshold)
        return np.broadcast_to(rate, np.shape(sinr))

    @property
    def draws_errors(self) -> bool:
        """Rates of coherence blocks are drawn: `drawn_rate_bps` instead of `rate_bps`."""
        return False

    def drawn_rate_bps(
        self, bandwidth_hz: FloatArray, sinr: FloatArray, uniform: FloatArray
    ) -> FloatArray:
        """Rates in coherence blocks from one uniform number for each. [R, 1], [R, B], [R, B]."""
        return self.rate_bps(bandwidth_hz, sinr)

    @property
    def band_blocks(self) -> int | None:
        """Resource blocks of a gNB's band; None: any share can be used."""
        return None

    def planned_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """The rate that is planned with. Broadcasts."""
        if self.kind == "threshold":
            return self.rate_bps(bandwidth_hz, sinr)
        planned = self.planned
        return planned.factor * bandwidth_hz * np.log2(1.0 + sinr / planned.gap)

    @property
    def planned(self) -> PlannedRate:
        """The rate that schemes plan with, where it is not that of the threshold's code."""
        return PlannedRate()
