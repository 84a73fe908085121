"""What the numbers of a module become on their way: a codec."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Encoded:
    """A string of bits, as bytes; the last one may be filled up."""

    data: NDArray[np.uint8]  # [ceil(bits / 8)]
    bits: int


class Codec(Protocol):
    """Numbers as bits and back. Frozen dataclasses under entry point `netsim.codecs`."""

    summable: ClassVar[bool] = False
    """Numbers become integers on a grid that everybody shares, each in as many bits."""

    @abstractmethod
    def encoded_bits(self, size: int) -> int:
        """Length of the encoding of `size` numbers, bit, whatever they are: it is planned with."""
        ...

    @abstractmethod
    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """Finite numbers [size], at least one, as bits; all that is random comes from `draws`."""
        ...

    @abstractmethod
    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """The numbers [size] that are taken for those that were encoded."""
        ...

    def worst_error(self, size: int) -> float:
        """Least c with E|decoded - x|^2 <= c |x|^2 for all x [size]; inf where that is not known.

        Error feedback needs c < 1: else what is remembered grows from round to round.
        """
        return inf
