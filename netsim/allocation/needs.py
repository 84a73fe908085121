"""What part of the band UEs need to end in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.units import BoolArray, FloatArray


@dataclass(frozen=True)
class Needs:
    """Shares that UEs [K] need for their payloads at P_max."""

    view: CellView
    payload_bits: FloatArray  # [K, 1]
    fails_below: float | None  # SINR at which the known channel fails; None: it is not known

    def in_time(self, budget_s: float) -> FloatArray:
        """Infinity where none is enough. [K]."""
        power = np.full(len(self.view.ue), self.view.max_power_w)
        need = self.view.shares_for(power, self.payload_bits, budget_s)[:, 0]
        if self.fails_below is None:
            return need
        fails = _below_threshold(self.view, power, need, self.fails_below)
        return np.where(fails, np.inf, need)


def _below_threshold(
    able: CellView,
    power: FloatArray,
    share: FloatArray,
    threshold: float,
) -> BoolArray:
    """Whose SINR in its share is too low; an infinite share counts as the whole band. [K]."""
    band = able.bandwidth_hz * np.where(np.isfinite(share), share, 1.0)
    noise_w = able.noise_psd_w_hz * band
    return np.asarray(power * able.gain < threshold * (able.interference_w + noise_w))
