"""Fading that is correlated in time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j0

from netsim.radio.fading import (
    CHUNK_BLOCKS,
    block_lengths_s,
    coherence_time_s,
    doppler_hz,
    jakes_fading,
)


def test_correlation_is_that_of_the_jakes_spectrum() -> None:
    """For Rayleigh fading the autocorrelation of |h|^2 is J0^2."""
    doppler, block_s = 20.0, 1.5e-3
    gain = np.concatenate(
        [
            jakes_fading(1, number, 0, 2000, doppler_hz=doppler, block_s=block_s)
            for number in range(10)
        ]
    )
    assert gain.mean() == pytest.approx(1.0, abs=0.02)
    deviation = gain - 1
    for lag in (1, 4, 8, 13, 20):
        found = (deviation[:, :-lag] * deviation[:, lag:]).mean()
        expected = j0(2 * np.pi * doppler * lag * block_s) ** 2
        assert found == pytest.approx(expected, abs=0.04)


def test_power_is_exponential() -> None:
    gain = jakes_fading(3, 1, 5, 40_000, doppler_hz=10.0, block_s=1e-3)[:, 0]
    for level in (0.05, 0.5, 1.0, 3.0):
        assert (gain < level).mean() == pytest.approx(-np.expm1(-level), abs=0.012)


def test_chunks_continue_each_other_in_any_order() -> None:
    fine = {c: jakes_fading(1, 4, c, 5, doppler_hz=30.0, block_s=1e-3) for c in (3, 0, 2)}
    coarse = jakes_fading(1, 4, 0, 5, doppler_hz=30.0, block_s=4e-3)
    np.testing.assert_allclose(fine[3][:, 0], coarse[:, 3 * CHUNK_BLOCKS // 4], rtol=1e-9)
    np.testing.assert_allclose(fine[2][:, 4], coarse[:, (2 * CHUNK_BLOCKS + 4) // 4], rtol=1e-9)


def test_more_ues_leave_the_others_as_they_were() -> None:
    few = jakes_fading(1, 4, 1, 5, doppler_hz=30.0, block_s=1e-3)
    many = jakes_fading(1, 4, 1, 9, doppler_hz=30.0, block_s=1e-3)
    assert np.array_equal(few, many[:5])


def test_every_ue_has_its_own_speed() -> None:
    """A UE that stands keeps its channel; at the Doppler shift, a coherence time takes it away."""
    shift = doppler_hz(np.array([0.0, 30.0]), 3.5e9)
    assert shift[1] == pytest.approx(350, rel=1e-3)
    assert coherence_time_s(30.0, 3.5e9) == pytest.approx(0.423 / shift[1])
    gain = jakes_fading(1, 1, 0, 2, doppler_hz=shift, block_s=1e-3)
    assert np.ptp(gain[0]) < 1e-9
    assert np.ptp(gain[1]) > 0.5


def test_blocks_are_as_long_as_speed_has_it() -> None:
    """36 ms at 1 m/s, and at 30 m/s not 36 but 1.1 ms: the half of a half of ... nearest to 1.2."""
    standing_s = coherence_time_s(1.0, 3.5e9)
    speed = np.array([0.1, 1.0, 1.4, 3.0, 30.0, 90.0])
    found = block_lengths_s(standing_s, speed)
    np.testing.assert_allclose(found[[0, 1, 4]], [36.2e-3, 36.2e-3, 1.13e-3], rtol=0.01)
    wanted = coherence_time_s(np.maximum(speed, 1.0), 3.5e9)
    assert (np.abs(np.log2(found / wanted)) <= 0.5).all()
    assert block_lengths_s(standing_s, speed, 5e-4).min() >= 5e-4
    assert (block_lengths_s(standing_s, speed, 1.0) == standing_s).all()
