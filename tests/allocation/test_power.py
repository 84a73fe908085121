"""Power control: closed form against a fine grid, search against closed form, floors, give-up
rule.
"""

from __future__ import annotations

import numpy as np
import pytest

from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.power import (
    closed_form_power,
    damp,
    gives_up,
    optimal_power,
    power_cost,
    power_floor,
)
from netsim.radio.coverage import success_probability
from netsim.units import dbm_to_w

LOW, HIGH = 1e-3, 0.2
W, N0 = 1e9, dbm_to_w(-162.0)


def random_terms(count, seed=0):
    rng = np.random.default_rng(seed)
    weight = 10 ** rng.uniform(-3, 1, count)
    noise = 10 ** rng.uniform(-8, 2, count)
    price = 10 ** rng.uniform(-5, 3, count)
    return weight, noise, price


def one_term(noise):
    return lambda power: np.exp(-noise[:, None] / power)


def test_closed_form_is_never_worse_than_a_fine_grid():
    weight, noise, price = random_terms(2000)
    power = closed_form_power(weight, noise, price, floor_w=LOW, max_power_w=HIGH)
    assert power.min() >= LOW
    assert power.max() <= HIGH
    grid = np.geomspace(LOW, HIGH, 4001)[:, None]
    best = (price * grid - weight * np.exp(-noise / grid)).min(axis=0)
    found = price * power - weight * np.exp(-noise / power)
    assert np.all(found <= best + 1e-9 * (np.abs(best) + weight))
    # All the shapes are met: at the floor, inside, at the maximum.
    for where in (power == LOW, (power > LOW) & (power < HIGH), power == HIGH):
        assert where.sum() > 50


def test_cost_is_not_unimodal():
    """Rises, falls, rises: a local search from the floor would stay there."""
    w, a, price = 1.0, 0.05, 1.0
    power = closed_form_power(w, a, price, floor_w=LOW, max_power_w=10.0)
    cost = lambda p: price * p - w * np.exp(-a / p)  # noqa: E731
    assert cost(2 * LOW) > cost(LOW)
    assert power > 0.05
    assert cost(power) < cost(LOW)


def test_limits_of_the_closed_form():
    args = {"floor_w": LOW, "max_power_w": HIGH}
    assert closed_form_power(1.0, 0.05, 0.0, **args) == HIGH  # energy for nothing
    assert closed_form_power(0.0, 0.05, 1.0, **args) == LOW  # nothing to gain
    assert closed_form_power(1.0, 0.0, 1.0, **args) == LOW  # no noise: power buys nothing
    assert closed_form_power(1.0, 0.05, 1e9, **args) == LOW
    # Small noise: P = sqrt(a w / L).
    assert closed_form_power(1.0, 1e-8, 1e-4, **args) == pytest.approx(
        np.sqrt(1e-8 / 1e-4), rel=1e-2
    )


def test_search_agrees_with_the_closed_form():
    weight, noise, price = random_terms(300, seed=1)
    floor = np.full(300, LOW)
    exact = closed_form_power(weight, noise, price, floor_w=LOW, max_power_w=HIGH)
    # A second term of no weight in one UE's row and a tiny one in the other forces the search.
    weights = np.stack([weight, np.full(300, 1e-12)], axis=1)

    def success(power):
        term = one_term(noise)(power)
        return np.concatenate([term, term], axis=-1)

    searched = optimal_power(success, weights, price, floor_w=floor, max_power_w=HIGH)
    cost = lambda p: price * p - weight * np.exp(-noise / p)  # noqa: E731
    assert np.all(cost(searched) <= cost(exact) + 1e-9 * (weight + price * LOW))


def test_one_affine_term_takes_the_closed_form():
    weight, noise, price = random_terms(300, seed=2)
    noise = np.minimum(noise, 0.3)
    factor = np.random.default_rng(3).uniform(0.2, 1.0, 300)  # e^-b
    success = lambda power: factor[:, None] * one_term(noise)(power)  # noqa: E731
    got = optimal_power(
        success, weight[:, None], price, floor_w=np.full(300, LOW), max_power_w=HIGH
    )
    exact = closed_form_power(weight * factor, noise, price, floor_w=LOW, max_power_w=HIGH)
    cost = lambda p: price * p - weight * factor * np.exp(-noise / p)  # noqa: E731
    np.testing.assert_allclose(cost(got), cost(exact), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("follow", [True, False])
def test_any_success_probability(follow):
    """Eq. (15) with interferers at P_max or at the UE's power, against a fine grid."""
    rng = np.random.default_rng(4)
    d, share = rng.uniform(100, 900, 60), rng.uniform(1e-3, 0.05, 60)
    price, weight = 10 ** rng.uniform(-3, 0.5, 60), np.ones((60, 1))

    def success(power):
        return success_probability(
            d[:, None],
            density_per_m2=1e-6,
            sinr_threshold=0.3,
            pathloss_exponent=3.8,
            noise_to_power=W * share[:, None] * N0 / power,
            interferer_power_ratio=1.0 if follow else HIGH / power,
        )

    got = optimal_power(success, weight, price, floor_w=np.full(60, LOW), max_power_w=HIGH)
    grid = np.geomspace(LOW, HIGH, 2001)[:, None] * np.ones(60)
    best = power_cost(success, weight, price, grid).min(axis=0)
    assert np.all(power_cost(success, weight, price, got) <= best + 1e-7)
    assert np.ptp(got) > 0.01


def test_no_ues_and_one_power():
    empty = optimal_power(
        lambda p: p, np.empty((0, 1)), np.empty(0), floor_w=np.empty(0), max_power_w=HIGH
    )
    assert empty.shape == (0,)
    only = optimal_power(
        one_term(np.array([0.1])),
        np.ones((1, 1)),
        np.ones(1),
        floor_w=np.array([HIGH]),
        max_power_w=HIGH,
    )
    np.testing.assert_array_equal(only, [HIGH])


def test_printed_power_has_no_incentive_when_all_is_subscribed():
    """(14) with beta = 1 for all n, its own initialisation: Q = L P, and the least power is
    best.
    """
    nothing = np.zeros((3, 4))  # (1 - beta) c

    def success(power):
        return np.broadcast_to(np.exp(-0.1 / power), (*power.shape[:-1], 4))

    got = optimal_power(success, nothing, np.ones(3), floor_w=np.full(3, LOW), max_power_w=HIGH)
    np.testing.assert_array_equal(got, LOW)


def test_give_up_rule():
    floor = np.full(3, LOW)
    power = np.array([LOW, LOW, 0.1])
    cost = np.array([1e-3, -1e-3, 1e-3])
    np.testing.assert_array_equal(gives_up(power, floor, cost), [True, False, False])


def test_damping_is_half_way_in_db():
    np.testing.assert_allclose(damp(np.array([0.2]), np.array([0.002])), [0.02])


@pytest.mark.parametrize("follow", [False, True])
def test_floor_keeps_the_finish_time_within_the_cap(follow):
    """Any powers at or above the floor: E <= E_cap (docs/model/power.md, rule 1)."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 60))
        gain = (50 + 800 * rng.random(count)) ** -3.8
        interference = 10 ** rng.uniform(-14, -11, count)
        payload = rng.choice([4.72e6, 37.7e6], count)
        band = {"bandwidth_hz": W, "noise_psd_w_hz": N0}
        start = allocate_bandwidth(HIGH * gain, interference, payload, **band)
        cap = start.finish_s * rng.uniform(1.0, 5.0)
        floor = power_floor(
            gain,
            interference,
            payload,
            start.shares,
            cap,
            min_power_w=LOW,
            max_power_w=HIGH,
            interferers_follow=follow,
            **band,
        )
        for power in (floor, floor * (HIGH / floor) ** rng.random(count)):
            level = power / HIGH if follow else 1.0
            after = allocate_bandwidth(power * gain, level * interference, payload, **band)
            assert after.finish_s <= cap * (1 + 1e-9)


def test_floor_of_a_ue_without_payload_is_the_least_power():
    floor = power_floor(
        np.array([1e-9, 1e-9]),
        np.zeros(2),
        np.array([0.0, 1e6]),
        np.array([0.0, 0.0]),
        1.0,
        bandwidth_hz=W,
        noise_psd_w_hz=N0,
        min_power_w=LOW,
        max_power_w=HIGH,
    )
    np.testing.assert_array_equal(floor, [LOW, HIGH])
