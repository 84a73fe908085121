"""Small-scale fading: Rayleigh, so the power gain is exponential with mean 1.

A draw is keyed by its round and its chunk of coherence blocks, and is one array over all UEs in
index order: every scheme meets the same fading, and adding UEs, blocks or rounds changes none of
the other draws.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim import rng
from netsim.units import SPEED_OF_LIGHT_M_S, FloatArray, IntArray

CHUNK_BLOCKS = 64
"""Coherence blocks that are drawn at a time."""

_WORD_BITS = 32  # of a number
_ROW_WORDS = CHUNK_BLOCKS // 2  # of two numbers
_LONG_GAP = 64  # rows; shorter gaps are drawn in less time than they are passed over

BLOCKS_PER_COHERENCE_TIME = 4
"""Blocks of a correlated channel in a coherence time; neighbours correlate with J0(0.66) = 0.89."""

WAVES = 24
"""Plane waves of a correlated channel."""


def coherence_time_s(speed_m_s: float, carrier_hz: float) -> float:
    """T_c = 0.423 c / (v f_c) (Rappaport, Wireless Communications, eq. 5.40.c)."""
    return 0.423 * SPEED_OF_LIGHT_M_S / (speed_m_s * carrier_hz)


def block_lengths_s(
    coherence_s: float,
    pace: FloatArray,
    shortest_s: float = 0.0,
) -> FloatArray:
    """Lengths of the blocks of UEs `pace` times as fast as the one whose blocks last `coherence_s`.

    Coherence time falls with speed. Lengths are halved once or several times, to what is nearest
    in ratio, so that the blocks of one UE lie within those of another: at most 1.42 times too long
    or too short. None is below `shortest_s`, unless all are. Any shape.
    """
    most = np.log2(max(coherence_s / shortest_s, 1.0)) if shortest_s else np.inf
    halvings = np.rint(np.log2(np.maximum(pace, 1.0)))
    return np.asarray(coherence_s * 0.5 ** np.minimum(halvings, np.floor(most)))


def upload_fading(
    seed: int,
    round: int,
    attempt: int,
    count: int,
) -> FloatArray:
    """Power gain |h|^2 of each UE in an attempt at its upload of `round`. Shape [K]."""
    generator = rng.stream_of_round(seed, "fading", round, attempt)
    return generator.standard_exponential(count)


def block_fading(
    seed: int,
    round: int,
    chunk: int,
    ue: IntArray,
) -> FloatArray:
    """Power gain |h|^2 of UEs [R], ascending, in the blocks of a chunk. Shape [R, block]."""
    return exponential_rows(rng.stream_of_round(seed, "block_fading", round, chunk), ue)


def exponential_rows(generator: np.random.Generator, rows: IntArray) -> FloatArray:
    """Some rows of an endless table of exponential numbers with mean 1. [R, CHUNK_BLOCKS].

    rows: [R] ascending, without repeats. A number is -ln u of a u of 32 random bits, so a row has
    its place in the stream, and long stretches that nobody asks for are passed over: in the last
    chunks of a round most uploads have ended.
    """
    if not len(rows):
        return np.empty((0, CHUNK_BLOCKS))
    raw = _raw_rows(generator, rows)
    numbers: FloatArray = raw.astype("<u8", copy=False).view("<u4").astype(np.float64)
    numbers += 0.5
    np.log(numbers, out=numbers)
    np.subtract(_WORD_BITS * np.log(2.0), numbers, out=numbers)
    return numbers


def _raw_rows(generator: np.random.Generator, rows: IntArray) -> NDArray[np.uint64]:
    """Rows of the stream as it comes. [R, _ROW_WORDS]."""
    bits: Any = generator.bit_generator
    first, last = int(rows[0]), int(rows[-1])
    if last - first + 1 == len(rows):
        bits.advance(first * _ROW_WORDS)
        raw: NDArray[np.uint64] = bits.random_raw(len(rows) * _ROW_WORDS)
        return raw.reshape(-1, _ROW_WORDS)
    pieces = []
    place = rows.copy()  # among the rows that are drawn
    passed, drawn_to = 0, 0
    (gaps,) = np.nonzero(rows[1:] - rows[:-1] >= _LONG_GAP)
    for begin, end in pairwise([0, *(gaps + 1).tolist(), len(rows)]):
        first, last = int(rows[begin]), int(rows[end - 1])
        bits.advance((first - drawn_to) * _ROW_WORDS)
        pieces.append(bits.random_raw((last + 1 - first) * _ROW_WORDS))
        passed += first - drawn_to
        place[begin:end] -= passed
        drawn_to = last + 1
    return np.concatenate(pieces).reshape(-1, _ROW_WORDS)[place]


def jakes_fading(
    seed: int,
    round: int,
    chunk: int,
    count: int,
    *,
    doppler_hz: FloatArray | float,
    block_s: float,
) -> FloatArray:
    """Power gain |h|^2 of each UE in the blocks of a chunk, correlated in time. [K, block].

    Clarke's model as a sum of plane waves from random directions (Zheng and Xiao, "Improved models
    for the generation of multiple uncorrelated Rayleigh fading waveforms", IEEE Commun. Lett. 6(6),
    2002): h has the autocorrelation J0(2 pi f_D t) of the Jakes spectrum, and |h|^2 is exponential
    but for its kurtosis. A function of time, so that chunks may be asked for in any order.

    doppler_hz: f_D = v f_c / c, one number or [K]. block_s: length of a block.
    """
    draws = rng.stream(seed, "jakes_fading", round).random((count, 2, WAVES))
    speed = np.broadcast_to(np.asarray(doppler_hz, dtype=np.float64), (count,))
    turns_per_s = speed[:, None] * np.cos(2 * np.pi * draws[:, 0])  # [K, wave]
    first_s = chunk * CHUNK_BLOCKS * block_s
    wave = np.exp(2j * np.pi * (turns_per_s * first_s + draws[:, 1]))
    step = np.exp(2j * np.pi * turns_per_s * block_s)
    gain = np.empty((count, CHUNK_BLOCKS))
    for block in range(CHUNK_BLOCKS):
        amplitude = wave.sum(axis=1)
        gain[:, block] = np.abs(amplitude) ** 2 / WAVES
        wave *= step
    return gain


def fading_of_blocks(
    seed: int,
    round: int,
    chunk: int,
    block_s: float,
    doppler_hz: FloatArray,
    ue: IntArray,
) -> FloatArray:
    """Power gain |h|^2 of UEs [R] in the blocks of a chunk, of Jakes' spectrum. [R, block].

    doppler_hz: of all UEs, [K]; NaN: blocks are independent. ue: ascending.
    """
    if np.isnan(doppler_hz).all():
        return block_fading(seed, round, chunk, ue)
    count = len(doppler_hz)
    gain = jakes_fading(seed, round, chunk, count, doppler_hz=doppler_hz, block_s=block_s)
    return np.asarray(gain[ue])


def block_starts_s(origin_s: float, chunk: int, block_s: float) -> FloatArray:
    """When the blocks of a chunk begin. [block]."""
    block = chunk * CHUNK_BLOCKS + np.arange(CHUNK_BLOCKS)
    return np.asarray(origin_s + block * block_s)


def doppler_hz(speed_m_s: FloatArray | float, carrier_hz: float) -> FloatArray:
    """Largest Doppler shift f_D = v f_c / c, Hz. Any shape."""
    return np.asarray(np.asarray(speed_m_s, dtype=np.float64) * carrier_hz / SPEED_OF_LIGHT_M_S)
