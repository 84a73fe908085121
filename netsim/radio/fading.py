"""Small-scale fading: Rayleigh, so the power gain is exponential with mean 1.

A draw is keyed by its round and its chunk of coherence blocks, and is one array over all UEs in
index order: every scheme meets the same fading, and adding UEs, blocks or rounds changes none of
the other draws.
"""

from __future__ import annotations

from netsim import rng
from netsim.units import SPEED_OF_LIGHT_M_S, FloatArray

CHUNK_BLOCKS = 32
"""Coherence blocks that are drawn at a time."""


def coherence_time_s(speed_m_s: float, carrier_hz: float) -> float:
    """T_c = 0.423 c / (v f_c) (Rappaport, Wireless Communications, eq. 5.40.c)."""
    return 0.423 * SPEED_OF_LIGHT_M_S / (speed_m_s * carrier_hz)


def upload_fading(
    seed: int,
    round: int,
    attempt: int,
    count: int,
) -> FloatArray:
    """Power gain |h|^2 of each UE in an attempt at its upload of `round`. Shape [K]."""
    generator = rng.stream(seed, "fading", round, attempt)
    return generator.standard_exponential(count)


def block_fading(
    seed: int,
    round: int,
    chunk: int,
    count: int,
) -> FloatArray:
    """Power gain |h|^2 of each UE in the CHUNK_BLOCKS blocks of a chunk. Shape [K, block]."""
    generator = rng.stream(seed, "block_fading", round, chunk)
    return generator.standard_exponential((count, CHUNK_BLOCKS))
