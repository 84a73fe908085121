"""Positions between samples beside a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.mobility.interpolation import positions
from netsim.units import FloatArray


def _plain(times: list[float], places: FloatArray, at: float, jump_m_s: float) -> FloatArray:
    before = [i for i, t in enumerate(times) if t <= at]
    if not before or at > times[-1]:
        return np.full(2, np.nan)
    i = before[-1]
    if i == len(times) - 1:
        return places[i]
    length, move = times[i + 1] - times[i], places[i + 1] - places[i]
    if np.hypot(*move) > jump_m_s * length:
        return places[i]
    return np.asarray(places[i] + (at - times[i]) / length * move)


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=9), min_size=1, max_size=6),
    at=st.lists(st.floats(-2, 22), min_size=1, max_size=8),
    jump=st.sampled_from([np.inf, 5.0]),
    seed=st.integers(0, 99),
)
def test_beside_a_plain_loop(
    times: list[list[int]], at: list[float], jump: float, seed: int
) -> None:
    """Repeated times (jumps), one sample, times before and after all, and exactly on samples."""
    own = [sorted(map(float, t)) for t in times]
    at = [*at, *own[0]]
    first = np.concatenate([[0], np.cumsum([len(t) for t in own])])
    places = np.random.default_rng(seed).uniform(0, 50, (first[-1], 2))
    found = positions(first, np.concatenate(own), places, np.array(at), jump_m_s=jump)
    for k, t in enumerate(own):
        expected = [_plain(t, places[first[k] : first[k + 1]], a, jump) for a in at]
        np.testing.assert_allclose(found[k], expected, rtol=0, atol=1e-9)


def test_samples_are_met_to_the_last_bit() -> None:
    times, places = np.array([0.1, 0.7, 1.3]), np.array([[0.1, 1 / 3], [2 / 7, 9.9], [1e5, -1e-9]])
    assert positions(np.array([0, 3]), times, places, times)[0].tolist() == places.tolist()
