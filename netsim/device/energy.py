"""Joules a UE spends: computing by cycles, transmitting by airtime (eq. 4)."""

from __future__ import annotations

from netsim.units import FloatArray


def compute_energy_j(
    cycles: FloatArray,
    cpu_hz: FloatArray,
    energy_coefficient: FloatArray,
) -> FloatArray:
    """rho f^2 per cycle: the dynamic power rho f^3 of CMOS logic at clock rate f."""
    return cycles * energy_coefficient * cpu_hz**2


def transmit_energy_j(power_w: FloatArray, airtime_s: FloatArray) -> FloatArray:
    """P t."""
    return power_w * airtime_s
