"""Interferers as they were drawn for the UEs of a round, and what is heard of them as they fade."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netsim import rng
from netsim.radio.fading import CHUNK_BLOCKS
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class FieldDraw:
    """The interferers of every UE in one attempt of a round."""

    seed: int
    key: tuple[int, int]  # (round, attempt)
    victim: IntArray  # [L] index of the UE interfered with, ascending
    received_w: FloatArray  # [L] mean received power
    tail_w: FloatArray  # [K] mean power from beyond the sampled radius
    near: BoolArray  # [L] fades from block to block
    shared: IntArray | None = None  # [L] number of the interferer, where UEs share them

    def upload_power_w(self) -> FloatArray:
        """Interference in one upload, W: a fading draw for each interferer. Shape [K]."""
        generator = rng.stream(self.seed, "interferer_fading", *self.key)
        number = self.shared
        if number is None:
            h = generator.standard_exponential(len(self.victim))
        else:
            h = generator.standard_exponential(int(number.max(initial=-1)) + 1)[number]
        total = np.bincount(
            self.victim,
            weights=h * self.received_w,
            minlength=len(self.tail_w),
        )
        return total + self.tail_w

    def block_power_w(self, chunk: int) -> FloatArray:
        """Interference in each coherence block of a chunk, W. Shape [K, block].

        Near interferers fade from block to block. The far ones are many and count by their mean.
        """
        split = self._split
        generator = rng.stream(
            self.seed,
            "interferer_block_fading",
            *self.key,
            chunk,
        )
        number = split.shared
        sources = len(split.near_w) if number is None else int(number.max(initial=-1)) + 1
        h = generator.standard_exponential((sources, CHUNK_BLOCKS), dtype=np.float32)
        if number is not None:
            h = h[number]
        h *= split.near_w[:, None]
        total = np.repeat(split.far_w[:, None], CHUNK_BLOCKS, axis=1)
        if len(split.victim):
            total[split.victim] += np.add.reduceat(h, split.first, axis=0)
        return total

    @cached_property
    def _split(self) -> _NearAndFar:
        near = self.near
        ues = len(self.tail_w)
        count = np.bincount(self.victim[near], minlength=ues)
        victim = np.flatnonzero(count)
        far_w = np.bincount(
            self.victim[~near],
            self.received_w[~near],
            minlength=ues,
        )
        return _NearAndFar(
            near_w=self.received_w[near].astype(np.float32),
            victim=victim,
            first=(np.cumsum(count) - count)[victim],
            far_w=far_w + self.tail_w,
            shared=None if self.shared is None else self.shared[near],
        )


@dataclass(frozen=True)
class _NearAndFar:
    """Mean powers of the interferers that fade, and the sum of those that do not."""

    near_w: NDArray[np.float32]  # [near] ordered by victim
    victim: IntArray  # [V] UEs that have near interferers
    first: IntArray  # [V] index of the first of them
    far_w: FloatArray  # [K]
    shared: IntArray | None  # [near] number of the interferer, where UEs share them
