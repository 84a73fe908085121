"""Work of local training in processor cycles, and the time it takes (model-spec 2.1, eq. 4)."""

from __future__ import annotations

import numpy as np

from netsim.units import FloatArray, IntArray


def cycles_from_sample_bits(
    samples: IntArray, *, local_steps: int, sample_bits: float, cycles_per_bit: float
) -> FloatArray:
    """tau D_k b M: the data-processing reading of eq. (4), with b the bits of one sample. [K], cycles."""
    return samples.astype(np.float64) * (local_steps * sample_bits * cycles_per_bit)


def cycles_from_flops(
    samples: IntArray,
    *,
    local_steps: int,
    parameters: float,
    layers: int,
    hidden: int,
    tokens: float,
    flops_per_cycle: float,
) -> FloatArray:
    """tau D_k FLOP / (FLOP per cycle). [K], cycles.

    FLOP per sample = 2 (2 p L + 4 l L^2 h) for p weights in l layers of width h and L tokens: a
    forward and an activation-gradient pass; frozen weights need no weight gradient.
    """
    flop = 2 * (2 * parameters * tokens + 4 * layers * tokens**2 * hidden)
    return samples.astype(np.float64) * (local_steps * flop / flops_per_cycle)


def compute_time_s(cycles: FloatArray, cpu_hz: FloatArray) -> FloatArray:
    """Seconds of `cycles` at the clock rate `cpu_hz`."""
    return cycles / cpu_hz
