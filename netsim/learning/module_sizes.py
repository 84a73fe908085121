"""Bits of modules: of the numbers that are really sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netsim.learning.adapters import AdapterLayout
from netsim.protocols import Codec
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class ModuleSizes:
    """Of N modules."""

    layouts: Sequence[AdapterLayout]
    train_head: bool
    bits_per_parameter: float
    codec: Codec | None = None  # of uploads

    def bits_of(
        self,
        module: IntArray,
        rank: IntArray,
        parts: IntArray | int,
    ) -> FloatArray:
        """Size of some parts of modules at lower ranks, bit. [M], as `module` and `rank`."""
        wanted = np.broadcast_to(parts, module.shape)
        sizes = []
        for n, r, p in zip(module.tolist(), rank.tolist(), wanted.tolist(), strict=True):
            layout = self.layouts[n].at_rank(r)
            sizes.append(layout.payload_bits(self.train_head, self.bits_per_parameter, p))
        return np.array(sizes)

    def sent_bits(
        self,
        module: IntArray,
        rank: IntArray,
        parts: IntArray,
    ) -> FloatArray:
        """Size of uploads, as they are encoded, bit. [M]."""
        bits = self.bits_of(module, rank, parts)
        if self.codec is None:
            return bits
        numbers = (bits / self.bits_per_parameter).astype(np.int64).tolist()
        return np.array([self.codec.encoded_bits(size) for size in numbers], dtype=np.float64)
