"""Strings of bits: fields of numbers of equal width, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim.protocols import Encoded, Numbers

Bits = NDArray[np.uint8]
"""One bit an entry."""
WORD = 32


def field(values: NDArray[Any], width: int) -> Bits:
    """Integers [n] from 0 to 2^width - 1, highest bit first. [n width]."""
    octets = values.astype(">u4").view(np.uint8).reshape(-1, 4)
    return np.unpackbits(octets, axis=1)[:, WORD - width :].ravel()


def float_field(values: NDArray[Any]) -> Bits:
    """Numbers in float32. [32 n]."""
    return np.unpackbits(values.astype(">f4").view(np.uint8))


def joined(*fields: Bits) -> Encoded:
    """An encoding of fields."""
    bits = np.concatenate(fields)
    return Encoded(np.packbits(bits), len(bits))


class Reader:
    """Reads fields in their order."""

    def __init__(self, encoded: Encoded) -> None:
        self._bits = np.unpackbits(encoded.data, count=encoded.bits)
        self._at = 0

    def take(self, count: int, width: int) -> NDArray[np.int64]:
        """Integers [count] of a field."""
        rows = np.zeros((count, WORD), dtype=np.uint8)
        rows[:, WORD - width :] = self._next(count * width).reshape(count, width)
        return np.packbits(rows, axis=1).view(">u4").ravel().astype(np.int64)

    def take_floats(self, count: int) -> Numbers:
        """Numbers [count] of a field."""
        octets = np.packbits(self._next(count * WORD))
        return octets.view(">f4").astype(np.float32)

    def rest(self) -> Encoded:
        """All that has not been read."""
        return joined(self._next(len(self._bits) - self._at))

    def _next(self, length: int) -> Bits:
        start, self._at = self._at, self._at + length
        return self._bits[start : self._at]
