"""Integers on a grid that is the same for everybody, so that sums of codes are codes of sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.learning.codecs.bit_strings import Reader, field, joined
from netsim.plugins import parameter
from netsim.protocols import Codec, Encoded, Numbers


@dataclass(frozen=True)
class FixedPoint(Codec):
    """Stochastic rounding to multiples of limit / (2^(bits - 1) - 1), cut off at +-limit.

    As secure aggregation needs it: masks are added to integers (K. Bonawitz et al., "Federated
    learning with autotuned communication-efficient secure aggregation", Asilomar 2019). Unbiased
    within the limit; with p the fraction of x_i / unit above an integer, the variance is the sum of
    unit^2 p (1 - p).
    """

    summable: ClassVar[bool] = True

    bits: int = parameter(16, "of a number", ge=2, le=31)
    limit: float = parameter(1.0, "greatest size of a number; greater ones are cut", gt=0, le=1e6)

    @property
    def levels(self) -> int:
        """On either side of zero."""
        return (1 << (self.bits - 1)) - 1

    def encoded_bits(self, size: int) -> int:
        """d bits."""
        return size * self.bits

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        exact = np.clip(numbers.astype(np.float64) / self.limit, -1.0, 1.0) * self.levels
        level = np.floor(exact)
        level += draws.random(len(numbers)) < exact - level
        return joined(field(level.astype(np.int64) + self.levels, self.bits))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        level = Reader(encoded).take(size, self.bits) - self.levels
        return (level * (self.limit / self.levels)).astype(np.float32)
