"""Confidence intervals of means over seeds, and over consecutive rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from netsim.errors import InputError
from netsim.rng import stream
from netsim.units import FloatArray

Method = Literal["t", "bootstrap"]
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A mean and where it lies with probability `level`; bounds are NaN for fewer than two
    values.
    """

    mean: float
    low: float
    high: float
    count: int

    @property
    def half_width(self) -> float:
        """Half of the interval's length."""
        return (self.high - self.low) / 2


def mean_interval(values: FloatArray, *, level: float = 0.95, method: Method = "t") -> Interval:
    """Interval of the mean of independent `values` [n].

    `t`: Student's, exact for normal values. `bootstrap`: bias-corrected and accelerated (Efron
    1987), from resamples of a fixed stream, for values that are far from normal; honest from about
    10 values on.
    """
    if method not in ("t", "bootstrap"):
        raise InputError("must be t or bootstrap", where="method", value=method)
    if not 0 < level < 1:
        raise InputError("must be between 0 and 1", where="level", value=level)
    count = len(values)
    mean = float(np.mean(values)) if count else float("nan")
    if count < 2:
        return Interval(mean, float("nan"), float("nan"), count)
    if np.ptp(values) == 0:
        return Interval(mean, mean, mean, count)
    if method == "t":
        reach = float(
            stats.t.ppf((1 + level) / 2, count - 1) * np.std(values, ddof=1) / np.sqrt(count)
        )
        return Interval(mean, mean - reach, mean + reach, count)
    drawn = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=level,
        method="BCa",
        rng=stream(0, "bootstrap"),
    ).confidence_interval
    return Interval(mean, float(drawn.low), float(drawn.high), count)


def block_interval(
    values: FloatArray, block: int, *, level: float = 0.95, resamples: int = 4000
) -> Interval:
    """Interval of the mean of `values` [n] in their order, of which neighbours resemble each other.

    Percentiles of resamples made of blocks of `block` consecutive values, the first following the
    last (circular block bootstrap, Politis and Romano 1992), from a fixed stream.
    """
    count = len(values)
    mean = float(np.mean(values)) if count else float("nan")
    if count < 3:
        return Interval(mean, float("nan"), float("nan"), count)
    if np.ptp(values) == 0:
        return Interval(mean, mean, mean, count)
    starts = stream(0, "block_bootstrap").integers(count, size=(resamples, -(-count // block)))
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[:block]]))])
    means = (sums[starts + block] - sums[starts]).sum(axis=1) / (starts.shape[1] * block)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean, float(low), float(high), count)


def coupling_gain(first: FloatArray, second: FloatArray) -> float:
    """How many times the seeds that independent draws need for the interval that n pairs [n], [n]
    give.

    (Var x + Var y) / Var(x - y): above 1 where common random numbers help. NaN below two pairs.
    """
    if len(first) < 2:
        return float("nan")
    apart = float(np.var(first, ddof=1) + np.var(second, ddof=1))
    paired = float(np.var(first - second, ddof=1))
    if paired == 0:
        return float("inf") if apart > 0 else float("nan")
    return apart / paired
