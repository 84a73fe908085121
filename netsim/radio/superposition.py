"""Over-the-air aggregation: the UEs of a gNB send the same numbers at once, and the air adds them.

Truncated channel inversion: G. Zhu, Y. Wang, K. Huang, "Broadband analog aggregation for
low-latency federated edge learning", IEEE Trans. Wireless Commun. 19(1), 2020, under a limit on the
power of every upload. The error of the sum is that of X. Cao, G. Zhu, J. Xu, K. Huang, "Optimized
power control for over-the-air computation in fading channels", IEEE Trans. Wireless Commun. 19(11),
2020, whose misalignment is zero where channels are inverted (docs/model/aircomp.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.arrays import ArrayTable
from netsim.radio.alignment import Sums, receive_power_w
from netsim.radio.rate_model import PlannedRate, RateModel
from netsim.units import BoolArray, FloatArray, IntArray

NUMBERS_PER_SYMBOL = 2
"""A complex symbol carries one number in phase and one in quadrature."""

BITS_PER_SYMBOL = 32 * NUMBERS_PER_SYMBOL
"""Of the float32 tensors that the numbers are of."""

ANALOG = "analog"  # in the place of a rate model's name

ROUNDING = 1e-12
"""By so much a power may exceed its limit."""


@dataclass(frozen=True)
class AnalogRate(RateModel):
    """Tensors as amplitudes: one symbol a second in each Hz, whatever the SINR."""

    kind: str = ANALOG
    threshold: float = 0.0

    def rate_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """Bits of the tensors that are sent in a second. Broadcasts."""
        return np.broadcast_to(BITS_PER_SYMBOL * bandwidth_hz, np.shape(sinr))

    @property
    def planned(self) -> PlannedRate:
        """At an SINR of 1, which stands for any, `factor` times the bandwidth."""
        return PlannedRate(factor=BITS_PER_SYMBOL)

    def planned_bps(
        self,
        bandwidth_hz: FloatArray,
        sinr: FloatArray,
    ) -> FloatArray:
        """The same. Broadcasts."""
        return self.rate_bps(bandwidth_hz, sinr)


@dataclass
class Senders(ArrayTable):
    """M uploads that are ready to be sent."""

    ue: IntArray
    gnb: IntArray
    module: IntArray
    payload_bits: FloatArray
    limit_w: FloatArray  # power of the plan
    amplitude: FloatArray  # D_k times the root mean square of the numbers; any unit
    gain: FloatArray  # mean
    fading: FloatArray  # |h|^2
    interference_w: FloatArray  # in the part of the band that the UE would have for itself

    @property
    def sum_of(self) -> IntArray:
        """[M] number of the sum, a module's at a gNB, that an upload goes into."""
        pairs = np.stack([self.gnb, self.module], axis=1)
        _, number = np.unique(pairs, axis=0, return_inverse=True)
        return number.reshape(-1)


@dataclass(frozen=True)
class Superposition:
    """What the M uploads do."""

    share: FloatArray  # of the gNB's band, which is that of all uploads of the module
    silent: BoolArray  # cannot reach the common receive power
    power_w: FloatArray  # sent; 0 where silent
    sinr: FloatArray  # of the upload; NaN where nothing is sent
    deviation: FloatArray  # of the noise on each number of sum_k D_k u_k, in units of `amplitude`


def superpose(
    senders: Senders,
    *,
    bandwidth_hz: float,
    noise_psd_w_hz: float,
    truncation: float | None,
) -> Superposition:
    """Common receive powers, and what follows from them. At least one upload.

    An upload whose numbers are a_k times as large as the largest of its sum is to arrive with
    rho a_k^2. truncation: part of the UEs that are expected to be silent; None: the best.
    """
    number = senders.sum_of
    share = shares_of_band(number, senders.gnb, senders.payload_bits)
    disturbance_w = share * (_in_band_w(senders) + noise_psd_w_hz * bandwidth_hz)
    largest = np.zeros(number.max() + 1)
    np.maximum.at(largest, number, senders.amplitude)
    unit = np.where(largest > 0, largest, 1.0)[number]
    part = np.where(largest[number] > 0, senders.amplitude / unit, 1.0)

    with np.errstate(divide="ignore"):
        sums = Sums(
            number=number,
            part=part,
            reach_w=senders.limit_w * senders.gain / part**2,
            disturbance_w=disturbance_w,
        )
        received_w = receive_power_w(sums, truncation)[number]
        needed_w = received_w * part**2 / (senders.gain * senders.fading)
    silent = needed_w > senders.limit_w * (1 + ROUNDING)
    power_w = np.where(silent, 0.0, needed_w)
    arrives_w = np.where(power_w > 0, received_w * part**2, np.nan)
    return Superposition(
        share=share,
        silent=silent,
        power_w=power_w,
        sinr=arrives_w / disturbance_w,
        deviation=largest[number] * np.sqrt(disturbance_w / received_w),
    )


def shares_of_band(number: IntArray, gnb: IntArray, payload_bits: FloatArray) -> FloatArray:
    """Parts of a gNB's band, by the sizes of its modules, so that all sums take the same time. [M].

    number: of the sum that an upload goes into.
    """
    size = np.zeros(number.max() + 1)
    np.maximum.at(size, number, payload_bits)
    _, first = np.unique(number, return_index=True)
    total = np.bincount(gnb[first], weights=size)
    return np.asarray(size[number] / total[gnb])


def _in_band_w(senders: Senders) -> FloatArray:
    """Interference in the whole band of each upload's gNB. [M].

    Where each UE had a part of the band, each would be disturbed in it; the other cells go on.
    """
    _, first = np.unique(senders.ue, return_index=True)
    total = np.bincount(senders.gnb[first], weights=senders.interference_w[first])
    return np.asarray(total[senders.gnb], dtype=np.float64)


def mean_squared_error(
    deviation: FloatArray | float, samples: FloatArray | float
) -> FloatArray | float:
    """Of each number of the mean sum_k D_k u_k / sum_k D_k; samples: sum_k D_k of who sent.

    With equal D_k and root mean squares v: v^2 / (K^2 SNR), SNR = rho / (noise and interference).
    """
    return (deviation / samples) ** 2
