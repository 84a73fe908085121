"""Mutual information of square QAM over a Gaussian channel, and its dispersion.

With bit-interleaved coded modulation (Caire, Taricco, Biglieri, "Bit-interleaved coded modulation",
IEEE Trans. Inf. Theory 44(3), 1998) a symbol carries the information density

    i = sum_b [1 - log2 sum_x p(y | x) / sum_{x with the sent bit b} p(y | x)]

whose mean I and variance V set the error rate of codes of finite length (see `error_rate`). A
square constellation is two independent Gray-coded amplitudes, so both are sums over these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from netsim.units import FloatArray, from_db

LOWEST_DB = -30.0
HIGHEST_DB = 40.0
STEP_DB = 0.2
_NODES = 24  # of the Gauss-Hermite quadrature over the noise


@dataclass(frozen=True)
class InformationCurve:
    """I and V of one modulation, per symbol, on the grid of SINRs in dB. [S]."""

    bits: FloatArray
    variance: FloatArray

    def at(self, sinr_db: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(I, V) by linear interpolation; the ends of the grid hold beyond it. Any shape."""
        grid = sinr_grid_db()
        bits = np.interp(sinr_db, grid, self.bits)
        variance = np.interp(sinr_db, grid, self.variance)
        return bits, variance


def sinr_grid_db() -> FloatArray:
    """SINRs of the tables of this package, dB. [S]."""
    count = round((HIGHEST_DB - LOWEST_DB) / STEP_DB) + 1
    return LOWEST_DB + STEP_DB * np.arange(count, dtype=np.float64)


@lru_cache(maxsize=8)
def information_curve(order: int) -> InformationCurve:
    """The curve of modulation order Q_m: 2 (QPSK), 4, 6 or 8 (256-QAM)."""
    per_amplitude = [_moments(order // 2, sinr) for sinr in from_db(sinr_grid_db())]
    bits, variance = 2 * np.array(per_amplitude).T
    return InformationCurve(
        bits=np.maximum.accumulate(bits),
        variance=variance,
    )


def _moments(bits: int, sinr: float) -> tuple[float, float]:
    """Mean and variance of the information density of one amplitude of 2^bits levels."""
    amplitude, label = _gray_amplitudes(bits)
    nodes, weights = _quadrature()
    noise_std = np.sqrt(1 / (2 * sinr))
    received = amplitude[:, None] + noise_std * nodes  # [sent, node]
    distance = (received[..., None] - amplitude) / noise_std  # [sent, node, level]
    exponent = -(distance**2) / 2
    likelihood = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    total = likelihood.sum(axis=-1)
    density = np.zeros(received.shape)
    for bit in label.T:
        same = bit[:, None] == bit  # [sent, level]
        agreeing = (likelihood * same[:, None]).sum(axis=-1)
        density += 1 - np.log2(total / agreeing)
    weight = weights / (weights.sum() * len(amplitude))
    mean = float((density * weight).sum())
    variance = float(((density - mean) ** 2 * weight).sum())
    return mean, variance


@lru_cache(maxsize=1)
def _quadrature() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the standard normal law."""
    return np.polynomial.hermite_e.hermegauss(_NODES)


def _gray_amplitudes(bits: int) -> tuple[FloatArray, np.ndarray]:
    """Levels of one dimension at unit symbol power, [L], and their Gray labels, [L, bit]."""
    index = np.arange(2**bits)
    level = 2.0 * index - (len(index) - 1)
    power = 2 * (level**2).mean()  # of both dimensions
    gray = index ^ (index >> 1)
    shifted = gray[:, None] >> np.arange(bits)
    return level / np.sqrt(power), shifted & 1
