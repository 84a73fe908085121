"""Streams depend on seed, name and indices, and arrays keep their head when they grow."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from netsim.rng import stream, stream_of_round, streams


def test_same_key_same_numbers() -> None:
    assert np.array_equal(stream(3, "fading", 1, 2).random(5), stream(3, "fading", 1, 2).random(5))


def test_every_part_of_the_key_matters() -> None:
    base = stream(3, "fading", 1, 2).random()
    others = [
        stream(4, "fading", 1, 2),
        stream(3, "shadowing", 1, 2),
        stream(3, "fading", 2, 2),
        stream(3, "fading", 1),
    ]
    assert all(base != other.random() for other in others)


def test_longer_arrays_keep_their_head() -> None:
    for draw in ("standard_exponential", "standard_normal", "random"):
        short = getattr(stream(1, "x"), draw)(100)
        long = getattr(stream(1, "x"), draw)(1000)
        assert np.array_equal(short, long[:100])
    assert np.array_equal(
        stream(1, "x").poisson(200.0, 50), stream(1, "x").poisson(200.0, 500)[:50]
    )


def test_streams_are_those_of_numpys_own_hash() -> None:
    for seed in (0, 7, 2**32 - 1, 2**32, 2**127 + 5, 2**200 + 9):
        for ids in ((), (0,), (5, 1), (7, 2**35, 3), (1, 2, 3, 4, 5, 6)):
            key = (zlib.crc32(b"fading"), *ids)
            numpys = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key))
            assert stream(seed, "fading", *ids).bit_generator.state == numpys.state


def test_indices_are_not_negative() -> None:
    with pytest.raises(ValueError, match="-1"):
        stream(3, "fading", -1)


def test_streams_of_rounds_are_those_of_their_indices() -> None:
    for key in ((), (1,), (2, 2**33)):
        for number in (0, 1, 31, 32, 4000, 2**32 - 1, 2**32):
            found = stream_of_round(5, "fading", number, *key)
            assert (
                found.bit_generator.state == stream(5, "fading", number, *key).bit_generator.state
            )
    with pytest.raises(ValueError, match="-1"):
        stream_of_round(5, "fading", -1)


def test_streams_hashed_together_are_those_hashed_one_by_one() -> None:
    for last in ([], [3], [0, 5, 2**32 - 1] * 4, [2**32, *range(20)], range(1000)):
        numbers = np.array(last, dtype=np.int64)
        found = [one.bit_generator.state for one in streams(5, "fading", 2, 2**33, last=numbers)]
        expected = [stream(5, "fading", 2, 2**33, one).bit_generator.state for one in last]
        assert found == expected
    with pytest.raises(ValueError, match="-1"):
        list(streams(5, "fading", last=np.arange(-1, 20)))
