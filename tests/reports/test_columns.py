"""Plain lists and fair samples."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from netsim.reports.columns import PageBudget, as_lists, evenly


def test_columns_are_json() -> None:
    frame = pl.DataFrame(
        {"a": [1.23456789, math.nan, math.inf, None], "b": [1, 2, None, 4], "c": ["x"] * 4}
    )
    found = as_lists(frame, 3)
    assert found == {"a": [1.23, None, None, None], "b": [1, 2, None, 4], "c": ["x"] * 4}
    json.dumps(found, allow_nan=False)
    assert as_lists(pl.DataFrame({"b": [1]})) == {"b": [1]}


@given(st.integers(0, 300), st.integers(1, 50))
def test_samples_are_even_and_keep_the_ends(length: int, count: int) -> None:
    found = evenly(range(length), count)
    assert len(found) == min(length, count)
    if length and count > 1:
        assert (found[0], found[-1]) == (0, length - 1)
        steps = {b - a for a, b in pairwise(found)}
        assert len(steps) <= 2


def test_runs_share_a_page() -> None:
    assert PageBudget().shared_by(3).spans == PageBudget().spans // 3
