"""Some of the numbers, with their places; the others count as zero."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from netsim.learning.codecs.bit_strings import Reader, field, float_field, joined
from netsim.learning.codecs.quantised import Qsgd
from netsim.plugins import parameter, part
from netsim.protocols import Codec, Encoded, Numbers
from netsim.units import IntArray


def kept_of(share: float, size: int) -> int:
    """k of `size` numbers: at least one; a tenth of 30 is 3, whatever 0.1 is in binary."""
    return max(1, ceil(share * size - 1e-9))


def place_bits(size: int) -> int:
    """ceil(log2 d): bits of a place."""
    return (size - 1).bit_length()


def largest(numbers: Numbers, count: int) -> IntArray:
    """Places of the `count` numbers of largest size, ascending; of equal ones, the first."""
    sizes = np.abs(numbers)
    least = np.partition(sizes, len(sizes) - count)[len(sizes) - count]
    above = np.flatnonzero(sizes > least)
    equal = np.flatnonzero(sizes == least)[: count - len(above)]
    return np.sort(np.concatenate([above, equal]))


def spread(values: Numbers, places: IntArray, size: int) -> Numbers:
    """Zeros [size] but for `values` at `places`."""
    whole = np.zeros(size, dtype=np.float32)
    whole[places] = values
    return whole


@dataclass(frozen=True)
class TopK(Codec):
    """The k numbers of largest size.

    A. F. Aji, K. Heafield, "Sparse communication for distributed gradient descent", EMNLP 2017.
    Biased; |C(x) - x|^2 is what the others have, at most (1 - k/d) |x|^2.
    """

    kept: float = parameter(0.1, "k/d: part of the numbers that is sent", gt=0, le=1)

    def encoded_bits(self, size: int) -> int:
        """k (32 + ceil(log2 d))."""
        return kept_of(self.kept, size) * (32 + place_bits(size))

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        places = largest(numbers, kept_of(self.kept, len(numbers)))
        width = place_bits(len(numbers))
        return joined(field(places, width), float_field(numbers[places]))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        count = kept_of(self.kept, size)
        reader = Reader(encoded)
        places = reader.take(count, place_bits(size))
        return spread(reader.take_floats(count), places, size)

    def worst_error(self, size: int) -> float:
        """1 - k/d: where all are of one size."""
        return 1.0 - kept_of(self.kept, size) / size


@dataclass(frozen=True)
class RandomK(Codec):
    """k numbers at random, times d/k so that the mean is right.

    J. Wangni, J. Wang, J. Liu, T. Zhang, "Gradient sparsification for communication-efficient
    distributed optimization", NeurIPS 2018; S. U. Stich, J.-B. Cordonnier, M. Jaggi, "Sparsified
    SGD with memory", NeurIPS 2018, who leave out the factor, for error feedback. The variance is
    (d/k - 1) |x|^2; without the factor, E|C(x) - x|^2 = (1 - k/d) |x|^2.
    """

    kept: float = parameter(0.1, "k/d: part of the numbers that is sent", gt=0, le=1)
    rescale: bool = parameter(True, "times d/k: unbiased; without it for error feedback")

    def encoded_bits(self, size: int) -> int:
        """k (32 + ceil(log2 d))."""
        return kept_of(self.kept, size) * (32 + place_bits(size))

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        count = kept_of(self.kept, len(numbers))
        places = np.sort(draws.choice(len(numbers), count, replace=False))
        values = numbers[places] * np.float32(len(numbers) / count if self.rescale else 1.0)
        return joined(field(places, place_bits(len(numbers))), float_field(values))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        count = kept_of(self.kept, size)
        reader = Reader(encoded)
        places = reader.take(count, place_bits(size))
        return spread(reader.take_floats(count), places, size)

    def worst_error(self, size: int) -> float:
        """d/k - 1; 1 - k/d without the factor."""
        sent = kept_of(self.kept, size) / size
        return 1.0 / sent - 1.0 if self.rescale else 1.0 - sent


@dataclass(frozen=True)
class TopKQsgd(Codec):
    """The k numbers of largest size, quantised by QSGD.

    D. Basu, D. Data, C. Karakus, S. Diggavi, "Qsparse-local-SGD: distributed SGD with quantization,
    sparsification and local computations", NeurIPS 2019.
    """

    top: TopK = part(TopK)
    levels: Qsgd = part(Qsgd)

    def encoded_bits(self, size: int) -> int:
        """k ceil(log2 d) + what QSGD takes for k numbers."""
        count = kept_of(self.top.kept, size)
        return count * place_bits(size) + self.levels.encoded_bits(count)

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        places = largest(numbers, kept_of(self.top.kept, len(numbers)))
        values = self.levels.encode(numbers[places], draws)
        bits = np.unpackbits(values.data, count=values.bits)
        return joined(field(places, place_bits(len(numbers))), bits)

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        count = kept_of(self.top.kept, size)
        reader = Reader(encoded)
        places = reader.take(count, place_bits(size))
        values = self.levels.decode(reader.rest(), count)
        return spread(values, places, size)

    def worst_error(self, size: int) -> float:
        """1 - (1 - c) k/d with QSGD's c, if c < 1: what is left out counts most; else c."""
        count = kept_of(self.top.kept, size)
        error = self.levels.worst_error(count)
        return max(error, 1.0 - (1.0 - error) * count / size)
