"""HARQ, link adaptation and what they deliver."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.radio.fading import CHUNK_BLOCKS, jakes_fading
from netsim.radio.link import transmit_blocks
from netsim.radio.nr.access import Access
from netsim.radio.nr.adaptation import OuterLoop, highest_scheme
from netsim.radio.nr.adapted import AdaptedRates
from netsim.radio.nr.effective import effective_sinr
from netsim.radio.nr.error_rate import code_block_error
from netsim.radio.nr.goodput import NrLink, goodput_table, nearest_entry, sinr_grid_db
from netsim.radio.nr.grid import ResourceGrid
from netsim.radio.nr.harq import Harq, expected_transmissions, still_lost
from netsim.radio.nr.information import information_curve
from netsim.radio.nr.information import sinr_grid_db as information_grid_db
from netsim.radio.nr.lookup import expected_bps, lookup_of
from netsim.radio.nr.rate_model import NrRateModel
from netsim.radio.rate_model import RateModel, upload_draws
from netsim.units import FloatArray, IntArray, from_db, to_db

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
    """Fading that the inner loop knows two blocks late: without the outer loop far more is lost."""
    lost = {}
    for step_db in (0.0, 0.1):
        link = replace(LINK, outer_loop=OuterLoop(step_up_db=step_db))
        rates = AdaptedRates(link, 400, 2e-3, 0.0)
        lookup, rows = lookup_of(link), np.arange(400)
        table = lookup.tables(np.full(400, 20))
        found = []
        for chunk in range(20):
            fading = jakes_fading(1, 1, chunk, 400, doppler_hz=50.0, block_s=2e-3)
            met = nearest_entry(from_db(15.0) * fading.T)
            met = np.ascontiguousarray(met)
            on_air = np.ones(met.shape, dtype=np.float32)
            schemes = rates._schemes(lookup, rows, table, met, on_air)
            found.append(lookup.lost(table, schemes[-CHUNK_BLOCKS - 2 : -2], met).mean())
        lost[step_db] = found
    assert np.mean(lost[0.0]) > 0.2
    assert np.mean(lost[0.1][10:]) == pytest.approx(0.1, abs=0.02)
    with pytest.raises(InputError, match="target error rate"):
        OuterLoop(target=1.0)


def test_outer_loop_stands_still_at_the_target() -> None:
    loop = OuterLoop(target=0.2, step_up_db=0.5)
    found = loop.move_db(np.array([0.0, 0.2, 1.0]))
    np.testing.assert_allclose(found, [-0.125, 0.0, 0.5], atol=1e-15)


# -- goodput ---------------------------------------------------------------------------------------


def test_goodput_lies_below_shannon_and_grows_with_sinr() -> None:
    for blocks in (1, 5, 50, 273):
        table = goodput_table(LINK, blocks)
        chosen = highest_scheme(table.lost[0])
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
    found = expected_bps(LINK, blocks, sinr, sinr)
    for row, count in enumerate(blocks.tolist()):
        table = goodput_table(LINK, count)
        entry = np.abs(sinr_grid_db() - to_db(sinr[row])[:, None]).argmin(axis=1)
        scheme = highest_scheme(table.lost[0])[entry]
        np.testing.assert_allclose(found[row], table.rate_bps[scheme, entry])


def _goodput(link: NrLink, sinr: FloatArray, block_s: float, blocks: int = 10) -> FloatArray:
    """Goodput over chunks of blocks, one after the other; link adaptation has the first to learn."""
    rates = AdaptedRates(link, len(sinr), block_s, 0.0)
    bands = np.full(len(sinr), blocks * 100e6 / 273)
    parts = np.split(sinr, sinr.shape[1] // CHUNK_BLOCKS, axis=1)
    found = [rates.next_bps(np.arange(len(sinr)), bands, part) for part in parts]
    return np.concatenate(found[1:] or found, axis=1)


def test_expected_and_sampled_goodput_agree_in_the_mean() -> None:
    """Whatever the length of blocks: many slots, a few, a part of one; retransmissions within a
    block or in others."""
    generator = np.random.default_rng(3)
    bands = generator.integers(1, 40, 60) * (100e6 / 273)
    sinr = generator.exponential(15.0, (60, 32))
    rows = np.arange(60)
    for length_s in (0.0362, 0.0012):
        for delay_s in (0.3 * length_s, 1.0):
            link = replace(LINK, csi_delay_s=delay_s)
            expected = AdaptedRates(link, 60, length_s, 0.0).next_bps(rows, bands, sinr).sum()
            totals = []
            for seed in range(8):
                uniform = np.random.default_rng(seed).random(sinr.shape)
                drawn = AdaptedRates(link, 60, length_s, 0.0)
                totals.append(drawn.next_bps(rows, bands, sinr, uniform).sum())
            error = np.std(totals) / np.sqrt(8)
            assert error > 0
            assert abs(np.mean(totals) - expected) <= 5 * error + 1e-9 * expected


def test_outdated_schemes_cost_goodput() -> None:
    generator = np.random.default_rng(5)
    sinr = generator.exponential(15.0, (300, CHUNK_BLOCKS))
    rates = [
        _goodput(
            replace(LINK, csi_delay_s=delay, outer_loop=OuterLoop(step_up_db=0.0)), sinr, 36e-3
        ).mean()
        for delay in (0.0, 4e-3, 18e-3, 36e-3)
    ]
    assert (np.diff(rates) < 0).all()
    late = 4 / 36
    assert rates[1] == pytest.approx(late * rates[3] + (1 - late) * rates[0])


def test_the_outer_loop_keeps_losses_at_the_target() -> None:
    """Of schemes that are 4 ms late in blocks of 36 ms, at first fewer are lost, then a tenth."""
    sinr = np.random.default_rng(6).exponential(15.0, (300, 6 * CHUNK_BLOCKS))
    careful = replace(LINK, outer_loop=OuterLoop(target=1e-3))
    without = replace(LINK, outer_loop=OuterLoop(step_up_db=0.0))
    found = {link: _goodput(link, sinr, 36e-3).mean() for link in (LINK, careful, without)}
    assert found[LINK] == pytest.approx(found[without], rel=0.1)
    assert found[careful] < 0.95 * found[LINK]


@pytest.mark.parametrize(("sinr_db", "margin_db"), [(10.0, 15.0), (5.0, 12.0)])
def test_a_margin_that_leads_to_the_lowest_scheme_comes_down(
    sinr_db: float, margin_db: float
) -> None:
    """What arrives in the lowest scheme says that a higher one would do, too."""
    sinr = np.full((1, 20 * CHUNK_BLOCKS), float(from_db(sinr_db)))
    ends = []
    for begin_db in (0.0, margin_db):
        link = replace(LINK, margin_db=begin_db)
        ends.append(_goodput(link, sinr, 36e-3)[:, -CHUNK_BLOCKS:].mean())
    assert ends[1] == pytest.approx(ends[0], rel=0.05)


def test_combining_pays_with_outdated_schemes() -> None:
    generator = np.random.default_rng(5)
    sinr = generator.exponential(15.0, (300, CHUNK_BLOCKS))
    rates = {}
    for combining in ("none", "chase", "incremental"):
        for block_s in (36e-3, 1.2e-3):  # retransmissions in the same block, or in others
            link = replace(
                LINK,
                harq=Harq(combining),  # type: ignore[arg-type]
                csi_delay_s=1.0,
                outer_loop=OuterLoop(step_up_db=0.0),
            )
            rates[combining, block_s] = _goodput(link, sinr, block_s).mean()
    for block_s in (36e-3, 1.2e-3):
        assert rates["none", block_s] < rates["chase", block_s] < rates["incremental", block_s]
    assert rates["none", 36e-3] < 0.9 * rates["chase", 36e-3]
    # a block that is lost in a fade has another chance outside of it
    assert rates["none", 1.2e-3] > 1.1 * rates["none", 36e-3]


@pytest.mark.parametrize("combining", ["incremental", "chase", "none"])
def test_retransmissions_in_other_blocks(combining: str) -> None:
    """Equal SINRs give what one block gives; else the law of each transmission by itself."""
    link = replace(LINK, harq=Harq(combining))  # type: ignore[arg-type]
    lookup = lookup_of(link)
    table = lookup.tables(np.array([10]))
    scheme = np.full((8, 1), 12)
    for level in (300, 350, 375, 400):
        entry = np.full((8, 1), level)
        same = lookup.rate_bps(table, scheme, entry)
        spread = lookup.spread_bps(table, scheme, entry, 2)
        np.testing.assert_allclose(spread, same, rtol=0.02, atol=1.0)
    entry = np.array([345, 375] * 4)[:, None]
    lost, mean = [], 10 ** (sinr_grid_db()[[345, 375, 345, 375]] / 10)
    order = int(link.schemes.order[12])
    bits, _ = information_curve(order).at(sinr_grid_db()[[345, 375, 345, 375]])
    for number in range(1, 5):
        if combining == "none":
            at = np.array([345, 375, 345, 375])[:number]
            lost.append(np.prod([lookup.lost(table, scheme[:1], one)[0, 0] for one in at]))
            continue
        if combining == "chase":
            met_db = to_db(mean[:number].mean())
        else:
            curve = information_curve(order)
            met_db = np.interp(bits[:number].mean(), curve.bits, information_grid_db())
        at = np.abs(sinr_grid_db() - met_db).argmin()
        lost.append(float(lookup.lost(table, scheme[:1], at, number - 1)[0, 0]))
    lost = list(np.minimum.accumulate(lost))
    completes = (1 - lost[-1]) / (1 + sum(lost[:-1]))
    found = lookup.spread_bps(table, scheme, entry, 1)[0, 0]
    full = lookup.full_bps(table, scheme[:1])[0, 0]
    assert 0.1 < completes < 0.9
    assert found == pytest.approx(full * completes, rel=0.03)


def test_more_transmissions_save_what_one_loses() -> None:
    known = from_db(np.full((1, 200), 15.0))
    sinr = from_db(np.linspace(5, 25, 200))[None]
    rates = [
        expected_bps(replace(LINK, harq=Harq(transmissions=m)), np.array([10]), sinr, known)
        for m in (1, 2, 3, 4)
    ]
    for fewer, more in pairwise(rates):
        assert (more >= fewer - 1e-6).all()
    assert rates[3].sum() > 1.2 * rates[0].sum()


def test_uplink_fraction_and_margin() -> None:
    sinr = from_db(np.full((1, 4), 10.0))
    blocks = np.array([30])
    full = expected_bps(LINK, blocks, sinr, sinr)
    fifth = replace(LINK, grid=ResourceGrid(uplink_fraction=0.2))
    np.testing.assert_allclose(expected_bps(fifth, blocks, sinr, sinr), 0.2 * full)
    careful = replace(LINK, margin_db=3.0)
    lower = expected_bps(LINK, blocks, sinr, sinr / from_db(3.0))
    np.testing.assert_allclose(expected_bps(careful, blocks, sinr, sinr), lower)
    assert LINK.peak_bps == pytest.approx(273 * 156 * 5.5547 * 2000, rel=0.01)


def test_lowest_sinr_is_where_the_first_scheme_begins_to_work() -> None:
    error = code_block_error(
        to_db(np.array(LINK.lowest_sinr)) + to_db(4.0), 2, np.array(120 / 1024), np.array(50.0)
    )
    assert 0.3 < float(error) < 0.7


# -- as a rate model -------------------------------------------------------------------------------


def test_rate_model_sees_whole_resource_blocks() -> None:
    model = NrRateModel.of(LINK)
    sinr = from_db(np.array([0.0, 10.0, 10.0, 20.0]))
    bands = 100e6 / 273 * np.array([3.0, 3.0, 3.9, 0.9])
    found = model.rate_bps(bands, sinr)
    assert found.shape == (4,)
    assert found[1] == found[2] > found[0] > 0
    assert found[3] == 0
    expected = expected_bps(LINK, np.array([3]), sinr[None, :2], sinr[None, :2])
    np.testing.assert_array_equal(found[:2], expected[0])


def test_rates_go_on_from_one_chunk_to_the_next() -> None:
    """In one piece, or in several of four blocks: link adaptation does not see the difference."""
    sinr = np.random.default_rng(0).exponential(10.0, (5, 32))
    model = NrRateModel.of(LINK)
    bands = 100e6 / 273 * np.arange(1.0, 6.0)
    rows = np.arange(5)
    found = []
    for parts in (1, 2, 8):
        rates = model.over_blocks(5, 36e-3)
        chunks = [rates.next_bps(rows, bands, part) for part in np.split(sinr, parts, axis=1)]
        found.append(np.concatenate(chunks, axis=1))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert (found[0][sinr < model.threshold] == 0).all()


@pytest.mark.parametrize("late_s", [4e-3, 0.1])
def test_nothing_is_learnt_before_an_upload_starts(late_s: float) -> None:
    """An upload ends when it does, whoever has begun before it."""
    model = NrRateModel.of(NrLink(csi_delay_s=late_s))
    block_s, start_s = 2e-3, np.array([0.0, 0.41, 0.5])
    fading = np.random.default_rng(0).exponential(30.0, (40, 3, CHUNK_BLOCKS))

    def finish_s(chosen: list[int]) -> FloatArray:
        sent = transmit_blocks(
            np.full(len(chosen), 2e6),
            np.full(len(chosen), 5e6),
            lambda chunk, rows: fading[chunk][chosen][rows],
            start_s[chosen],
            np.full(len(chosen), 5.0),
            model=model,
            origin_s=0.0,
            coherence_s=block_s,
        )
        return sent.finish_s

    together = finish_s([0, 1, 2])
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(together, [finish_s([one])[0] for one in range(3)])


def test_upload_over_nr() -> None:
    """One upload through `transmit_blocks` ends where its goodput has carried its bits."""
    model = NrRateModel.of(LINK)
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
    rates = model.over_blocks(1, 36e-3)
    rate = np.concatenate([rates.next_bps(np.arange(1), band, s)[0] for s in sinr])
    carried = np.cumsum(rate * 36e-3)
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
    model = NrRateModel.of(replace(LINK, grid=ResourceGrid(uplink_fraction=0.25)))
    sinr = from_db(np.linspace(0, 15, 61))
    band = np.full(61, 50 * 100e6 / 273)
    plan = model.planned
    planned = plan.factor * band * np.log2(1 + sinr / plan.gap)
    np.testing.assert_allclose(planned, model.rate_bps(band, sinr), rtol=0.18)


# -- time ------------------------------------------------------------------------------------------


def test_effective_sinr_is_that_of_equal_information() -> None:
    qpsk, qam16 = np.array([0]), np.array([12])
    tables = effective_sinr(LINK)

    def found(scheme: IntArray, sinrs_db: list[float]) -> float:
        entries = nearest_entry(from_db(np.array(sinrs_db)))
        together = tables.of(scheme)
        mean = together.quality(entries).mean()
        return float(sinr_grid_db()[together.entry(np.array([mean]))[0]])

    assert found(qam16, [7.0, 7.0, 7.0]) == pytest.approx(7.0, abs=0.1)
    assert 0 < found(qam16, [0.0, 10.0]) < to_db(np.array(5.5))
    # below saturation the mean of capacities, which are linear there
    assert found(qpsk, [-10.0, -20.0]) == pytest.approx(to_db(np.array(0.055)), abs=0.3)


def test_round_trips_end_in_uplink_slots() -> None:
    def round_trip_s(fraction: float, slots: int) -> float:
        grid = ResourceGrid(uplink_fraction=fraction)
        return NrLink(grid=grid, harq=Harq(round_trip_slots=slots)).round_trip_s

    assert round_trip_s(1.0, 8) == pytest.approx(8 * 0.5e-3)
    assert round_trip_s(0.2, 8) == pytest.approx(10 * 0.5e-3)  # one slot of five
    assert round_trip_s(0.2, 10) == pytest.approx(10 * 0.5e-3)


def test_access_takes_the_grant_and_the_last_block() -> None:
    ue = np.arange(4000)
    module = ue % 2
    access = Access(grant_s=2e-3, round_trip_s=5e-3, lost=0.1, seed=3)
    np.testing.assert_allclose(access.delay_s(ue, module, 7), 2.5e-3)
    sampled = replace(access, sampled=True)
    np.testing.assert_allclose(sampled.delay_s(ue, module), 2.5e-3)
    drawn = sampled.delay_s(ue, module, 7)
    assert set(np.round(drawn, 6)) == {2e-3, 7e-3}
    assert drawn.mean() == pytest.approx(2.5e-3, rel=0.1)
    np.testing.assert_array_equal(sampled.delay_s(ue[5:9], module[5:9], 7), drawn[5:9])
    assert (sampled.delay_s(ue, 1 - module, 7) != drawn).any()
    assert (Access().delay_s(ue, module) == 0).all()


def test_each_upload_of_a_ue_has_its_own_errors() -> None:
    ue, module = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    every = upload_draws(1, "nr_errors", (2, 3), ue=ue, module=module, count=5)
    assert len(np.unique(every)) == every.size
    for row in range(4):
        one = slice(row, row + 1)
        alone = upload_draws(1, "nr_errors", (2, 3), ue=ue[one], module=module[one], count=5)
        np.testing.assert_array_equal(alone, every[one])
    none = upload_draws(1, "nr_errors", (2, 3), ue=ue[:0], module=module[:0], count=5)
    assert none.shape == (0, 5)
