"""Over-the-air aggregation: bands, powers and receive powers, and the error of the sum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netsim.radio.alignment import Reachable, Sums, receive_power_w
from netsim.radio.superposition import (
    AnalogRate,
    Senders,
    Superposition,
    mean_squared_error,
    superpose,
)
from netsim.verification.law import Effort
from netsim.verification.runner import verify
from netsim.verification.superposition import superposition_error, superposition_truncation

HZ, PSD = 1e7, 1e-20


def senders(count: int = 60, **given: Any) -> Senders:
    """Of two modules at two gNBs."""
    draws = np.random.default_rng(count)
    ue = np.arange(count)
    usual = Senders(
        ue=ue,
        gnb=3 + ue % 2,
        module=ue // 2 % 2,
        payload_bits=np.where(ue // 2 % 2, 3e6, 1e6),
        limit_w=np.full(count, 0.2),
        amplitude=1.0 + ue % 5,
        gain=10 ** draws.uniform(-11, -8, count),
        fading=draws.standard_exponential(count),
        interference_w=draws.standard_exponential(count) * 1e-13,
    )
    return replace(usual, **given)


def sent(one: Senders, truncation: float | None = None, **given: Any) -> Superposition:
    radio = {"bandwidth_hz": HZ, "noise_psd_w_hz": PSD, **given}
    return superpose(one, truncation=truncation, **radio)


def test_error_of_the_mean_is_that_of_the_closed_form_over_snr() -> None:
    """Symbol by symbol; with it, how many are silent and what the others send."""
    found = verify(Effort(networks=200), laws=(superposition_error, superposition_truncation))
    assert len(found) == 20
    assert [verdict.law.case for verdict in found if not verdict.holds] == []


def test_a_wrong_noise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from netsim.verification import superposition

    def too_little(one: Senders, **radio: Any) -> Superposition:
        found = superpose(one, **radio)
        return replace(found, deviation=found.deviation * 0.9)

    monkeypatch.setattr(superposition, "superpose", too_little)
    found = verify(Effort(networks=200), laws=(superposition_error,))
    assert sum(not verdict.holds for verdict in found) >= 12


def test_all_modules_of_a_gnb_take_the_same_time_whoever_sends() -> None:
    for count in (8, 60, 400):
        one = senders(count)
        share = sent(one).share
        airtime_s = one.payload_bits / AnalogRate().rate_bps(HZ * share, np.ones(count))
        assert airtime_s == pytest.approx(4e6 / 64 / HZ)
        for gnb in (3, 4):
            mine = one.gnb == gnb
            assert sum({*share[mine].tolist()}) == pytest.approx(1.0)


@pytest.mark.parametrize("truncation", [None, 0.1, 0.6])
def test_powers_invert_channels_within_their_limits(truncation: float | None) -> None:
    one = senders()
    found = sent(one, truncation)
    arrives_w = found.power_w * one.gain * one.fading / one.amplitude**2
    for number in range(4):
        mine = (one.sum_of == number) & ~found.silent
        assert arrives_w[mine] == pytest.approx(arrives_w[mine][0])
        quiet = (one.sum_of == number) & found.silent
        reached_w = one.limit_w * one.gain * one.fading / one.amplitude**2
        assert (reached_w[quiet] < arrives_w[mine][0]).all()
    assert (found.power_w <= one.limit_w * (1 + 1e-9)).all()
    assert (found.power_w[found.silent] == 0).all()
    assert found.silent.any()
    assert np.isnan(found.sinr[found.silent]).all()
    heard = ~found.silent
    # of every upload, SINR and noise tell the same
    assert found.deviation[heard] * np.sqrt(found.sinr[heard]) == pytest.approx(
        one.amplitude[heard]
    )


def test_the_band_holds_what_disturbs_each_part_of_it() -> None:
    one = senders()
    loud = replace(one, interference_w=one.interference_w + 1e-9)
    for gnb in (3, 4):
        mine = np.flatnonzero(one.gnb == gnb)
        disturbance_w = one.interference_w[mine].sum() + PSD * HZ
        ratio = sent(loud, 0.1).deviation[mine] / sent(one, 0.1).deviation[mine]
        assert ratio**2 == pytest.approx(1 + len(mine) * 1e-9 / disturbance_w)


def test_numbers_that_are_all_zero_are_sent_without_power() -> None:
    one = senders(amplitude=np.where(np.arange(60) == 4, 0.0, 1.0))
    found = sent(one)
    assert found.power_w[4] == 0
    assert not found.silent[4]
    nothing = sent(senders(amplitude=np.zeros(60)))
    assert (nothing.deviation == 0).all()
    assert np.isfinite(nothing.power_w).all()


def some(noise_w: float, spread_db: float = 20.0) -> Sums:
    draws = np.random.default_rng(3)
    return Sums(
        number=np.repeat([0, 1], [30, 50]),
        part=draws.uniform(0.2, 1.0, 80),
        reach_w=1e-12 * 10 ** (draws.uniform(0, spread_db / 10, 80)),
        disturbance_w=np.full(80, noise_w),
    )


@pytest.mark.parametrize("truncation", [0.01, 0.3, 0.9])
def test_as_many_are_expected_to_be_silent_as_asked(truncation: float) -> None:
    sums = some(1e-13)
    reached = sums.reached(receive_power_w(sums, truncation))
    silent = 1 - sums.add_up(reached) / sums.add_up(np.ones(80))
    assert silent == pytest.approx(truncation, abs=1e-9)


def test_with_equal_gains_the_threshold_is_that_of_zhu_and_others() -> None:
    """|h|^2 >= g with 1 - e^-g silent."""
    sums = replace(some(1e-13), reach_w=np.full(80, 1e-12))
    assert receive_power_w(sums, 0.2) == pytest.approx(-np.log(0.8) * 1e-12)


def test_the_default_has_the_least_expected_error() -> None:
    low, high = 1e-18, 1e-8
    grid = np.geomspace(low, high, 1001)
    found_w = []
    for noise_w in (1e-15, 1e-13, 1e-11, 1e-9):
        sums = some(noise_w)
        best = receive_power_w(sums, None)
        others = np.array([sums.error(np.full(2, rho)) for rho in grid])
        assert (sums.error(best) <= others.min(axis=0) * (1 + 2e-3)).all()
        found_w.append(best)
    # the more noise, the fewer UEs that are near
    assert (np.diff(found_w, axis=0) > 0).all()


def test_expected_error_is_that_of_drawn_fading_and_numbers() -> None:
    """Of independent numbers around a mean, against the mean: who is missing, and the noise."""
    count, rho, noise_w = 40, 1e-12, 2e-12
    sums = Sums(
        number=np.zeros(count, dtype=np.int64),
        part=np.ones(count),
        reach_w=np.geomspace(1e-12, 1e-10, count),
        disturbance_w=np.full(count, noise_w),
    )
    draws = np.random.default_rng(5)
    errors = []
    for _ in range(4000):
        reached = draws.standard_exponential(count) * sums.reach_w >= rho
        heard = draws.normal(size=count)[reached].sum() + draws.normal() * np.sqrt(noise_w / rho)
        errors.append((heard / reached.sum()) ** 2)
    (expected,) = sums.error(np.array([rho]))
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)


def test_planning_knows_who_is_likely_to_be_silent() -> None:
    gain = np.array([1e-11, 1e-10, 1e-9, 1e-9])
    one = Reachable(gain, np.array([0, 0, 0, 5]), np.full(4, 1e-13), 0.2, 0.1)
    lam = one.probability(np.arange(4), np.ones(4), np.full(4, 0.2))
    assert 1 - lam[:3].mean() == pytest.approx(0.1)
    assert (np.diff(lam[:3]) > 0).all()
    assert lam[3] == pytest.approx(0.9)  # alone at its gNB
    less = one.probability(np.arange(4), np.ones(4), np.array([0.1, 0.1, 0.0, 0.1]))
    assert (less < lam).all()
    assert less[2] == 0
    assert one.probability(np.arange(4), np.full(4, np.inf), np.full(4, 0.2)).max() == 0


def test_mean_squared_error_of_equal_weights() -> None:
    """v^2 / (K^2 SNR)."""
    count, v, snr = 20, 0.3, 2.0
    found = mean_squared_error(v * 4 / np.sqrt(snr), 4.0 * count)
    assert found == pytest.approx(v**2 / count**2 / snr)
