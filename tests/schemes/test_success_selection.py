"""Selection by success probability, with power control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import linear_sum_assignment

from netsim.allocation.cell_view import CellView
from netsim.errors import ScenarioError
from netsim.protocols import Observation
from netsim.schemes.success_selection import SuccessSelection, mean_rate_bps
from netsim.units import FloatArray

Observe = Callable[..., Observation]


def test_rate_is_the_mean_over_fading(observation: Observation) -> None:
    power = np.full(12, 0.1)
    power[0] = 1e-9  # hardly any signal
    found = mean_rate_bps(CellView.of(observation), power, 1e6)
    noise = observation.interference_w + 1e6 * observation.noise_psd_w_hz
    ratio = power * observation.signal_gain / noise
    for k in range(12):
        area, _ = quad(lambda h, k=k: np.log2(1 + h * ratio[k]) * np.exp(-h), 0, 60, limit=200)
        assert found[k] == pytest.approx(1e6 * area, rel=1e-6)


def test_power_uses_up_the_energy_budget(observe: Observe) -> None:
    seen = replace(
        observe({"ues.count": 40}), compute_energy_j=np.linspace(0.0, 0.4, 40), deadline_s=1e6
    )
    most = _energy(seen, np.full(40, seen.max_power_w), np.arange(40), 40)
    least = _energy(seen, np.full(40, seen.min_power_w), np.arange(40), 40)
    budget = float(np.median(most))
    plan = SuccessSelection(resource_blocks=40, energy_budget_j=budget).plan(seen)
    energy = _energy(seen, plan.power_w, plan.ue, 40)
    bound = plan.power_w < seen.max_power_w
    assert np.allclose(energy[bound], budget, rtol=1e-9)
    assert set(plan.ue[~bound]) == set(np.flatnonzero(most <= budget))
    assert bound.sum() > 2
    _, ready = seen.computed(np.arange(40), (np.arange(40) + 1) % 4)
    assert set(plan.ue) == set(np.flatnonzero((least <= budget) & ready))


# type: ignore[type-arg]
def _energy(seen: Observation, power: FloatArray, ue: np.ndarray, blocks: int) -> FloatArray:
    everybody = np.full(len(seen.distance_m), seen.max_power_w)
    everybody[ue] = power
    rate = mean_rate_bps(CellView.of(seen), everybody, seen.bandwidth_hz / blocks)[ue]
    payload = seen.payload_bits[(ue + seen.round) % len(seen.payload_bits)]
    return np.asarray(seen.compute_energy_j[ue] + power * payload / rate)


def test_selection_solves_the_matching(observe: Observe) -> None:
    """The Hungarian method on D_k (q_k - 1) for each of R blocks, as the paper's step 3."""
    seen = replace(observe({"ues.count": 30}), deadline_s=1e6)
    scheme = SuccessSelection(resource_blocks=6, energy_budget_j=5.0)
    plan = scheme.plan(seen)
    ue = np.arange(30)
    _, ready = seen.computed(ue, (ue + 1) % 4)
    power = np.full(30, seen.max_power_w)
    arrival = seen.success.probability(ue, np.array(seen.bandwidth_hz / 6), power)
    worth = np.where(ready, seen.samples * arrival, 0.0)
    rows, _ = linear_sum_assignment(np.repeat(-worth[:, None], 6, axis=1))
    assert plan.ue.tolist() == sorted(rows.tolist())
    assert np.allclose(plan.share, 1 / 6)
    assert plan.success_probability is not None
    assert np.allclose(plan.success_probability[plan.ue, plan.module], arrival[plan.ue])


def test_who_misses_the_delay_or_the_budget_is_left_out(observe: Observe) -> None:
    seen = replace(observe(), deadline_s=20.0)
    everybody = set(SuccessSelection(12, 100.0).plan(seen).ue.tolist())
    hungry = seen.compute_energy_j.copy()
    hungry[5] = 200.0
    assert set(
        SuccessSelection(12, 100.0).plan(replace(seen, compute_energy_j=hungry)).ue.tolist()
    ) == (everybody - {5})
    weak = seen.signal_gain.copy()
    weak[7] *= 1e-5
    assert 7 not in SuccessSelection(12, 100.0).plan(replace(seen, signal_gain=weak)).ue
    assert {5, 7} <= everybody
    short = replace(seen, deadline_s=1e-3)
    assert len(SuccessSelection(12, 100.0).plan(short).ue) == 0


@pytest.mark.parametrize("change", [{"resource_blocks": 0}, {"energy_budget_j": 0.0}])
def test_bad_parameters(change: dict[str, float]) -> None:
    with pytest.raises(ScenarioError, match=r"scheme\.\w+: must be above 0 \(found 0"):
        SuccessSelection(**change)  # type: ignore[arg-type]
