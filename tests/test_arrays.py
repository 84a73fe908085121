"""What is remembered of arrays."""

from __future__ import annotations

import numpy as np

from netsim.arrays import Recent


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
