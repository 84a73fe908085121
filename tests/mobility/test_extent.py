"""A few odd places do not decide where a trace lies."""

from __future__ import annotations

import numpy as np

from netsim.mobility.extent import extent_of
from netsim.traces.tracks import Tracks


def _tracks(places: list[list[float]]) -> Tracks:
    count = len(places)
    first = np.array([0, count // 2, count])
    return Tracks(("a", "b"), first, np.arange(count, dtype=float), np.array(places, dtype=float))


def test_one_outlier_is_named_and_left_out() -> None:
    places = [[float(k), 2.0 * k] for k in range(20)]
    whole = extent_of(_tracks(places))
    assert (whole.outliers, whole.outlying) == (0, ())
    places[15] = [-5e6, 5e6]
    found = extent_of(_tracks(places))
    assert (found.outliers, found.outlying) == (1, ("b",))
    assert found.low_m.tolist() == [0, 0]
    assert found.high_m.tolist() == [19, 38]
    assert np.abs(found.middle_m - whole.middle_m).max() < 2


def test_a_long_road_has_no_outliers() -> None:
    places = [[1000.0 * k, 0.0] for k in range(100)]
    found = extent_of(_tracks(places))
    assert found.outliers == 0
    assert found.centre_m.tolist() == [49_500, 0]
