"""Intervals of means: by hand, coverage, and what pairing is worth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from netsim.errors import InputError
from netsim.results.intervals import block_interval, coupling_gain, mean_interval


def test_t_interval_by_hand() -> None:
    found = mean_interval(np.array([1.0, 2.0, 4.0, 5.0]))
    # s = sqrt(10/3), t_{0.975,3} = 3.182446
    assert (found.mean, found.count) == (3.0, 4)
    assert found.half_width == pytest.approx(3.182446 * math.sqrt(10 / 3) / 2, rel=1e-6)
    assert found.high - found.mean == pytest.approx(found.mean - found.low)
    assert mean_interval(np.array([1.0, 2.0, 4.0, 5.0]), level=0.5).half_width < found.half_width


@pytest.mark.parametrize(("method", "lowest"), [("t", 0.93), ("bootstrap", 0.89)])
def test_coverage(method: str, lowest: float) -> None:
    values = np.random.default_rng(5).normal(2.0, 3.0, size=(400, 12))
    trials = values if method == "t" else values[:60]
    found = [mean_interval(row, method=method) for row in trials]  # type: ignore[arg-type]
    share = np.mean([i.low <= 2.0 <= i.high for i in found])
    assert share >= lowest - 2 * math.sqrt(0.05 * 0.95 / len(found))
    assert share < 1.0


def test_bootstrap_follows_skewed_values_and_repeats() -> None:
    values = np.random.default_rng(1).exponential(size=30)
    found = mean_interval(values, method="bootstrap")
    assert found == mean_interval(values, method="bootstrap")
    assert found.high - found.mean > found.mean - found.low


def test_too_few_or_equal_values() -> None:
    assert math.isnan(mean_interval(np.array([])).mean)
    one = mean_interval(np.array([2.5]))
    assert (one.mean, one.count) == (2.5, 1)
    assert math.isnan(one.low)
    equal = mean_interval(np.full(4, 2.5), method="bootstrap")
    assert (equal.low, equal.high) == (2.5, 2.5)


def test_gain_is_the_ratio_of_variances() -> None:
    draw = np.random.default_rng(2)
    common, a, b = draw.normal(size=(3, 20_000))
    assert coupling_gain(3 * common + a, 3 * common + b) == pytest.approx(10.0, rel=0.05)
    assert coupling_gain(a, b) == pytest.approx(1.0, rel=0.05)
    assert coupling_gain(np.arange(4.0), np.arange(4.0) + 1) == float("inf")
    assert math.isnan(coupling_gain(a[:1], b[:1]))


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="t or bootstrap"):
        mean_interval(np.ones(3), method="normal")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="between 0 and 1"):
        mean_interval(np.ones(3), level=95)


def test_block_interval_covers_the_mean_as_often_as_it_says() -> None:
    draws = np.random.default_rng(5).exponential(size=(400, 40))
    found = [block_interval(row, 1, resamples=400) for row in draws]
    inside = np.mean([i.low <= 1.0 <= i.high for i in found])
    assert 0.87 <= inside <= 0.97  # percentiles of 40 skewed values are a little short


def test_blocks_widen_the_interval_of_values_that_stick_together() -> None:
    steps = np.random.default_rng(6).normal(size=2000)
    sticky = np.empty_like(steps)
    sticky[0] = steps[0]
    for i in range(1, len(steps)):
        sticky[i] = 0.9 * sticky[i - 1] + steps[i]
    true_sd = 10.0 / np.sqrt(len(steps))  # of the mean of an AR(1) with coefficient 0.9
    alone, blocks = (block_interval(sticky, b, resamples=1000).half_width / 1.96 for b in (1, 100))
    assert alone < 0.4 * true_sd
    assert blocks == pytest.approx(true_sd, rel=0.35)


def test_blocks_of_one_are_the_ordinary_bootstrap() -> None:
    values = np.random.default_rng(7).normal(size=60)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    found = block_interval(values, 1)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert found == block_interval(values, 1)
    assert math.isnan(block_interval(values[:2], 1).low)
