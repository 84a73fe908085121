"""Codecs: the length of real encodings, means and variances against formulas, errors against bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netsim.errors import RunError
from netsim.learning.codecs.carrying import carried
from netsim.learning.codecs.fixed_point import FixedPoint
from netsim.learning.codecs.quantised import Qsgd, Sign
from netsim.learning.codecs.rounded import Bfloat16, Unencoded
from netsim.learning.codecs.sparse import RandomK, TopK, TopKQsgd
from netsim.protocols import Codec, Encoded, Numbers

CODECS: list[Codec] = [
    Unencoded(),
    Bfloat16(),
    Qsgd(),
    Qsgd(bits=2, bucket=7),
    Qsgd(bits=9, norm="max", bucket=16),
    FixedPoint(),
    FixedPoint(bits=31, limit=0.1),
    FixedPoint(bits=2, limit=9.0),
    Sign(),
    Sign(bucket=5),
    TopK(0.25),
    TopK(1.0),
    RandomK(0.3),
    RandomK(0.3, rescale=False),
    TopKQsgd(TopK(0.5), Qsgd(bits=3, bucket=8)),
]
SIZE = 40
DRAWS = 4000


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbers(size: int = SIZE, seed: int = 1) -> Numbers:
    """Of very different sizes, a zero among them."""
    random = draws(seed)
    found = random.normal(size=size) * np.exp(random.normal(size=size))
    found[size // 2] = 0.0 if size > 1 else 1.0
    return found.astype(np.float32)


@pytest.mark.parametrize("codec", CODECS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 40, 1025])
def test_an_encoding_is_as_long_as_planned_and_known_ahead(codec: Codec, size: int) -> None:
    for x in (numbers(size), np.zeros(size, dtype=np.float32)):
        encoded = codec.encode(x, draws())
        assert encoded.bits == codec.encoded_bits(size)
        assert len(encoded.data) == -(-encoded.bits // 8)
        again = Encoded(np.frombuffer(encoded.data.tobytes(), dtype=np.uint8), encoded.bits)
        decoded = codec.decode(again, size)
        assert decoded.dtype == np.float32
        assert decoded.tobytes() == codec.decode(encoded, size).tobytes()
    assert not decoded.any()  # of zeros


def quantised_variance(x: Numbers, codec: Qsgd) -> float:
    """sum of (N / s)^2 p (1 - p), as written down in the docstring."""
    total = 0.0
    for start in range(0, len(x), codec.bucket):
        part = np.abs(x[start : start + codec.bucket].astype(np.float64))
        norm = part.max() if codec.norm == "max" else np.sqrt((part**2).sum())
        p = np.modf(part / norm * codec.levels)[0]
        total += float((norm / codec.levels) ** 2 * (p * (1 - p)).sum())
    return total


def square_error(codec: Codec, x: Numbers) -> float:
    """E|C(x) - x|^2 by the formula."""
    d, square = len(x), float((x.astype(np.float64) ** 2).sum())
    if isinstance(codec, Qsgd):
        return quantised_variance(x, codec)
    if isinstance(codec, RandomK):
        k = np.ceil(codec.kept * d)
        return (d / k - 1) * square if codec.rescale else (1 - k / d) * square
    if isinstance(codec, TopK | TopKQsgd):
        kept = codec.kept if isinstance(codec, TopK) else codec.top.kept
        k = int(np.ceil(kept * d))
        order = np.argsort(-np.abs(x), kind="stable")
        left_out = float((x[order[k:]].astype(np.float64) ** 2).sum())
        if isinstance(codec, TopK):
            return left_out
        return left_out + quantised_variance(x[np.sort(order[:k])], codec.levels)
    if isinstance(codec, Sign):
        total = 0.0
        for start in range(0, d, codec.bucket):
            part = np.abs(x[start : start + codec.bucket].astype(np.float64))
            total += float((part**2).sum() - part.sum() ** 2 / len(part))
        return total
    return 0.0


def mean_of(codec: Codec, x: Numbers) -> Numbers:
    """E C(x): x itself where the codec is unbiased."""
    if isinstance(codec, RandomK) and not codec.rescale:
        return x * np.float32(np.ceil(codec.kept * len(x)) / len(x))
    if isinstance(codec, TopKQsgd):
        return codec.top.decode(codec.top.encode(x, draws()), len(x))
    return x


@pytest.mark.parametrize(
    "codec", [c for c in CODECS if isinstance(c, Qsgd | RandomK | TopKQsgd)], ids=str
)
def test_means_and_variances_are_those_of_the_formulas(codec: Codec) -> None:
    x, random = numbers(), draws(3)
    found = np.array(
        [codec.decode(codec.encode(x, random), SIZE) for _ in range(DRAWS)], dtype=np.float64
    )
    errors = ((found - x) ** 2).sum(axis=1)
    assert errors.mean() == pytest.approx(square_error(codec, x), rel=0.05)
    deviation = found.std(axis=0) / DRAWS**0.5
    away = np.abs(found.mean(axis=0) - mean_of(codec, x))
    assert (away <= 5 * deviation + 1e-5 * np.abs(x)).all()


@pytest.mark.parametrize("codec", [c for c in CODECS if isinstance(c, Sign | TopK)], ids=str)
def test_errors_of_what_is_not_random_are_exact(codec: Codec) -> None:
    x = numbers(seed=5)
    found = codec.decode(codec.encode(x, draws()), SIZE).astype(np.float64)
    assert ((found - x) ** 2).sum() == pytest.approx(square_error(codec, x), rel=1e-5, abs=1e-9)


def test_bfloat16_is_that_of_torch() -> None:
    x = np.concatenate([numbers(2000), np.float32([1.00390625, 1.01171875, -3.4e38, 1e-40, -0.0])])
    found = Bfloat16().decode(Bfloat16().encode(x, draws()), len(x))
    assert found.tobytes() == torch.from_numpy(x).bfloat16().float().numpy().tobytes()


def test_places_and_numbers_stand_in_the_bits() -> None:
    """By hand: place 2 of 5 in three bits, then 3.0 as IEEE 754 has it."""
    encoded = TopK(0.2).encode(np.float32([0, 1, 3, -1, 0.5]), draws())
    text = "".join(map(str, np.unpackbits(encoded.data, count=encoded.bits)))
    assert text == "010" + f"{0x40400000:032b}"


def test_of_equal_numbers_the_first_are_kept() -> None:
    found = TopK(0.5).decode(TopK(0.5).encode(np.float32([1, -2, 1, 1, 2, -1]), draws()), 6)
    assert found.tolist() == [1, -2, 0, 0, 2, 0]


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_no_vector_loses_more_than_the_worst(codec: Codec) -> None:
    spike = np.zeros(SIZE, dtype=np.float32)
    spike[7] = -3.0
    for x in (numbers(), np.ones(SIZE, dtype=np.float32), spike, numbers(seed=9) ** 3):
        random = draws(4)
        errors = [
            ((codec.decode(codec.encode(x, random), SIZE) - x) ** 2).sum() for _ in range(200)
        ]
        bound = codec.worst_error(SIZE) * float((x**2).sum())
        assert np.mean(errors) <= bound + 3 * np.std(errors) / 200**0.5 + 1e-9


class Longer(TopK):
    def encoded_bits(self, size: int) -> int:
        return super().encoded_bits(size) - 1


class Shorter(TopK):
    def decode(self, encoded: Encoded, size: int) -> Numbers:
        return super().decode(encoded, size)[1:]


class Failing(TopK):
    def encode(self, numbers: Numbers, draws: np.random.Generator) -> Encoded:
        raise KeyError("no such level")


@pytest.mark.parametrize(
    ("codec", "rule"),
    [
        (Longer(), r"Longer: an encoding must have the 151 bits.*found 152"),
        (Shorter(), r"Shorter must decode 40 numbers \(found an array of shape \(39,\)\)"),
        (Failing(), r"codec Failing raised KeyError: 'no such level'"),
    ],
    ids=["longer", "shorter", "failing"],
)
def test_what_a_codec_gets_wrong_is_named(codec: Codec, rule: str) -> None:
    with pytest.raises(RunError, match=rule):
        carried(codec, numbers(), draws())


def test_what_has_diverged_goes_as_it_is() -> None:
    lost = np.float32([1, np.nan, np.inf])
    assert carried(Qsgd(), lost, draws()).tobytes() == lost.tobytes()
