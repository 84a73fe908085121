"""The sampled field follows its closed form, and its draws are stable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from netsim.radio.coverage import success_probability
from netsim.radio.fading import upload_fading
from netsim.radio.field_draw import FieldDraw
from netsim.radio.following import FollowingField
from netsim.radio.interference import InterfererField, PoissonField, SiteField
from netsim.radio.link import sinr
from netsim.radio.pathloss import PowerLaw
from netsim.radio.places import CellPlaces
from netsim.radio.power_control import open_loop_power_w
from netsim.units import FloatArray


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


@pytest.mark.parametrize("u", [0.2, 0.6])
def test_persistent_interferers_leave_the_law_of_an_upload_as_it_is(u: float) -> None:
    field, rounds, threshold = replace(_field(), persistent=True), 3000, 10**-0.5
    distance = np.array([u * 1e3, 900.0])  # the other UE shares the interferers
    signal = 0.2 * field.pathloss.gain(distance)
    hits = np.zeros(2)
    for number in range(rounds):
        interference = _draw(field, 8, number, distance).upload_power_w()
        ratio = sinr(upload_fading(8, number, 1, 2) * signal, interference, np.zeros(2))
        hits += ratio >= threshold
    expected = success_probability(
        distance,
        density_per_m2=1e-6,
        sinr_threshold=threshold,
        pathloss_exponent=3.8,
        law=field.law,
    )
    spread = np.sqrt(expected * (1 - expected) / rounds)
    assert (np.abs(hits / rounds - expected) < 4 * spread).all()


def test_persistent_interferers_are_shared_and_stay() -> None:
    field = replace(_field(), persistent=True)
    distance, gnb = np.full(6, 400.0), np.array([0, 0, 5, 0, 5, 2])
    first, again = (field.draw(1, 7, attempt, distance, gnb) for attempt in (1, 2))
    assert np.array_equal(
        first.whole.received_w, again.whole.received_w
    )  # where they are, not how they fade
    for heard in (first.upload_power_w(), first.block_power_w(2)[:, 4]):
        assert heard[0] == heard[1] == heard[3] != heard[2]
        assert heard[2] == heard[4]
    assert (first.upload_power_w() != again.upload_power_w()).all()
    few = field.draw(1, 7, 1, distance[:2], gnb[:2])
    assert few.upload_power_w()[0] == pytest.approx(first.upload_power_w()[0])
    mean = replace(field, persistent=False).mean_w(distance, gnb)
    assert np.array_equal(field.mean_w(distance, gnb), mean)


def test_rounds_that_are_drawn_together_are_those_drawn_alone() -> None:
    """Once two rounds have asked for the same UEs, further ones are drawn ahead."""
    near, far = np.linspace(100.0, 900.0, 40), np.linspace(200.0, 950.0, 40)
    field = replace(_field(), power_of=lambda gain: 0.2 * np.sqrt(gain))
    for number in (*range(1, 20), 5, 40, 41):
        for distance in (near, far) if number == 10 else (near,):
            drawn, alone = (
                _draw(one, 1, number, distance)
                for one in (field, replace(_field(), power_of=field.power_of))
            )
            assert np.array_equal(drawn.upload_power_w(), alone.upload_power_w())
            assert np.array_equal(drawn.block_power_w(1), alone.block_power_w(1))


@pytest.mark.parametrize("persistent", [False, True])
def test_it_does_not_matter_how_many_ues_are_drawn_at_a_time(
    persistent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded by drawing some UEs at a time; to the last bit that changes nothing."""
    distance, gnb = np.linspace(100.0, 900.0, 40), np.arange(40) // 10
    gain = np.random.default_rng(2).random((4, 4, 8))
    fields: list[InterfererField] = [
        replace(_field(), persistent=persistent, power_of=lambda gain: 0.2 * np.sqrt(gain)),
        SiteField(CellPlaces.of(gain), 0.2, persistent=persistent),
    ]
    ue = np.arange(3, 33, 2)
    for field in fields:
        whole = field.draw(1, 2, 1, distance, gnb)
        expected = [whole.upload_power_w(), whole.block_power_w(1, ue), whole.whole.received_w]
        for few in (1, 7):
            with monkeypatch.context() as patch:
                patch.setattr("netsim.radio.field_points.UES_AT_A_TIME", few)
                sliced = field.draw(1, 2, 1, distance, gnb)
                found = [sliced.upload_power_w(), sliced.block_power_w(1, ue)]
                found.append(sliced.whole.received_w)
            for one, other in zip(found, expected, strict=True):
                assert np.array_equal(one, other)


def test_persistent_interferers_of_real_sites_are_one_in_each_cell() -> None:
    gain = np.random.default_rng(2).random((4, 4, 8))
    field = SiteField(CellPlaces.of(gain), 0.2, persistent=True)
    gnb = np.array([0, 1, 0, 3])
    draw = field.draw(1, 3, 1, np.ones(4), gnb)
    heard = draw.upload_power_w()
    assert heard[0] == heard[2] != heard[1]
    place = [
        np.flatnonzero(0.2 * gain[0, cell] == draw.whole.received_w[cell - 1]) for cell in (1, 2, 3)
    ]
    of_3 = draw.whole.received_w[draw.whole.victim == 3]
    assert np.allclose(of_3[1:], [0.2 * gain[3, cell, place[cell - 1][0]] for cell in (1, 2)])


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
    some = np.array([0, 3, 4, 31, 49])
    assert np.allclose(many.block_power_w(3, some), many.block_power_w(3)[some])


def test_blocks_have_the_mean_of_the_field() -> None:
    draw = _draw(_field(), 1, 2, np.full(200, 400.0))
    mean = (
        np.bincount(draw.whole.victim, weights=draw.whole.received_w, minlength=200) + draw.tail_w
    )
    blocks = np.concatenate([draw.block_power_w(c) for c in range(200)], axis=1)
    assert np.median(blocks.mean(axis=1) / mean) == pytest.approx(1.0, abs=0.01)


# -- interferers that follow the power control of all UEs ------------------------------------------


def _rule(gain: FloatArray) -> FloatArray:
    return open_loop_power_w(
        gain, np.array(1e6), p0_dbm=-75.0, alpha=0.8, max_power_w=0.2, min_power_w=1e-3
    )


def test_power_control_has_a_floor() -> None:
    strong = np.array([1e-4, 1e-9, 1e-14])
    power = _rule(strong)
    assert power[0] == 1e-3
    assert 1e-3 < power[1] < 0.2
    assert power[2] == 0.2


def test_followers_are_near_their_own_gnb() -> None:
    """Interferers with a good channel to their own gNB disturb less; they are where they were."""
    law = PowerLaw(3.8)
    field = PoissonField(1e-6, "typical_cell", law, 0.2)
    following = replace(field, power_of=_rule)
    distance = np.full(3000, 300.0)
    gnb = np.zeros(3000, dtype=np.int64)
    loud = field.draw(1, 1, 1, distance, gnb)
    quiet = following.draw(1, 1, 1, distance, gnb)
    assert np.array_equal(loud.whole.victim, quiet.whole.victim)
    level = 0.2 * quiet.whole.received_w / loud.whole.received_w
    assert (level <= 0.2 + 1e-12).all()
    assert level.min() >= 1e-3 - 1e-12
    far = loud.whole.received_w < np.median(loud.whole.received_w)
    assert level[far].mean() == pytest.approx(following.mean_power_w, rel=0.03)
    assert following.tail_w == pytest.approx(field.tail_w * following.mean_power_w / 0.2)


@pytest.mark.parametrize(
    ("distance_m", "threshold"), [(200.0, 1.0), (300.0, 5.0), (500.0, 0.3), (700.0, 0.1)]
)
def test_success_with_followers(distance_m: float, threshold: float) -> None:
    """The frequency with drawn interferers, fading and noise is that of the tabulated law."""
    law = PowerLaw(3.8, min_distance_m=1.0)
    field = PoissonField(1e-6, "typical_cell", law, 0.2, power_of=_rule)
    count, noise_w = 4000, 1e-13
    distance = np.array([100.0, distance_m, 900.0])
    gain = law.gain(distance)
    own = _rule(gain)[1]
    met = []
    for number in range(8):
        draw = field.draw(2, number, 1, np.full(count, distance_m), np.zeros(count, dtype=np.int64))
        signal = upload_fading(2, number, 1, count) * own * gain[1]
        met.append((signal >= threshold * (draw.upload_power_w() + noise_w)).mean())
    model = FollowingField(field, distance, gain, threshold, noise_psd_w_hz=1e-19)
    found = model.probability(np.array([1]), np.array(1e6), np.array([own]))
    assert np.mean(met) == pytest.approx(found[0], abs=0.012)
    assert model.probability(np.array([1]), np.array(1e6), np.zeros(1))[0] == 0


def test_followers_at_one_power_are_the_closed_form() -> None:
    law = PowerLaw(3.8, min_distance_m=1e-3)
    field = PoissonField(1e-6, "typical_user", law, 0.2)
    distance = np.array([100.0, 350.0, 800.0])
    model = FollowingField(field, distance, law.gain(distance), 1.0, noise_psd_w_hz=0.0)
    found = model.probability(np.arange(3), np.array(1e6), np.full(3, 0.1))
    expected = success_probability(
        distance,
        density_per_m2=1e-6,
        sinr_threshold=1.0,
        pathloss_exponent=3.8,
        law="typical_user",
        interferer_power_ratio=2.0,
    )
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_ues_beyond_all_cells_have_followers_that_none_of_them_hears() -> None:
    law = PowerLaw(3.8, min_distance_m=1.0)
    field = PoissonField(1e-6, "typical_cell", law, 0.2, power_of=_rule)
    distance = np.array([1e6, 1e9])
    model = FollowingField(field, distance, law.gain(distance), 1.0, noise_psd_w_hz=0.0)
    found = model.probability(np.arange(2), np.array(1e6), np.full(2, 0.1))
    np.testing.assert_allclose(found, 1.0, atol=0.01)


def test_gains_of_places_are_worked_out_once_for_the_sites_that_are_asked_about() -> None:
    gain = np.random.default_rng(1).random((5, 5, 3))
    asked = []

    def gain_to(site: int) -> FloatArray:
        asked.append(site)
        return gain[site]

    places = CellPlaces(5, 3, gain_to, lambda: np.empty((5, 3)))
    field = SiteField(places, 0.2)
    gnb = np.array([3, 1, 3])
    assert np.array_equal(
        field.mean_w(np.zeros(3), gnb)[[0, 2]], np.full(2, field.mean_w(np.zeros(1), gnb[:1]))
    )
    field.draw(1, 1, 1, np.zeros(2), np.array([3, 4])).upload_power_w()
    assert asked == [1, 3, 4]
    assert np.array_equal(places.gains_to(np.array([4, 3])), gain[[4, 3]])
    assert np.array_equal(places.gain, gain)
    assert np.array_equal(places.gain, gain)
    assert np.array_equal(places.gains_to(np.array([4, 0])), gain[[4, 0]])
    assert sorted(asked) == [0, 1, 2, 3, 4]


def test_followers_in_real_cells() -> None:
    rng = np.random.default_rng(0)
    gain = rng.uniform(1e-12, 1e-9, (3, 3, 8))
    field = SiteField(CellPlaces.of(gain), 0.2, power_of=_rule)
    own = gain[[0, 1, 2], [0, 1, 2]]
    np.testing.assert_allclose(field.received_w, _rule(own) * gain)
    loud = SiteField(CellPlaces.of(gain), 0.2)
    np.testing.assert_array_equal(loud.received_w, 0.2 * gain)
    gnb = np.array([0, 2])
    expected = [
        field.received_w[0, 1:].mean(axis=1).sum(),
        field.received_w[2, :2].mean(axis=1).sum(),
    ]
    np.testing.assert_allclose(field.mean_w(np.zeros(2), gnb), expected)
    drawn = field.draw(1, 1, 1, np.zeros(2), gnb)
    assert set(drawn.whole.received_w.tolist()) <= set(field.received_w.ravel().tolist())
