"""What is remembered of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.arrays import Recent, ascending


def test_equal_arrays_are_worked_out_once_and_others_anew() -> None:
    asked: list[float] = []

    def total(values: np.ndarray) -> float:
        def work_out() -> float:
            asked.append(float(values.sum()))
            return asked[-1]

        return recent.of(about, [values], work_out)

    recent, about = Recent[float](most=2, longest=4), object()
    one, two = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    assert [total(one), total(two), total(one.copy())] == [3.0, 4.0, 3.0]
    assert asked == [3.0, 4.0]
    total(np.array([5.0]))  # the first is let go
    assert total(one) == 3.0
    assert asked == [3.0, 4.0, 5.0, 3.0]
    about = object()
    assert total(one) == 3.0
    assert len(asked) == 5  # about something else
    for _ in range(2):
        total(np.zeros(5))  # too long
    assert len(asked) == 7


def test_rows_ascend_and_ties_stay_in_their_order() -> None:
    values = np.array([2.0, 1.0, 2.0, 0.5])
    rows = list(ascending(values, "abcd", [4, 3, 2, 1]))
    assert rows == [(0.5, "d", 1), (1.0, "b", 3), (2.0, "a", 4), (2.0, "c", 2)]
    with pytest.raises(ValueError, match="longer than"):
        list(ascending(values, "abc", [4, 3, 2, 1]))
