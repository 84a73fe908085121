"""Named random streams: randomness is an argument, never a global.

The key of a stream is what it decides (a name) and the indices it belongs to (round, block), never
the order of drawing and never the scheme. Therefore

* the same seed gives the same numbers whatever else the run does;
* all schemes meet the same fading, so that comparisons are paired;
* an array drawn over all UEs in index order keeps its first entries when UEs are added.

A stream is NumPy's `PCG64(SeedSequence(seed, spawn_key=(crc32(name), *ids)))`. A round opens a
handful of them, and `SeedSequence` takes longer than the numbers that are drawn. So it hashes only
the seed and the name, once; the indices follow here, by its own rule, which NumPy keeps fixed
(M. E. O'Neill, "Developing a seed_seq alternative", 2015).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count
from operator import index
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

_POOL = 4  # words of 32 bit
_WORD = 0xFFFFFFFF
_MIX_OLD, _MIX_NEW = 0xCA01F9DD, 0x4973F715
_IN_FIRST, _IN_STEP = 0x43B0D7E5, 0x931E8875
_OUT_FIRST, _OUT_STEP = 0x8B51F9DD, 0x58F38DED
_OUT = [_OUT_FIRST * pow(_OUT_STEP, step, 1 + _WORD) & _WORD for step in range(9)]
"""Factors of the eight words of a state."""


_AT_ONCE = 32
"""Rounds whose streams are hashed together."""

_MANY = 8
"""Streams that take less time hashed together than one by one."""

Words = int | NDArray[Any]
"""A word of 32 bit, or that of each of several streams."""


def stream(seed: int, name: str, *ids: int) -> np.random.Generator:
    """Generator of the stream `name` with indices `ids` (non-negative) under `seed`."""
    return _generator(_states(seed, name, _words(ids)))


def streams(
    seed: int, name: str, *ids: int, last: NDArray[np.int64]
) -> Iterator[np.random.Generator]:
    """`stream(seed, name, *ids, one)` for each of `last`, in less time where they are many."""
    many = len(last) >= _MANY
    if many and last.min() >= 0 and last.max() <= _WORD:
        words: list[Words] = [*_words(ids), last.astype(np.uint64)]
        return map(_generator, _states(seed, name, words))
    return (stream(seed, name, *ids, one) for one in last.tolist())


def stream_of_round(seed: int, name: str, round: int, *ids: int) -> np.random.Generator:
    """`stream(seed, name, round, *ids)`, in less time if round after round asks for it."""
    if not 0 <= round <= _WORD:
        return stream(seed, name, round, *ids)
    block, place = divmod(round, _AT_ONCE)
    return _generator(_states_of_rounds(seed, name, block, ids)[place])


def shuffled_numbers(seed: int) -> Iterator[int]:
    """Unique numbers in random order (the low part keeps them unique)."""
    generator = np.random.default_rng(seed)
    for low in count():
        yield int(generator.integers(2**40)) << 64 | low


@lru_cache(maxsize=4096)
def _states_of_rounds(seed: int, name: str, block: int, ids: tuple[int, ...]) -> NDArray[np.uint64]:
    """States of the streams of successive rounds. [_AT_ONCE, 4]."""
    rounds = block * _AT_ONCE + np.arange(_AT_ONCE, dtype=np.uint64)
    return _states(seed, name, [rounds, *_words(ids)])


def _states(seed: int, name: str, words: Iterable[Words]) -> NDArray[np.uint64]:
    """Four words of 64 bit, which is what PCG64 asks for; of each of several streams, [.., 4]."""
    first, factor = _begun(seed, name)
    pool: list[Words] = list(first)
    for word in words:
        for place in range(_POOL):
            value = word ^ factor
            factor = factor * _IN_STEP & _WORD
            value = value * factor & _WORD
            value = _MIX_OLD * pool[place] - _MIX_NEW * (value ^ value >> 16) & _WORD
            pool[place] = value ^ value >> 16
    found = []
    for word, factor, following in zip(pool + pool, _OUT, _OUT[1:], strict=False):
        value = (word ^ factor) * following & _WORD
        found.append(value ^ value >> 16)
    return np.ascontiguousarray(np.array(found, dtype="<u4").T).view("<u8")


def _generator(state: NDArray[np.uint64]) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(_Key(state)))  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _begun(seed: int, name: str) -> tuple[list[int], int]:
    """The pool once seed and name are hashed, and the factor with which hashing goes on."""
    key = zlib.crc32(name.encode())
    pool = np.random.SeedSequence(seed, spawn_key=(key,)).pool
    words = max(_POOL, len(list(_words([seed])))) + 1
    steps = _POOL * words  # of each word into each place
    return pool.tolist(), _IN_FIRST * pow(_IN_STEP, steps, 1 + _WORD) & _WORD


def _words(numbers: Iterable[int]) -> Iterator[int]:
    """Their digits to the base 2^32, lowest first."""
    for number in map(index, numbers):
        if number < 0:
            raise ValueError(f"seeds and indices of streams are not negative, found {number}")
        yield number & _WORD
        while number := number >> 32:
            yield number & _WORD


class _Key(ISeedSequence):
    """A hashed key, as NumPy's generators ask for it."""

    def __init__(self, state: NDArray[np.uint64]) -> None:
        self._state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> Any:
        """The four words of PCG64."""
        return self._state
