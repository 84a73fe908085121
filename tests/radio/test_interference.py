"""The sampled field follows its closed form, and its draws are stable."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.radio.coverage import success_probability
from netsim.radio.fading import upload_fading
from netsim.radio.interference import FieldDraw, InterfererField, PoissonField
from netsim.radio.link import sinr
from netsim.radio.pathloss import PowerLaw


def _field(law: str = "typical_cell", density: float = 1e-6) -> PoissonField:
    return PoissonField(density, law, PowerLaw(3.8, min_distance_m=1.0), 0.2)


def _draw(field: InterfererField, seed: int, round: int, distance_m: np.ndarray) -> FieldDraw:
    return field.draw(seed, round, 1, distance_m, np.zeros(len(distance_m), dtype=np.int64))


@pytest.mark.parametrize("law", ["typical_cell", "typical_user", "constant"])
@pytest.mark.parametrize(("u", "threshold_db"), [(0.2, 0.0), (0.5, -5.0), (0.7, -10.0)])
def test_success_frequency_is_the_closed_form(law: str, u: float, threshold_db: float) -> None:
    field, count, rounds, threshold = _field(law), 1500, 10, 10 ** (threshold_db / 10)
    distance = np.full(count, u * 1e3)
    signal = 0.2 * field.pathloss.gain(distance)
    hits = 0
    for number in range(rounds):
        interference = _draw(field, 8, number, distance).upload_power_w()
        ratio = sinr(upload_fading(8, number, 1, count) * signal, interference, np.zeros(count))
        hits += int((ratio >= threshold).sum())
    expected = float(
        success_probability(
            u * 1e3, density_per_m2=1e-6, sinr_threshold=threshold, pathloss_exponent=3.8, law=law
        )
    )
    spread = np.sqrt(expected * (1 - expected) / (count * rounds))
    assert hits / (count * rounds) == pytest.approx(expected, abs=4 * spread)


def test_interference_is_scale_free() -> None:
    dense, sparse = _field(density=1e-4), _field(density=1e-6)
    near, far = np.full(50, 30.0), np.full(50, 300.0)
    ratio_dense = dense.pathloss.gain(near) / _draw(dense, 1, 1, near).upload_power_w()
    ratio_sparse = sparse.pathloss.gain(far) / _draw(sparse, 1, 1, far).upload_power_w()
    assert np.allclose(ratio_dense, ratio_sparse)


def test_more_ues_leave_the_interferers_of_the_others() -> None:
    few, many = _draw(_field(), 1, 2, np.full(5, 400.0)), _draw(_field(), 1, 2, np.full(50, 400.0))
    assert np.array_equal(few.upload_power_w(), many.upload_power_w()[:5])
    assert np.allclose(few.block_power_w(3), many.block_power_w(3)[:5])


def test_blocks_have_the_mean_of_the_field() -> None:
    draw = _draw(_field(), 1, 2, np.full(200, 400.0))
    mean = np.bincount(draw.victim, weights=draw.received_w, minlength=200) + draw.tail_w
    blocks = np.concatenate([draw.block_power_w(c) for c in range(200)], axis=1)
    assert np.median(blocks.mean(axis=1) / mean) == pytest.approx(1.0, abs=0.01)
