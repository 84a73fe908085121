"""Few levels for every number, in proportion to a norm of its bucket."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

import numpy as np

from netsim.learning.codecs.bit_strings import Reader, field, float_field, joined
from netsim.plugins import parameter
from netsim.protocols import Codec, Encoded, Numbers
from netsim.units import FloatArray


def buckets(size: int, bucket: int) -> int:
    """How many buckets there are; the last may be smaller."""
    return ceil(size / bucket)


def in_buckets(numbers: Numbers, bucket: int) -> FloatArray:
    """Numbers [size] as rows, the last one filled up with zeros. [buckets, bucket]."""
    rows = np.zeros((buckets(len(numbers), bucket), bucket))
    rows.ravel()[: len(numbers)] = numbers
    return rows


@dataclass(frozen=True)
class Qsgd(Codec):
    """QSGD: stochastic rounding to s = 2^(bits - 1) - 1 levels of the bucket's norm, and a sign.

    D. Alistarh, D. Grubic, J. Li, R. Tomioka, M. Vojnovic, "QSGD: communication-efficient SGD via
    gradient quantization and encoding", NeurIPS 2017. Unbiased; with p the fraction of
    s |x_i| / N above a level, the variance is the sum of (N / s)^2 p (1 - p).
    """

    bits: int = parameter(4, "of a number: its sign and its level", ge=2, le=16)
    bucket: int = parameter(512, "numbers that share a norm, sent as float32", ge=1, le=1 << 30)
    norm: Literal["l2", "max"] = parameter(
        "l2", "that levels are parts of: l2 as analysed, max as the authors train"
    )

    @property
    def levels(self) -> int:
        """s."""
        return (1 << (self.bits - 1)) - 1

    def encoded_bits(self, size: int) -> int:
        """d bits + 32 ceil(d / bucket)."""
        return size * self.bits + 32 * buckets(size, self.bucket)

    def norms(self, rows: FloatArray) -> Numbers:
        """Of buckets [n, bucket], as they are sent. [n]."""
        order = np.inf if self.norm == "max" else 2
        norms: Numbers = np.linalg.norm(rows, order, axis=1).astype(np.float32)
        return norms

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        rows = in_buckets(numbers, self.bucket)
        norms = self.norms(rows)
        unit = np.where(norms > 0, norms, 1.0)[:, np.newaxis] / self.levels
        exact = (np.abs(rows) / unit).ravel()[: len(numbers)]
        level = np.floor(exact)
        level += draws.random(len(numbers)) < exact - level
        level = np.minimum(level, self.levels).astype(np.int64)
        sign = np.signbit(numbers).astype(np.int64) << (self.bits - 1)
        return joined(float_field(norms), field(sign | level, self.bits))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        reader = Reader(encoded)
        norms = reader.take_floats(buckets(size, self.bucket)).astype(np.float64)
        word = reader.take(size, self.bits)
        level = word & self.levels
        sign = 1.0 - 2.0 * (word >> (self.bits - 1))
        unit = np.repeat(norms, self.bucket)[:size] / self.levels
        return (sign * level * unit).astype(np.float32)

    def worst_error(self, size: int) -> float:
        """min(n / 4 s^2, sqrt(n) / s) with n the numbers of a bucket (Lemma 3.1, p (1-p) <= 1/4)"""
        n = min(size, self.bucket)
        return min(n / (4 * self.levels**2), sqrt(n) / self.levels)


@dataclass(frozen=True)
class Sign(Codec):
    """The sign of every number, and the mean size of its bucket's numbers: C(x) = |x|_1 / n sign x.

    S. P. Karimireddy, Q. Rebjock, S. U. Stich, M. Jaggi, "Error feedback fixes SignSGD and other
    gradient compression schemes", ICML 2019. Biased; |C(x) - x|^2 = |x|^2 - |x|_1^2 / n.
    """

    bucket: int = parameter(512, "numbers that share a scale, sent as float32", ge=1, le=1 << 30)

    def encoded_bits(self, size: int) -> int:
        """d + 32 ceil(d / bucket)."""
        return size + 32 * buckets(size, self.bucket)

    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        """As `Codec`."""
        sums = np.abs(in_buckets(numbers, self.bucket)).sum(axis=1)
        counts = np.full(len(sums), self.bucket)
        counts[-1] = len(numbers) - self.bucket * (len(sums) - 1)
        return joined(float_field(sums / counts), np.signbit(numbers).astype(np.uint8))

    def decode(self, encoded: Encoded, size: int) -> Numbers:
        """As `Codec`."""
        reader = Reader(encoded)
        scale = reader.take_floats(buckets(size, self.bucket))
        sign = 1 - 2 * reader.take(size, 1)
        return np.repeat(scale, self.bucket)[:size] * sign.astype(np.float32)

    def worst_error(self, size: int) -> float:
        """1 - 1 / n: where one number of a bucket is not zero."""
        return 1.0 - 1.0 / min(size, self.bucket)
