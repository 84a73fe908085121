"""Every number by itself: as it is, or in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.learning.codecs.bit_strings import Reader, field, float_field, joined
from netsim.protocols import Codec, Encoded, Numbers


@dataclass(frozen=True)
class Unencoded(Codec):
    """float32, as the tensors are."""

    def encoded_bits(self, size: int) -> int:
        """32 d."""
        return 32 * size

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        return joined(float_field(numbers))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        return Reader(encoded).take_floats(size)

    def worst_error(self, size: int) -> float:
        """None."""
        return 0.0


@dataclass(frozen=True)
class Bfloat16(Codec):
    """The sign, the exponent and 7 bits of the fraction of a float32, to nearest, ties to even."""

    def encoded_bits(self, size: int) -> int:
        """16 d."""
        return 16 * size

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        word = np.ascontiguousarray(numbers, dtype=np.float32).view(np.uint32).astype(np.int64)
        rounded = word + 0x7FFF + (word >> 16 & 1)
        return joined(field(rounded >> 16, 16))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        high = Reader(encoded).take(size, 16).astype(np.uint32) << np.uint32(16)
        return high.view(np.float32)

    def worst_error(self, size: int) -> float:
        """2^-16: the relative error of a number is at most 2^-8."""
        return 2.0**-16
