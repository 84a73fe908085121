"""HARQ, link adaptation and what they deliver."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.radio.fading import CHUNK_BLOCKS, jakes_fading
from netsim.radio.link import transmit_blocks
from netsim.radio.nr.adaptation import OuterLoop, highest_scheme
from netsim.radio.nr.error_rate import code_block_error
from netsim.radio.nr.goodput import NrLink, goodput_table, sinr_grid_db
from netsim.radio.nr.grid import ResourceGrid
from netsim.radio.nr.harq import Harq, expected_transmissions, still_lost
from netsim.radio.nr.rate_model import NrRateModel
from netsim.radio.rate_model import RateModel
from netsim.units import FloatArray, from_db, to_db

SINR_DB = np.linspace(-15, 30, 901)
LINK = NrLink()


def _half_db(error: FloatArray) -> float:
    return float(np.interp(-0.5, -error, SINR_DB))


# -- HARQ ------------------------------------------------------------------------------------------


def test_chase_combining_adds_up_sinrs() -> None:
    errors = Harq("chase").block_errors(SINR_DB, 4, np.array(0.5), np.array(4000.0))
    thresholds = [_half_db(error) for error in errors]
    expected = thresholds[0] - to_db(np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_allclose(thresholds, expected, atol=0.05)


def test_incremental_redundancy_is_never_worse_than_chase_combining() -> None:
    rates = np.array([0.3, 0.6, 0.9])[:, None]
    for order in (2, 4, 6):
        chase = Harq("chase").block_errors(SINR_DB, order, rates, np.array(4000.0))
        fresh = Harq("incremental").block_errors(SINR_DB, order, rates, np.array(4000.0))
        assert (fresh <= chase + 0.02).all()
        # a high rate has most to gain from new parity bits
        gain = [_half_db(chase[1, n]) - _half_db(fresh[1, n]) for n in range(3)]
        assert gain[0] == pytest.approx(0, abs=0.05)
        assert gain[2] > 1.0


def test_without_combining_only_luck_helps() -> None:
    errors = Harq("none").block_errors(SINR_DB, 2, np.array(0.5), np.array(1000.0))
    assert (errors == errors[0]).all()
    lost = still_lost(errors, "none")
    np.testing.assert_allclose(lost[2], errors[0] ** 3)


def test_expected_transmissions() -> None:
    lost = np.array([[0.5, 0.0], [0.1, 0.0], [0.02, 0.0], [0.0, 0.0]])
    assert expected_transmissions(lost).tolist() == pytest.approx([1.62, 1.0])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"transmissions": 5}, "at most 1..4 times"),
        ({"combining": "soft"}, "combining must be chase, incremental or none"),
        ({"round_trip_slots": 0}, "round trip must take at least 1 slot"),
    ],
)
def test_harq_refuses(change: dict[str, object], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        Harq(**change)  # type: ignore[arg-type]


# -- link adaptation -------------------------------------------------------------------------------


def test_inner_loop_takes_the_last_scheme_that_meets_the_target() -> None:
    error = np.array([[0.0, 0.9], [0.1, 1.0], [0.2, 1.0]])
    assert highest_scheme(error).tolist() == [1, 0]


def test_outer_loop_holds_the_target_with_outdated_channels() -> None:
    """Fading that the inner loop knows one block late: a fixed choice loses far more than 10%."""
    sinr_db = 15 + to_db(jakes_fading(1, 1, 0, 400, doppler_hz=50.0, block_s=2e-3))
    table = goodput_table(LINK, 20)
    chosen = highest_scheme(table.first_error)
    loop = OuterLoop(step_up_db=0.5)
    margin_db = np.zeros(len(sinr_db))
    lost = []
    grid = sinr_grid_db()
    for chunk in range(20):
        fading = jakes_fading(1, 1, chunk, 400, doppler_hz=50.0, block_s=2e-3)
        sinr_db = 15 + to_db(fading)
        for block in range(1, sinr_db.shape[1]):
            known_db = sinr_db[:, block - 1] - margin_db
            scheme = chosen[np.clip(np.searchsorted(grid, known_db), 0, len(grid) - 1)]
            entry = np.clip(np.searchsorted(grid, sinr_db[:, block]), 0, len(grid) - 1)
            error = table.first_error[scheme, entry]
            margin_db = loop.update(margin_db, error)
            lost.append(error.mean())
    assert np.mean(lost[:5]) > 0.2
    assert np.mean(lost[100:]) == pytest.approx(0.1, abs=0.01)
    with pytest.raises(InputError, match="target error rate"):
        OuterLoop(target=1.0)


# -- goodput ---------------------------------------------------------------------------------------


def test_goodput_lies_below_shannon_and_grows_with_sinr() -> None:
    for blocks in (1, 5, 50, 273):
        table = goodput_table(LINK, blocks)
        chosen = highest_scheme(table.first_error)
        rate = table.rate_bps[chosen, np.arange(len(chosen))]
        capacity = blocks * 360e3 * np.log2(1 + from_db(sinr_grid_db()))
        assert (rate <= capacity * (1 + 1e-9)).all()
        # where the scheme changes, the first transmission fails more often: small dips
        assert (np.diff(rate) >= -0.12 * rate[:-1]).all()


def test_within_4_5_db_of_shannon_up_to_the_highest_scheme() -> None:
    table = goodput_table(LINK, 100)
    best = table.rate_bps.max(axis=0)
    grid = sinr_grid_db()
    used = 156 / 168  # what DM-RS leaves of a slot
    shannon = used * 100 * 360e3 * np.log2(1 + from_db(grid - 4.5))
    between = (grid > -5) & (grid < 18.5)
    assert (best >= shannon)[between].all()
    assert best[-1] == pytest.approx(LINK.schemes.efficiency[-1] * 156 * 100 * 2000, rel=0.01)


def test_lookups_are_those_of_the_table() -> None:
    generator = np.random.default_rng(0)
    blocks = np.array([3, 40, 3, 273])
    sinr = generator.exponential(20.0, (4, 32))
    found = LINK.expected_bps(blocks, sinr, sinr)
    for row, count in enumerate(blocks.tolist()):
        table = goodput_table(LINK, count)
        entry = np.abs(sinr_grid_db() - to_db(sinr[row])[:, None]).argmin(axis=1)
        scheme = highest_scheme(table.first_error)[entry]
        np.testing.assert_allclose(found[row], table.rate_bps[scheme, entry])


def test_expected_and_sampled_goodput_agree_in_the_mean() -> None:
    generator = np.random.default_rng(3)
    blocks = generator.integers(1, 40, 200)
    sinr = generator.exponential(15.0, (200, 32))
    known = sinr * generator.lognormal(0, 0.3, sinr.shape)  # many first transmissions fail
    expected = LINK.expected_bps(blocks, sinr, known)
    for length_s in (0.0362, 0.0012, 0.0003):
        draws = [
            LINK.sampled_bps(
                blocks, sinr, known, length_s, np.random.default_rng(seed).random(sinr.shape)
            )
            for seed in range(20)
        ]
        mean = np.mean([d.sum() for d in draws])
        error = np.std([d.sum() for d in draws]) / np.sqrt(20)
        assert abs(mean - expected.sum()) <= 4 * error + 1e-9 * mean


def test_outdated_schemes_cost_goodput() -> None:
    generator = np.random.default_rng(5)
    blocks = np.full(300, 10)
    sinr = generator.exponential(15.0, (300, 32))
    rates = [
        replace(LINK, csi_delay_s=delay).rate_bps(blocks, sinr, 36e-3).mean()
        for delay in (0.0, 4e-3, 18e-3, 36e-3, 1.0)
    ]
    assert (np.diff(rates[:4]) < 0).all()
    assert rates[3] == rates[4]
    late = 4 / 36
    assert rates[1] == pytest.approx(late * rates[3] + (1 - late) * rates[0])


def test_combining_pays_with_outdated_schemes() -> None:
    generator = np.random.default_rng(5)
    blocks = np.full(300, 10)
    sinr = generator.exponential(15.0, (300, 32))
    rates = {}
    for combining in ("none", "chase", "incremental"):
        link = replace(LINK, harq=Harq(combining), csi_delay_s=1.0)
        rates[combining] = link.rate_bps(blocks, sinr, 36e-3).mean()
    assert rates["none"] < 0.9 * rates["chase"]
    assert rates["chase"] < rates["incremental"]


def test_more_transmissions_save_what_one_loses() -> None:
    known = from_db(np.full((1, 200), 15.0))
    sinr = from_db(np.linspace(5, 25, 200))[None]
    rates = [
        replace(LINK, harq=Harq(transmissions=m)).expected_bps(np.array([10]), sinr, known)
        for m in (1, 2, 3, 4)
    ]
    for fewer, more in pairwise(rates):
        assert (more >= fewer - 1e-6).all()
    assert rates[3].sum() > 1.2 * rates[0].sum()


def test_uplink_fraction_and_margin() -> None:
    sinr = from_db(np.full((1, 4), 10.0))
    blocks = np.array([30])
    full = LINK.expected_bps(blocks, sinr, sinr)
    fifth = replace(LINK, grid=ResourceGrid(uplink_fraction=0.2))
    np.testing.assert_allclose(fifth.expected_bps(blocks, sinr, sinr), 0.2 * full)
    careful = replace(LINK, margin_db=3.0)
    lower = LINK.expected_bps(blocks, sinr, sinr / from_db(3.0))
    np.testing.assert_allclose(careful.expected_bps(blocks, sinr, sinr), lower)
    assert LINK.peak_bps == pytest.approx(273 * 156 * 5.5547 * 2000, rel=0.01)


def test_lowest_sinr_is_where_the_first_scheme_begins_to_work() -> None:
    error = code_block_error(
        to_db(np.array(LINK.lowest_sinr)) + to_db(4.0), 2, np.array(120 / 1024), np.array(50.0)
    )
    assert 0.3 < float(error) < 0.7


# -- as a rate model -------------------------------------------------------------------------------


def test_rate_model_sees_whole_resource_blocks() -> None:
    model = NrRateModel.of(LINK, None)
    sinr = from_db(np.array([0.0, 10.0, 10.0, 20.0]))
    bands = 100e6 / 273 * np.array([3.0, 3.0, 3.9, 0.9])
    found = model.rate_bps(bands, sinr)
    assert found.shape == (4,)
    assert found[1] == found[2] > found[0] > 0
    assert found[3] == 0
    expected = LINK.expected_bps(np.array([3]), sinr[None, :2], sinr[None, :2])
    np.testing.assert_array_equal(found[:2], expected[0])


def test_rate_model_over_blocks_and_draws() -> None:
    generator = np.random.default_rng(0)
    model = NrRateModel.of(LINK, 36e-3)
    sinr = generator.exponential(10.0, (5, 3, 32))
    bands = 100e6 / 273 * np.arange(1.0, 6.0)[:, None, None]
    found = model.rate_bps(bands, sinr)
    for row in range(5):
        expected = LINK.rate_bps(np.full(3, row + 1), sinr[row], 36e-3)
        np.testing.assert_array_equal(found[row], expected)


def test_upload_over_nr() -> None:
    """One upload through `transmit_blocks` ends where its goodput has carried its bits."""
    model = NrRateModel.of(LINK, 36e-3)
    generator = np.random.default_rng(2)
    sinr = [generator.exponential(30.0, (1, CHUNK_BLOCKS)) for _ in range(20)]
    band = np.array([1e9 / 273])
    found = transmit_blocks(
        np.array([20e6]),
        band,
        lambda chunk, rows: sinr[chunk][rows],
        np.zeros(1),
        np.full(1, 20.0),
        model=model,
        origin_s=0.0,
        coherence_s=36e-3,
    )
    rate = np.concatenate([model.rate_bps(band[:, None], s)[0] for s in sinr])
    usable = np.concatenate(sinr, axis=1)[0] >= model.threshold
    carried = np.cumsum(rate * usable * 36e-3)
    last = int(np.argmax(carried >= 20e6))
    assert last * 36e-3 <= found.finish_s[0] <= (last + 1) * 36e-3
    shannon = transmit_blocks(
        np.array([20e6]),
        band,
        lambda chunk, rows: sinr[chunk][rows],
        np.zeros(1),
        np.full(1, 20.0),
        model=RateModel("shannon", 0.0),
        origin_s=0.0,
        coherence_s=36e-3,
    )
    assert 1.2 * shannon.finish_s[0] < found.finish_s[0] < 4 * shannon.finish_s[0]


def test_planned_rate_is_near_the_goodput() -> None:
    """What schemes plan with: within 18% of the goodput between 0 and 15 dB."""
    model = NrRateModel.of(replace(LINK, grid=ResourceGrid(uplink_fraction=0.25)), None)
    sinr = from_db(np.linspace(0, 15, 61))
    band = np.full(61, 50 * 100e6 / 273)
    plan = model.planned
    planned = plan.factor * band * np.log2(1 + sinr / plan.gap)
    np.testing.assert_allclose(planned, model.rate_bps(band, sinr), rtol=0.18)


def test_drawn_rates_have_the_expected_mean() -> None:
    generator = np.random.default_rng(4)
    blocks = generator.integers(1, 40, 300)
    sinr = generator.exponential(15.0, (300, 32))
    for delay_s in (0.0, 4e-3, 1.0):
        link = replace(LINK, csi_delay_s=delay_s)
        expected = link.rate_bps(blocks, sinr, 36e-3).sum()
        drawn = [
            link.drawn_rate_bps(
                blocks, sinr, 36e-3, np.random.default_rng(seed).random(sinr.shape)
            ).sum()
            for seed in range(10)
        ]
        error = np.std(drawn) / np.sqrt(10)
        assert abs(np.mean(drawn) - expected) <= 5 * error + 1e-9 * expected
