"""Given finish times: the shares they need, whom they admit, and that the admitted finish in
time.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.allocation.admission import admit
from netsim.allocation.bandwidth import allocate_bandwidth
from netsim.allocation.uplinks import required_shares
from netsim.errors import InputError
from netsim.units import dbm_to_w

W, N0 = 1e9, dbm_to_w(-162.0)
BAND = {"bandwidth_hz": W, "noise_psd_w_hz": N0}


def wild(count, seed):
    rng = np.random.default_rng(seed)
    interference = W * N0 * 10 ** rng.uniform(-6, 6, count) * (rng.random(count) < 0.7)
    signal = 10 ** rng.uniform(-4, 6, count) * (interference + W * N0)
    return signal, interference, 10 ** rng.uniform(3, 10, count)


def rate(share, s, i):
    return W * share * np.log2(1 + s / (i + W * N0 * share))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31), st.floats(-6, 8))
def test_required_share_meets_its_time(seed, log_finish):
    s, i, g = wild(200, seed)
    finish = 10**log_finish
    need = required_shares(s, i, g, finish, **BAND)
    within = np.isfinite(need)
    np.testing.assert_allclose(
        g[within] / rate(need[within], s[within], i[within]), finish, rtol=1e-9
    )
    assert np.all(need[within] <= 1)
    assert np.all(rate(1.0, s, i)[~within] * finish < g[~within])


def test_required_share_is_the_first_tier_of_algorithm_1():
    s, i, g = wild(50, 3)
    whole = allocate_bandwidth(s, i, g, **BAND)
    np.testing.assert_allclose(
        required_shares(s, i, g, whole.finish_s * (1 + 1e-12), **BAND), whole.shares, rtol=1e-5
    )


def test_virtual_shares_of_all_modules_at_once():
    s, i, _ = wild(5, 4)
    modules = np.array([1e5, 1e6, 1e7])
    need = required_shares(s[:, None], i[:, None], modules, 2.0, **BAND)
    assert need.shape == (5, 3)
    for n in range(3):
        alone = required_shares(s, i, modules[n], 2.0, **BAND)
        np.testing.assert_allclose(need[:, n], alone, rtol=1e-8)
    per_ue = required_shares(s, i, 1e6, np.linspace(1, 3, 5), **BAND)
    assert per_ue[0] == pytest.approx(required_shares(s[0], i[0], 1e6, 1.0, **BAND)[0], rel=1e-8)


def test_no_payload_needs_nothing_and_no_signal_needs_all():
    need = required_shares([1e-9, 0.0, 0.0], 0.0, [0.0, 0.0, 1e6], 1.0, **BAND)
    np.testing.assert_array_equal(need, [0.0, 0.0, np.inf])
    np.testing.assert_array_equal(required_shares(1e-9, 0.0, 1e6, 0.0, **BAND), [np.inf])


def test_the_admitted_finish_in_time():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        d = 10 + 900 * np.sqrt(rng.random(80))
        s, i, g = 0.2 * d**-3.8, np.full(80, 2e-12), np.full(80, 9.44e6)
        budget = rng.uniform(0.05, 2.0)
        need = required_shares(s, i, g, budget, **BAND)
        admitted = admit(need)
        got = allocate_bandwidth(s[admitted], i[admitted], g[admitted], **BAND)
        assert got.finish_s <= budget * (1 + 1e-9)
        # One more would not fit: the rule admits as many as possible.
        left = np.sort(need[~admitted])
        if left.size:
            assert need[admitted].sum() + left[0] > 1


def test_admission_order_and_ties():
    need = np.array([0.5, 0.3, np.inf, 0.3, 0.0, 0.3])
    np.testing.assert_array_equal(admit(need), [False, True, False, True, True, True])
    np.testing.assert_array_equal(admit(np.array([0.5, 0.5, 0.5])), [True, True, False])
    assert admit(np.empty(0)).shape == (0,)
    np.testing.assert_array_equal(admit(np.array([np.inf])), [False])
    with pytest.raises(InputError, match="required_share"):
        admit(np.array([0.1, np.nan]))
