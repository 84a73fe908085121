"""Confidence intervals of means over seeds, and over consecutive rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from netsim.errors import InputError
from netsim.rng import stream
from netsim.units import FloatArray

Method = Literal["t", "bootstrap"]
RESAMPLES = 9999
MOST_DECIMALS = 6
ROUNDING = 1e-12  # relative; narrower intervals are what floating point leaves of equal values


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval; bounds are NaN for fewer than two values."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def half_width(self) -> float:
        """Half of the interval's length."""
        return (self.high - self.low) / 2


def mean_interval(
    values: FloatArray,
    *,
    level: float = 0.95,
    method: Method = "t",
) -> Interval:
    """Interval of the mean of independent `values` [n].

    `t`: Student's, exact for normal values. `bootstrap`: bias-corrected and accelerated (Efron
    1987), from resamples of a fixed stream, for values that are far from normal; honest from about
    10 values on.
    """
    if method not in ("t", "bootstrap"):
        raise InputError(
            "must be t or bootstrap",
            where="method",
            value=method,
        )
    if not 0 < level < 1:
        raise InputError(
            "must be between 0 and 1",
            where="level",
            value=level,
        )
    known = _without_spread(values, fewest=2)
    if known is not None:
        return known
    if method == "t":
        return _student(values, level)
    return _bootstrap(values, level)


def _without_spread(values: FloatArray, fewest: int) -> Interval | None:
    """The interval of too few values (no bounds), or of equal ones (no width)."""
    count = len(values)
    unknown = float("nan")
    if count == 0:
        return Interval(unknown, unknown, unknown, count)
    mean = float(np.mean(values))
    if count < fewest:
        return Interval(mean, unknown, unknown, count)
    if np.ptp(values) == 0:
        return Interval(mean, mean, mean, count)
    return None


def _student(values: FloatArray, level: float) -> Interval:
    count = len(values)
    mean = float(np.mean(values))
    quantile = stdtrit(count - 1, (1 + level) / 2)  # of Student's t
    reach = float(quantile * np.std(values, ddof=1) / np.sqrt(count))
    return Interval(
        mean,
        mean - reach,
        mean + reach,
        count,
    )


def _bootstrap(values: FloatArray, level: float) -> Interval:
    from scipy import stats  # slow to load, and needed for this alone

    bounds = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=level,
        method="BCa",
        rng=stream(0, "bootstrap"),
    ).confidence_interval
    return Interval(
        float(np.mean(values)),
        float(bounds.low),
        float(bounds.high),
        len(values),
    )


def block_interval(
    values: FloatArray,
    block: int,
    *,
    level: float = 0.95,
    resamples: int = 4000,
) -> Interval:
    """Interval of the mean of `values` [n] in their order, of which neighbours resemble each other.

    Percentiles of resamples made of blocks of `block` consecutive values, the first following the
    last (circular block bootstrap, Politis and Romano 1992), from a fixed stream.
    """
    known = _without_spread(values, fewest=3)
    if known is not None:
        return known
    count = len(values)
    blocks = math.ceil(count / block)
    starts = stream(0, "block_bootstrap").integers(count, size=(resamples, blocks))
    circle = np.concatenate([values, values[:block]])
    sums = np.concatenate([[0.0], np.cumsum(circle)])
    block_sums = sums[starts + block] - sums[starts]
    means = block_sums.sum(axis=1) / (blocks * block)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        float(np.mean(values)),
        float(low),
        float(high),
        count,
    )


def coupling_gain(first: FloatArray, second: FloatArray) -> float:
    """How many seeds one pair with common random numbers is worth, from n pairs [n], [n].

    (Var x + Var y) / Var(x - y), the variance that independent draws would have over that of the
    pairs: above 1 where common random numbers help. NaN below two pairs.
    """
    if len(first) < 2:
        return float("nan")
    apart = float(np.var(first, ddof=1) + np.var(second, ddof=1))
    paired = float(np.var(first - second, ddof=1))
    if paired > 0:
        return apart / paired
    return float("inf") if apart > 0 else float("nan")


def plus_minus(
    mean: float,
    half_width: float,
    *,
    sign: str = "",
) -> str:
    """A mean and half of its interval, to the interval's second digit: 1195 ± 210, 0.80 ± 0.12."""
    if half_width <= ROUNDING * abs(mean):
        half_width = 0.0
    if half_width <= 0 or not math.isfinite(half_width):
        return f"{mean:{sign}.4g} ± {half_width:.2g}"
    decimals = 1 - math.floor(math.log10(half_width))
    if decimals > MOST_DECIMALS:
        return f"{mean:{sign}.3e} ± {half_width:.1e}"
    shown = max(decimals, 0)
    rounded = round(half_width, decimals)
    return f"{mean:{sign}.{shown}f} ± {rounded:.{shown}f}"
