"""The choices a grammar makes, read one by one from a row of random integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from netsim.rng import stream

T = TypeVar("T")

BLOCK = 1024  # rows of one random stream
WIDTH = 64  # choices that one text may make
RANGE = 1 << 31


class Draws:
    """The random choices of one text; the same row makes the same text."""

    __slots__ = ("_next",)

    def __init__(self, row: Sequence[int]) -> None:
        self._next = iter(row).__next__

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely (to within their number / 2^31)."""
        return options[self._next() % len(options)]

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._next() < probability * RANGE

    def weighted(
        self,
        options: Sequence[T],
        cumulative: Sequence[float],
    ) -> T:
        """One of the options; `cumulative` are their summed probabilities, the last one 1."""
        value = self._next() / RANGE
        for option, bound in zip(options, cumulative, strict=True):
            if value < bound:
                return option
        raise ValueError(f"the summed probabilities must end in 1, not {cumulative[-1]}")


def endless(seed: int, name: str) -> Iterator[Draws]:
    """Draws of text 0, 1, 2, ...; how many are taken does not change those before."""
    block = 0
    while True:
        rows = stream(seed, name, block).integers(0, RANGE, size=(BLOCK, WIDTH)).tolist()
        yield from map(Draws, rows)
        block += 1
