"""Who is admitted, and the two settings of the baselines' band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from netsim.allocation.cell_view import CellView
from netsim.allocation.uplinks import required_shares
from netsim.protocols import Observation
from netsim.schemes.radio import LONG_S, SharedBand, admit_uploads, split_power

Observe = Callable[..., Observation]
CROWD = {"ues.count": 60}  # more than the band can serve in time


def _admission(seen: Observation, ue: np.ndarray[Any, Any], **more: Any) -> Any:
    return admit_uploads(seen, CellView.of(seen), ue, ue % 4, **more)


def test_equal_shares_at_full_power(observation: Observation) -> None:
    ue = np.array([0, 0, 3, 5])
    plan = SharedBand().plan(observation, ue, np.array([0, 2, 1, 1]))
    assert plan.share.tolist() == [0.25] * 4
    assert np.allclose(plan.power_w, [0.1, 0.1, 0.2, 0.2], rtol=1e-15)


def test_algorithm_1_lets_the_admitted_finish_together(observe: Observe) -> None:
    seen = observe(CROWD)
    ue = np.arange(60)
    plan = SharedBand("algorithm1").plan(seen, ue, ue % 4)
    assert 10 < len(plan.ue) < 60
    assert plan.share.sum() == pytest.approx(1.0, abs=1e-12)
    assert (plan.power_w == seen.max_power_w).all()
    noise = seen.noise_psd_w_hz[plan.ue] * seen.bandwidth_hz * plan.share
    sinr = plan.power_w * seen.signal_gain[plan.ue] / (seen.interference_w[plan.ue] + noise)
    finish = seen.payload_bits[plan.module] / (seen.bandwidth_hz * plan.share * np.log2(1 + sinr))
    assert finish.max() - finish.min() < 1e-9 * finish.max()
    assert finish.max() <= _admission(seen, ue).budget_s


@pytest.mark.parametrize("bandwidth", ["equal", "algorithm1"])
def test_what_is_under_way_keeps_its_band(observe: Observe, bandwidth: Any) -> None:
    """With 0.6 of the band reserved, shares are those of a gNB with 0.4 of the band."""
    seen, ue = observe(CROWD), np.arange(60)
    part = SharedBand(bandwidth).plan(replace(seen, free_share=np.full(60, 0.4)), ue, ue % 4)
    small = SharedBand(bandwidth).plan(
        replace(seen, bandwidth_hz=0.4 * seen.bandwidth_hz), ue, ue % 4
    )
    assert part.ue.tolist() == small.ue.tolist()
    assert np.allclose(part.share, 0.4 * small.share, rtol=1e-12)
    assert part.share.sum() == pytest.approx(0.4)


def test_admission_is_the_longest_prefix_by_need(observe: Observe) -> None:
    seen = observe(CROWD)
    ue = np.arange(60)
    found = _admission(seen, ue)
    need = required_shares(
        seen.max_power_w * seen.signal_gain,
        seen.interference_w,
        seen.payload_bits[ue % 4],
        found.budget_s,
        bandwidth_hz=seen.bandwidth_hz,
        noise_psd_w_hz=seen.noise_psd_w_hz,
    )
    _, ready = seen.computed(ue, ue % 4)
    outside = need[ready & ~found.admitted]
    assert need[found.admitted].sum() <= 1 < need[found.admitted].sum() + outside.min()
    assert need[found.admitted].max() <= outside.min()
    assert not (found.admitted & ~ready).any()


def test_who_cannot_be_ready_delays_nobody(observe: Observe) -> None:
    seen = observe()
    slow = 4
    computed, _ = seen.computed(np.arange(12), np.zeros(12, dtype=int))

    def one_is_late(ue: Any, module: Any, rank: Any) -> Any:
        return np.where(ue == slow, 3.0, computed[ue]), ue != slow

    found = _admission(replace(seen, computed=one_is_late), np.arange(12))
    assert not found.admitted[slow]
    assert found.budget_s == pytest.approx(seen.deadline_s - np.delete(computed, slow).max())
    nobody = replace(seen, computed=lambda ue, *_: (computed[ue], np.zeros(len(ue), dtype=bool)))
    assert not _admission(nobody, np.arange(12)).admitted.any()


def test_the_time_planned_is_that_of_those_who_are_admitted(observe: Observe) -> None:
    """Broadcasts that only rejected UEs were to hear, or that they slow down, take no time."""
    seen = observe({**CROWD, "downlink.bandwidth_hz": 3e6, "round.compute_limit_s": None})
    ue = np.arange(60)
    found = _admission(seen, ue)
    assert 0 < found.admitted.sum() < 60
    mine = np.flatnonzero(found.admitted)
    computed_s, _ = seen.computed(mine, mine % 4)
    every_s, _ = seen.computed(ue, ue % 4)
    left_s = seen.deadline_s - computed_s.max()
    assert found.budget_s == pytest.approx(left_s, rel=1e-6)
    assert left_s > seen.deadline_s - every_s.max() + 0.1


def test_known_outages_are_not_admitted(observation: Observation) -> None:
    weak = observation.signal_gain.copy()
    weak[3] *= 1e-4
    endless = replace(observation, signal_gain=weak, deadline_s=np.inf)  # time enough for any rate
    assert _admission(endless, np.arange(12)).admitted[3]
    assert _admission(endless, np.arange(12)).budget_s == pytest.approx(LONG_S)
    assert not _admission(endless, np.arange(12), known=True).admitted[3]


@pytest.mark.parametrize("bandwidth", ["equal", "algorithm1"])
def test_each_gnb_has_a_band_of_its_own(observe: Observe, bandwidth: Any) -> None:
    seen = observe(CROWD)
    alone = SharedBand(bandwidth).plan(seen, np.arange(60), np.arange(60) % 4)
    gnb = np.arange(60) % 3
    split = replace(seen, gnb=gnb, available=np.arange(60) != 7)
    plan = SharedBand(bandwidth).plan(split, np.arange(60), np.arange(60) % 4, np.full(60, 4))
    assert (np.diff(plan.ue) > 0).all()
    assert 7 not in plan.ue
    assert np.bincount(gnb[plan.ue], plan.share) == pytest.approx([1.0] * 3)
    assert plan.rank is not None
    assert len(plan.rank) == len(plan.ue) >= len(alone.ue) - 1
    nobody = SharedBand(bandwidth).plan(
        replace(seen, available=np.zeros(60, bool)), np.arange(60), gnb
    )
    assert len(nobody.ue) == 0


def test_power_is_split_by_share() -> None:
    power = split_power(0.2, np.array([0, 0, 1]), np.array([0.3, 0.1, 0.5]))
    assert np.allclose(power, [0.15, 0.05, 0.2])
    assert len(split_power(0.2, np.empty(0, dtype=int), np.empty(0))) == 0
