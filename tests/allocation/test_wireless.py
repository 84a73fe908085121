"""Step 1 of Algorithm 2: the best iterate is kept, the finish time stays within its cap, energy
falls.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from netsim.allocation import wireless
from netsim.allocation.admission import admit
from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.cell_view import CellView
from netsim.allocation.uplinks import required_shares
from netsim.allocation.wireless import manage_wireless
from netsim.radio.coverage import mean_interference_w
from netsim.radio.pathloss import PowerLaw
from netsim.radio.success import ClosedForm
from netsim.theory.risk_bound import arrival_weight, default_constants
from netsim.units import dbm_to_w, from_db

W, N0, HIGH = 1e9, dbm_to_w(-162.0), 0.2
MODULES = np.array([4.72e6, 9.44e6, 18.9e6, 37.7e6])


def cell(count, seed=0, theta_db=-5.0, follow=False, form="ppp", density=1e-6):
    rng = np.random.default_rng(seed)
    d = np.sqrt(-np.log(rng.random(count)) / (np.pi * density))
    d = np.maximum(d, 10.0)
    law = {"law": "typical_user"}
    model = ClosedForm(
        d,
        density,
        from_db(theta_db),
        PowerLaw(3.8, 0.0, 10.0),
        1.0,
        N0,
        None if follow else HIGH,
        "typical_user",
        form,
    )
    interference = mean_interference_w(
        d, density_per_m2=density, interferer_power_w=HIGH, pathloss_exponent=3.8, **law
    )
    return CellView(
        np.arange(count),
        d**-3.8,
        interference,
        np.full(count, N0),
        MODULES,
        model,
        W,
        1e-3,
        HIGH,
        follow,
    )


def subscriptions(view, budget, modules=1, seed=0):
    """Random modules for every UE; only the admitted keep theirs."""
    rng = np.random.default_rng(seed)
    wanted = np.argsort(rng.random((len(view.gain), 4)), axis=1) < modules
    need = required_shares(
        HIGH * view.gain,
        view.interference_w,
        wanted @ MODULES,
        budget,
        bandwidth_hz=W,
        noise_psd_w_hz=N0,
    )
    return wanted & admit(need)[:, None]


def corrected_weight(count):
    return arrival_weight(np.full((count, 4), 0.3), default_constants())


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("formulas", ["corrected", "paper"])
def test_best_iterate_and_cap(follow, formulas):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        count, budget = int(rng.integers(1, 60)), 10 ** rng.uniform(-1, 1)
        view = cell(
            count,
            seed,
            theta_db=rng.uniform(-10, 8),
            follow=follow,
            density=10 ** rng.uniform(-6.5, -5),
        )
        subscribed = subscriptions(view, budget, modules=int(rng.integers(1, 3)), seed=seed)
        weight = arrival_weight(
            np.full((count, 4), 0.3), default_constants(formulas, count), formulas
        )
        price = 10 ** rng.uniform(-4, 2)
        found = manage_wireless(
            view, subscribed, weight, energy_price_per_j=price, budget_s=budget, formulas=formulas
        )
        best = found.best
        assert best.cost == min(found.costs)
        assert best.cost <= found.costs[0]
        assert best.finish_s <= budget * (1 + 1e-9)
        assert best.power_w.min() >= 1e-3
        assert best.power_w.max() <= HIGH
        assert not np.any(best.active & ~subscribed.any(axis=1))
        if best.active.any():
            assert best.shares.sum() == pytest.approx(1.0, abs=1e-12)
        again = allocate_bandwidth(
            (best.power_w * view.gain)[best.active],
            view.link(best.power_w)[1][best.active],
            (subscribed @ MODULES)[best.active],
            bandwidth_hz=W,
            noise_psd_w_hz=N0,
        )
        np.testing.assert_array_equal(
            best.shares[best.active], again.shares
        )  # shares match the last powers
        assert np.all((found.success >= 0) & (found.success <= 1))


def test_turns_that_go_in_circles_end(monkeypatch):
    view = cell(20)
    subscribed = subscriptions(view, 4.0)
    asked = itertools.cycle([0.15, 0.1])
    monkeypatch.setattr(
        wireless, "optimal_power", lambda *law, floor_w, **rest: np.full_like(floor_w, next(asked))
    )
    plan = manage_wireless(
        view, subscribed, corrected_weight(20), energy_price_per_j=1.0, budget_s=4.0
    )
    assert plan.settled
    assert 5 < len(plan.costs) < 20
    assert plan.costs[-1] == pytest.approx(plan.costs[-3], rel=1e-3)
    assert plan.costs[-1] != pytest.approx(plan.costs[-2], rel=1e-2)
    assert plan.best.cost == min(plan.costs)


def test_free_energy_means_full_power():
    view = cell(30)
    found = manage_wireless(
        view, subscriptions(view, 2.0), corrected_weight(30), energy_price_per_j=0.0, budget_s=2.0
    )
    np.testing.assert_array_equal(found.best.power_w, HIGH)
    assert found.settled
    assert len(found.costs) == 1


def test_dearer_energy_means_less_power_and_energy():
    view = cell(100)
    subscribed = subscriptions(view, 2.0)
    power, energy, success = [], [], []
    for price in (0.0, 1e-3, 1e-2, 1e-1):
        best = (
            found := manage_wireless(
                view, subscribed, corrected_weight(100), energy_price_per_j=price, budget_s=2.0
            )
        ).best
        power.append(best.power_w[best.active].mean())
        energy.append(best.power_w[best.active].sum() * best.finish_s)
        success.append(found.success[subscribed].mean())
    assert np.all(np.diff(power) < 0)
    assert np.all(np.diff(energy) < 0)
    assert success[1] > success[0] - 0.01  # the first savings cost next to nothing
    assert 0.7 < power[1] / power[0] < 1


def test_who_gives_up_frees_the_band():
    view = cell(60, theta_db=8.0)
    subscribed = subscriptions(view, 3.0)
    found = manage_wireless(
        view, subscribed, corrected_weight(60), energy_price_per_j=3.0, budget_s=3.0
    )
    silent = subscribed.any(axis=1) & ~found.best.active
    assert silent.any()
    assert found.best.shares[silent].max() == 0
    assert found.best.shares.sum() == pytest.approx(1.0, abs=1e-12)
    # The far ones give up, not the near ones.
    assert view.gain[silent].mean() < view.gain[found.best.active].mean()


def test_success_of_what_is_sent_and_of_what_is_not():
    view = cell(20)
    subscribed = subscriptions(view, 5.0)
    found = manage_wireless(
        view, subscribed, corrected_weight(20), energy_price_per_j=1e-2, budget_s=5.0
    )
    best = found.best
    sent = view.success.probability(view.ue, W * best.shares, best.power_w)
    for k in np.flatnonzero(best.active):
        n = int(np.flatnonzero(subscribed[k])[0])
        assert found.success[k, n] == pytest.approx(sent[k], rel=1e-12)
        # A larger module would need a larger share for the same finish time: more noise, less
        # success.
        others = np.delete(found.success[k], n)
        assert np.all(np.diff(others) <= 0)


def test_several_modules_are_sent_in_one_band():
    view = cell(10, density=1e-5)
    subscribed = subscriptions(view, 5.0, modules=2)
    found = manage_wireless(
        view, subscribed, corrected_weight(10), energy_price_per_j=1e-2, budget_s=5.0
    )
    two = found.success[subscribed].reshape(-1, 2)
    np.testing.assert_array_equal(two[:, 0], two[:, 1])
    assert found.best.shares.sum() == pytest.approx(1.0, abs=1e-12)


def test_nobody():
    view = cell(5)
    nobody = np.zeros((5, 4), dtype=bool)
    found = manage_wireless(
        view, nobody, corrected_weight(5), energy_price_per_j=1e-2, budget_s=1.0
    )
    assert found.best.finish_s == 0.0
    assert found.best.cost == 0.0
    assert found.success.shape == (5, 4)
    none = manage_wireless(
        view.select(np.empty(0, dtype=np.int64)),
        np.zeros((0, 4), dtype=bool),
        np.zeros((0, 4)),
        energy_price_per_j=1e-2,
        budget_s=1.0,
    )
    assert none.best.finish_s == 0.0


def test_printed_power_pays_for_the_modules_not_sent():
    """(14) as printed: with all modules subscribed nothing holds power up, only the floor does."""
    view = cell(10, density=1e-5)
    everything = np.ones((10, 4), dtype=bool)
    weight = arrival_weight(np.full((10, 4), 5.0), default_constants("paper", 10), "paper")
    found = manage_wireless(
        view, everything, weight, energy_price_per_j=1e-2, budget_s=1e3, formulas="paper"
    )
    assert found.best.power_w.max() < 0.5 * HIGH
    right = manage_wireless(
        view, everything, corrected_weight(10), energy_price_per_j=1e-4, budget_s=1e3
    )
    assert right.best.power_w.mean() > found.best.power_w.mean()


def test_planned_rates_are_those_of_a_narrower_band_at_less_sinr() -> None:
    """With a factor and a gap, shares are those of the same problem in a band and at SINRs so."""
    plain = _cell_for_plans(rate_factor=1.0, sinr_gap=1.0)
    nr = _cell_for_plans(rate_factor=0.2, sinr_gap=2.0)
    power = np.full(4, 0.2)
    bits = np.full(4, 5e6)
    found = nr.allocate(power, bits)
    by_hand = allocate_bandwidth(
        power * plain.gain / 2,
        plain.interference_w,
        bits,
        bandwidth_hz=0.2 * plain.bandwidth_hz,
        noise_psd_w_hz=plain.noise_psd_w_hz / 0.2,
    )
    np.testing.assert_array_equal(found.shares, by_hand.shares)
    assert found.finish_s > 5 * plain.allocate(power, bits).finish_s
    share = np.full((4, 1), 0.25)
    assert np.array_equal(
        nr.success_at(power[:, None], share, bits[:, None], 1.0),
        plain.success_at(power[:, None], share, bits[:, None], 1.0),
    )


def _cell_for_plans(**more: float) -> CellView:
    return CellView(
        ue=np.arange(4),
        gain=np.array([1e-9, 3e-10, 1e-10, 3e-11]),
        interference_w=np.full(4, 1e-12),
        noise_psd_w_hz=np.full(4, 1e-19),
        payload_bits=np.array([5e6]),
        success=_Certain(),
        bandwidth_hz=1e7,
        min_power_w=1e-3,
        max_power_w=0.2,
        **more,
    )


class _Certain:
    """Succeeds by band alone."""

    def probability(self, ue, bandwidth_hz, power_w, payload_bits=0.0, airtime_s=np.inf):
        return np.asarray(bandwidth_hz) / 1e7 + 0.0 * np.asarray(power_w)
