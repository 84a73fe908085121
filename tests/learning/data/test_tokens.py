"""Sequences divided into runs: for limits, and for workers that end together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netsim.learning.data.tokens import even_runs, runs


def test_runs_hold_the_limit_or_one_member() -> None:
    assert list(runs(np.array([3, 3, 3, 9, 1]), 6)) == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert list(runs(np.array([], dtype=np.int64), 6)) == []


def test_even_runs_are_an_even_number_of_like_cost() -> None:
    assert list(even_runs(np.full(10, 5), 50)) == [(0, 10)]  # all at once
    assert list(even_runs(np.full(12, 5), 50)) == [(0, 6), (6, 12)]
    assert list(even_runs(np.array([1, 1, 1, 1, 60, 1]), 8)) == [(0, 4), (4, 5), (5, 6)]


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 200))
def test_even_runs_cover_all_and_exceed_their_aim_little(cost: list[int], aim: int) -> None:
    found = list(even_runs(np.array(cost, dtype=np.int64), aim))
    assert [i for start, end in found for i in range(start, end)] == list(range(len(cost)))
    largest = max(cost, default=0)
    assert all(sum(cost[start:end]) <= 2 * aim + largest for start, end in found)
