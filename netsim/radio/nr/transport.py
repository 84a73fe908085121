"""Transport-block size of TS 38.214 clause 5.1.3.2, and code blocks of TS 38.212 clause 5.2.2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray, IntArray

# Table 5.1.3.2-1 as (first, last, step): sizes up to 3824 bit.
_STEPS = (
    (24, 192, 8),
    (208, 384, 16),
    (408, 576, 24),
    (608, 768, 32),
    (808, 928, 40),
    (984, 1032, 48),
    (1064, 1128, 64),
    (1160, 1320, 32),
    (1352, 1928, 64),
    (2024, 2280, 64),
    (2408, 2792, 64),
    (2856, 2976, 120),
    (3104, 3240, 136),
    (3368, 3752, 128),
    (3824, 3824, 8),
)
SMALL_SIZES = np.concatenate([np.arange(a, b + 1, step) for a, b, step in _STEPS])
"""Table 5.1.3.2-1: the transport-block sizes for N_info <= 3824, bit. [93]."""

LARGEST_SMALL_INFO = 3824
LARGEST_CODE_BLOCK = 8448  # of LDPC base graph 1, bit
LARGEST_CODE_BLOCK_BG2 = 3840


def transport_block_bits(
    elements: IntArray,
    order: IntArray,
    code_rate: FloatArray,
    layers: int = 1,
) -> IntArray:
    """Transport-block size, bit; 0 without resource elements. Arrays broadcast.

    elements: N_RE, resource elements for data in the slot. order: Q_m. code_rate: R.
    """
    elements, order, rate = np.broadcast_arrays(elements, order, code_rate)
    info = elements * rate * order * layers
    small = _small(np.minimum(info, LARGEST_SMALL_INFO))
    large = _large(np.maximum(info, LARGEST_SMALL_INFO + 1), rate)
    size = np.where(info <= LARGEST_SMALL_INFO, small, large)
    return np.where(elements > 0, size, 0)


def _small(info: FloatArray) -> IntArray:
    """Step 3: the least size of the table that is at least the quantised N_info."""
    magnitude = _floor(np.log2(np.maximum(info, 1.0)))
    step = 2 ** np.maximum(3, magnitude - 6)
    quantised = step * _floor(info / step)
    index = np.searchsorted(SMALL_SIZES, np.maximum(24, quantised))
    return np.asarray(SMALL_SIZES[index])


def _large(info: FloatArray, rate: FloatArray) -> IntArray:
    """Step 4: a multiple of 8 in code blocks of equal size."""
    magnitude = _floor(np.log2(info - 24))
    step = 2 ** (magnitude - 5)
    steps = _floor((info - 24) / step + 0.5)  # ties towards larger sizes
    with_check = np.maximum(3840, step * steps) + 24
    largest = np.where(rate <= 1 / 4, 3816, 8424)
    count = np.where(
        with_check > largest + 24,
        _divided_up(with_check, largest),
        1,
    )
    in_bytes = _divided_up(with_check, 8 * count)
    return np.asarray(8 * count * in_bytes - 24)


def _floor(values: FloatArray) -> IntArray:
    return np.floor(values).astype(np.int64)


def _divided_up(number: IntArray, divisor: IntArray) -> IntArray:
    """Quotient, rounded up."""
    return np.asarray(-(-number // divisor))


@dataclass(frozen=True)
class CodeBlocks:
    """How transport blocks are cut."""

    count: IntArray
    bits: FloatArray  # of each code block, checks included


def code_blocks(size_bits: IntArray, code_rate: FloatArray) -> CodeBlocks:
    """Code blocks of transport blocks of `size_bits`; arrays broadcast.

    Base graph 2 serves small blocks and low rates (TS 38.212 clause 7.2.2), graph 1 the others.
    """
    size, rate = np.broadcast_arrays(size_bits, code_rate)
    check_bits = np.where(size > 3824, 24, 16)
    with_check = size + check_bits
    short = (size <= 3824) & (rate <= 0.67)
    second_graph = (size <= 292) | short | (rate <= 0.25)
    largest = np.where(
        second_graph,
        LARGEST_CODE_BLOCK_BG2,
        LARGEST_CODE_BLOCK,
    )
    several = with_check > largest
    count = np.where(several, -(-with_check // (largest - 24)), 1)
    extra_bits = np.where(several, 24 * count, 0)
    bits = (with_check + extra_bits) / count
    return CodeBlocks(count=count, bits=np.asarray(bits))
