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
        kinds = list(zip(module.tolist(), rank.tolist(), wanted.tolist(), strict=True))
        bits = {kind: self._bits_of(*kind) for kind in set(kinds)}
        return np.array([bits[kind] for kind in kinds])

    def _bits_of(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        layout = self.layouts[module].at_rank(rank)
        return layout.payload_bits(self.train_head, self.bits_per_parameter, parts)

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
