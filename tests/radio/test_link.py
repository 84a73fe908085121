"""Ends of uploads: by hand for constant rates, against plain integration for block fading."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.radio.fading import CHUNK_BLOCKS, block_fading, coherence_time_s, upload_fading
from netsim.radio.link import sinr, transmit_blocks, transmit_constant
from netsim.radio.rate_model import RateModel


def _shannon(threshold: float) -> RateModel:
    return RateModel("shannon", threshold)


def test_sinr_by_hand() -> None:
    assert sinr(np.array([4.0]), np.array([1.0]), np.array([1.0]))[0] == 2.0


def test_constant_rate_by_hand() -> None:
    # SINR 3 gives 2 bit/s/Hz: 200 bit/s on 100 Hz
    result = transmit_constant(
        np.array([400.0, 400.0, 400.0]),
        np.full(3, 100.0),
        np.array([3.0, 3.0, 0.1]),
        np.array([1.0, 2.5, 0.0]),
        np.array([3.0, 3.0, 3.0]),
        model=_shannon(0.5),
    )
    assert result.finish_s[:2].tolist() == [3.0, 4.5]
    assert result.bits[:2].tolist() == [400.0, 100.0]
    assert result.outage.tolist() == [False, False, True]
    assert result.bits[2] == pytest.approx(3.0 * 100 * np.log2(1.1))


def test_an_upload_that_ends_exactly_at_the_deadline_is_in_time() -> None:
    one = np.ones(1)
    result = transmit_constant(one * 200, one * 100, one * 3, one, one * 2, model=_shannon(0.0))
    assert result.finish_s[0] <= 2.0


def _integrate(
    payload: float,
    band: float,
    ratio: np.ndarray,
    start: float,
    deadline: float,
    threshold: float,
    origin: float,
    coherence: float,
) -> tuple[float, float]:
    """Finish and bits by going through the blocks one by one."""
    bits, now = 0.0, start
    while now < deadline:
        block = int((now - origin) / coherence + 1e-9)
        until = min(origin + (block + 1) * coherence, deadline)
        rate = band * np.log2(1 + ratio[block]) if ratio[block] >= threshold else 0.0
        if rate and bits + rate * (until - now) >= payload:
            return now + (payload - bits) / rate, payload
        bits, now = bits + rate * (until - now), until
    return np.inf, bits


def test_blocks_agree_with_plain_integration() -> None:
    generator = np.random.default_rng(4)
    count, coherence, origin, deadline, threshold = 60, 0.05, 2.0, 6.0, 0.4
    ratio = generator.exponential(1.0, (count, 224))
    payload, band = generator.uniform(10, 3000, count), generator.uniform(100, 1000, count)
    start = origin + generator.uniform(0, 3, count)
    result = transmit_blocks(
        payload,
        band,
        lambda c, rows: ratio[rows, c * CHUNK_BLOCKS : (c + 1) * CHUNK_BLOCKS],
        start,
        np.full(count, deadline),
        model=_shannon(threshold),
        origin_s=origin,
        coherence_s=coherence,
    )
    for k in range(count):
        finish, bits = _integrate(
            payload[k], band[k], ratio[k], start[k], deadline, threshold, origin, coherence
        )
        assert result.finish_s[k] == pytest.approx(finish, rel=1e-9)
        assert result.bits[k] == pytest.approx(bits, rel=1e-9)
    assert 0 < np.isinf(result.finish_s).sum() < count


def test_blocks_below_the_threshold_carry_nothing() -> None:
    one = np.ones(1)
    result = transmit_blocks(
        one,
        one,
        lambda c, rows: np.full((len(rows), CHUNK_BLOCKS), 0.1),
        np.zeros(1),
        5.0 * one,
        model=_shannon(0.2),
        origin_s=0.0,
        coherence_s=0.1,
    )
    assert result.outage[0]
    assert result.bits[0] == 0
    assert np.isinf(result.finish_s[0])


def test_fading_is_exponential_with_mean_one() -> None:
    h = np.concatenate([upload_fading(1, r, 1, 1000) for r in range(50)])
    assert h.mean() == pytest.approx(1.0, abs=4 / np.sqrt(len(h)))
    assert (h > 1).mean() == pytest.approx(np.exp(-1), abs=4 * np.sqrt(0.25 / len(h)))


def test_fading_of_a_ue_does_not_depend_on_the_others() -> None:
    assert np.array_equal(upload_fading(1, 3, 1, 10), upload_fading(1, 3, 1, 99)[:10])
    every_ue = block_fading(1, 3, 2, np.arange(999))
    for ue in ([], [0], [7], [998], [0, 1, 2, 99, 100, 400, 401, 700], range(999)):
        assert np.array_equal(block_fading(1, 3, 2, np.array(ue, dtype=int)), every_ue[list(ue)])


def test_coherence_time_of_the_specification() -> None:
    assert coherence_time_s(1.0, 3.5e9) == pytest.approx(0.036, abs=0.0005)


def test_each_attempt_has_fading_of_its_own() -> None:
    first, second = upload_fading(1, 3, 1, 4000), upload_fading(1, 3, 2, 4000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(4000)


def test_the_rate_of_a_code_does_not_follow_the_sinr() -> None:
    code = RateModel("threshold", 3.0)  # 2 bit/s/Hz
    ratio = np.array([3.0, 100.0, 1.0])
    result = transmit_constant(
        np.full(3, 400.0), np.full(3, 100.0), ratio, np.zeros(3), np.full(3, 9.0), model=code
    )
    assert result.finish_s.tolist() == [2.0, 2.0, 2.0]
    assert result.outage.tolist() == [False, False, True]


def test_every_upload_has_its_own_deadline() -> None:
    one = np.ones(2)
    result = transmit_blocks(
        one * 1e9,
        one * 100,
        lambda c, rows: np.full((len(rows), CHUNK_BLOCKS), 3.0),
        one * 0,
        np.array([1.0, 2.5]),
        model=_shannon(0.2),
        origin_s=0.0,
        coherence_s=0.1,
    )
    assert result.bits == pytest.approx([200.0, 500.0])
