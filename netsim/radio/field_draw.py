"""Interferers as they were drawn for the UEs of a round, and what is heard of them as they fade."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from netsim import rng
from netsim.radio.fading import CHUNK_BLOCKS, exponential_rows
from netsim.units import BoolArray, FloatArray, IntArray

_UES_AT_A_TIME = 256  # so that the work stays in cache


class Heard(NamedTuple):
    """L interferers, each of one UE, or as one of them hears it."""

    victim: IntArray  # [L] index of the UE interfered with, ascending
    received_w: FloatArray  # [L] mean received power
    near: BoolArray  # [L] fades from block to block
    shared: IntArray | None = None  # [L] number of the interferer, where UEs share them

    def by_round(self, ues: int, rounds: int) -> list[Heard]:
        """Of each round, where UE k of the i-th one is victim i * ues + k and none is shared."""
        edges = np.searchsorted(self.victim, np.arange(rounds + 1) * ues).tolist()
        return [
            Heard(
                self.victim[begin:end] - number * ues,
                self.received_w[begin:end],
                self.near[begin:end],
            )
            for number, (begin, end) in enumerate(pairwise(edges))
        ]


@dataclass(frozen=True)
class FieldDraw:
    """The interferers of every UE in one attempt of a round.

    They are many, so they are drawn when they are needed, those of some UEs at a time.
    """

    seed: int
    key: tuple[int, int]  # (round, attempt)
    heard: Callable[[], Iterable[Heard]]  # UE after UE; shared ones at once
    tail_w: FloatArray  # [K] mean power from beyond the sampled radius

    @cached_property
    def whole(self) -> Heard:
        """All at once."""
        victim, received_w, near, shared = zip(*self.heard(), strict=True)
        return Heard(
            np.concatenate(victim),
            np.concatenate(received_w),
            np.concatenate(near),
            shared[0],
        )

    def upload_power_w(self) -> FloatArray:
        """Interference in one upload, W: a fading draw for each interferer. Shape [K]."""
        generator = rng.stream_of_round(self.seed, "interferer_fading", *self.key)
        total = self.tail_w.copy()
        for victim, received_w, _, number in self.heard():
            if not len(victim):
                continue
            if number is None:
                h = generator.standard_exponential(len(victim))
            else:
                h = generator.standard_exponential(int(number.max()) + 1)[number]
            ues, own = _own_numbers(victim)
            total[ues] += np.bincount(own, weights=h * received_w)
        return total

    def block_power_w(self, chunk: int, ue: IntArray | None = None) -> FloatArray:
        """Interference of UEs [R], ascending, in each coherence block of a chunk, W. [R, block].

        Near interferers fade from block to block. The far ones are many and count by their mean.
        ue: None: all.
        """
        ue = np.arange(len(self.tail_w)) if ue is None else ue
        total, far_w = np.empty((len(ue), CHUNK_BLOCKS)), self._split.far_w[ue]
        for begin in range(0, len(ue), _UES_AT_A_TIME):
            some = slice(begin, begin + _UES_AT_A_TIME)
            near_w = self._near_w(chunk, ue[some])
            np.add(near_w, far_w[some, None], out=total[some])
        return total

    def _near_w(self, chunk: int, ue: IntArray) -> FloatArray:
        """What UEs [R] hear of near interferers in the blocks of a chunk. [R, block]."""
        split = self._split
        generator = rng.stream_of_round(
            self.seed,
            "interferer_block_fading",
            *self.key,
            chunk,
        )
        count = split.count[ue]
        end = np.cumsum(count)
        rows = np.arange(count.sum()) + np.repeat(split.first[ue] - (end - count), count)
        if split.shared is None:
            h = exponential_rows(generator, rows)
        else:
            drawn, place = np.unique(split.shared[rows], return_inverse=True)
            h = exponential_rows(generator, drawn)[place]
        h *= split.near_w[rows][:, None]
        heard = np.zeros((len(ue), CHUNK_BLOCKS))
        (some,) = np.nonzero(count)
        if len(some):
            heard[some] = np.add.reduceat(h, (end - count)[some], axis=0)
        return heard

    @cached_property
    def _split(self) -> _NearAndFar:
        ues = len(self.tail_w)
        near_w, numbers = [], []
        count, far_w = np.zeros(ues, dtype=np.int64), self.tail_w.copy()
        for victim, received_w, near, shared in self.heard():
            near_w.append(received_w[near])
            if len(victim):
                some, own = _own_numbers(victim)
                most = some.stop - some.start
                # weights of 0, which leave sums as they are, take less time than a selection
                count[some] += np.bincount(own, near, minlength=most).astype(np.int64)
                far_w[some] += np.bincount(own, np.where(near, 0.0, received_w), minlength=most)
            if shared is not None:
                numbers.append(shared[near])
        return _NearAndFar(
            near_w=np.concatenate(near_w),
            count=count,
            first=np.cumsum(count) - count,
            far_w=far_w,
            shared=np.concatenate(numbers) if numbers else None,
        )


def _own_numbers(victim: IntArray) -> tuple[slice, IntArray]:
    """From the first to the last of UEs [L], ascending, and their numbers among these, [L]."""
    first = int(victim[0])
    return slice(first, int(victim[-1]) + 1), victim - first


@dataclass(frozen=True)
class _NearAndFar:
    """Mean powers of the interferers that fade, and the sum of those that do not."""

    near_w: FloatArray  # [near] ordered by victim
    count: IntArray  # [K] near interferers of each UE
    first: IntArray  # [K] index of the first of them
    far_w: FloatArray  # [K]
    shared: IntArray | None  # [near] number of the interferer, where UEs share them
