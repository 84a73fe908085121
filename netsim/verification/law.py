"""What a law is, and how much work is spent on it.

A law function takes an `Effort` and returns `Law` rows: an estimate with its standard error beside
a closed form. The runner turns the standard errors into intervals that all hold at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray


@dataclass(frozen=True)
class Effort:
    """How much to simulate. `networks` explicit Poisson networks of about 256 gNBs each."""

    networks: int
    seed: int = 1


FAST = Effort(networks=470)
FULL = Effort(networks=2000)


@dataclass(frozen=True)
class Law:
    """One comparison of a simulated quantity with its closed form."""

    family: str
    case: str
    estimator: str
    estimate: float
    standard_error: float
    closed_form: float
    allowed: float = 0.0
    """Largest deviation of a closed form that is an approximation; 0: the law is exact."""
    judged: bool = True
    """False: shown for comparison, neither counted nor failed."""
    probability: bool = True
    """The estimate is a probability: its interval must have a half-width of at most 0.01."""
    note: str = ""

    @property
    def deviation(self) -> float:
        """Closed form less estimate."""
        return self.closed_form - self.estimate


LawFunction = Callable[[Effort], Sequence[Law]]


def ratio(numerator: FloatArray, denominator: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ratio of sums over independent networks and its standard error (linearised).

    Shapes [network, ...] -> [...]. Networks are the independent units; UEs of one network are not.
    """
    count = len(numerator)
    total = denominator.sum(axis=0)
    value = numerator.sum(axis=0) / total
    residual = numerator - value * denominator
    squares = (residual**2).sum(axis=0)
    error = np.sqrt(squares * count / (count - 1)) / total
    return np.asarray(value), np.asarray(error)


def mean(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean over the first axis of independent samples, and its standard error."""
    return ratio(samples, np.ones_like(samples))
