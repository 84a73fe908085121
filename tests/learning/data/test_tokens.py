"""Sequences divided into runs: for limits, and for workers that end together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netsim.learning.data.tokens import ChunkSize, even_runs, runs


def test_runs_hold_the_limit_or_one_member() -> None:
    assert list(runs(np.array([3, 3, 3, 9, 1]), 6)) == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert list(runs(np.array([], dtype=np.int64), 6)) == []


def test_even_runs_are_an_even_number_of_like_cost() -> None:
    size = ChunkSize(aim=50, whole=50)
    assert list(even_runs(np.full(10, 5), size)) == [(0, 10)]  # all at once
    assert list(even_runs(np.full(12, 5), size)) == [(0, 6), (6, 12)]
    uneven = np.array([1, 1, 1, 1, 60, 1])
    assert list(even_runs(uneven, ChunkSize(aim=8, whole=8))) == [(0, 4), (4, 5), (5, 6)]


def test_less_than_is_aimed_at_is_divided_unless_it_is_little() -> None:
    size = ChunkSize(aim=50, whole=25)
    assert list(even_runs(np.full(6, 5), size)) == [(0, 3), (3, 6)]
    assert list(even_runs(np.full(5, 5), size)) == [(0, 5)]
    assert list(even_runs(np.array([30]), size)) == [(0, 1)]


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 200), st.integers(0, 200))
def test_even_runs_cover_all_and_exceed_their_aim_little(
    cost: list[int], aim: int, whole: int
) -> None:
    found = list(even_runs(np.array(cost, dtype=np.int64), ChunkSize(aim=aim, whole=whole)))
    assert [i for start, end in found for i in range(start, end)] == list(range(len(cost)))
    largest = max(cost, default=0)
    assert all(sum(cost[start:end]) <= max(whole, 2 * aim + largest) for start, end in found)
