"""lambda of an upload that shares its band: in closed form, from that of one that does not.

S_1, S_2 are the mean received powers of the pair, the first decoded first; both fade by Rayleigh,
J is what both hear of noise and other cells, eps the part of the first that stays, theta the
threshold, b = theta S_2 / S_1, d = theta eps S_1 / S_2.

    first:   P(h_1 S_1 >= theta (h_2 S_2 + J)) = E[exp(-theta J / S_1)] / (1 + b)
    second:  and h_2 S_2 >= theta (eps h_1 S_1 + J): a wedge of the quadrant,
             (1 - b d) / ((1 + b) (1 + d)) E[exp(-theta J k)],
             k = ((1 + theta) / S_1 + (1 + theta eps) / S_2) / (1 - b d); 0 where b d >= 1

The expectations are lambda of the first's link alone, at S_1 and at 1 / k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.protocols import SuccessModel
from netsim.radio.noma import ALONE
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class PairedSuccess:
    """As `protocols.SuccessModel`, of UEs [K] whose partners send with `partner_w`."""

    alone: SuccessModel
    partner: IntArray  # [K] ALONE: nobody
    gain: FloatArray  # [K] mean
    partner_w: float
    threshold: float
    residual: float

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """As `protocols.SuccessModel`; bands are parts of one that schemes take for twice."""
        ue, band, power = np.broadcast_arrays(ue, bandwidth_hz, power_w)
        other = np.where(self.partner[ue] == ALONE, ue, self.partner[ue])
        own_w = np.where(power > 0, power, 1.0) * self.gain[ue]
        other_w = np.where(other == ue, 0.0, self.partner_w * self.gain[other])
        leads = (self.gain[ue] > self.gain[other]) | (
            (self.gain[ue] == self.gain[other]) & (ue <= other)
        )
        first_w, second_w = np.where(leads, own_w, other_w), np.where(leads, other_w, own_w)
        factor, equal_w = self._of_pair(leads, first_w, second_w)
        first = np.where(leads, ue, other)
        equal_power_w = np.where(power > 0, equal_w / self.gain[first], 0.0)
        found = self.alone.probability(first, 2.0 * band, equal_power_w, payload_bits, airtime_s)
        return np.asarray(factor * found)

    def _of_pair(
        self, leads: FloatArray, first_w: FloatArray, second_w: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """(factor, received power of a link alone that has the same expectation)."""
        theta, eps = self.threshold, self.residual
        left = 1.0 - theta**2 * eps  # 1 - b d
        b = theta * second_w / first_w
        first = 1.0 / (1.0 + b)
        if left <= 0:
            return np.where(leads, first, 0.0), first_w
        with np.errstate(divide="ignore", invalid="ignore"):
            d = theta * eps * first_w / second_w
            k = ((1.0 + theta) / first_w + (1.0 + theta * eps) / second_w) / left
        return np.where(leads, first, first * left / (1.0 + d)), np.where(leads, first_w, 1.0 / k)
