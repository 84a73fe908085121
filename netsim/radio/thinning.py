"""The integral J of (15*) over a thinned Poisson field, from a table that is made once."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.units import FloatArray

if TYPE_CHECKING:  # it loads long, and many runs have no use for it
    from scipy.interpolate import CubicSpline

_KAPPA_LOW = 1e-24
_KAPPA_HIGH = 1e8
_NODES_PER_E_FOLD = 12


def thinned_integral(kappa: ArrayLike, pathloss_exponent: float) -> FloatArray:
    """J(kappa) = Int_0^inf (1 - exp(-kappa x)) / (1 + x^(alpha/2)) dx of (15*), elementwise.

    Interpolated in log-log from a table made once per exponent, to 1e-7 relative; beyond the table
    by the limits, (2 pi / alpha) / sin(2 pi / alpha) - 1 / kappa above and a power law below.
    """
    alpha = checked_exponent(pathloss_exponent)
    kappa = np.asarray(kappa, dtype=np.float64)
    spline, slope_low = _table(alpha)
    with np.errstate(divide="ignore"):
        log_kappa = np.log(kappa)
    low = math.log(_KAPPA_LOW)
    high = math.log(_KAPPA_HIGH)
    integral = np.exp(spline(np.clip(log_kappa, low, high)))
    if kappa.size and kappa.min() < _KAPPA_LOW:
        below = np.clip(log_kappa - low, -1e4, 0.0)
        power_law = integral * np.exp(slope_low * below)
        integral = np.where(kappa > 0, power_law, 0.0)
    if kappa.size and kappa.max() > _KAPPA_HIGH:
        limit = (2 * np.pi / alpha) / np.sin(2 * np.pi / alpha)
        above = limit - 1.0 / np.maximum(kappa, _KAPPA_HIGH)
        integral = np.where(kappa > _KAPPA_HIGH, above, integral)
    return np.asarray(integral)


@lru_cache(maxsize=64)
def _table(alpha: float) -> tuple[CubicSpline, float]:
    """Cubic pieces of log J over log kappa, and the slope below the table.

    In y = log x the integrand is smooth: 16-point Gauss-Legendre panels up to x = 50 / kappa, where
    1 - exp(-kappa x) = 1, and the series of 1 / (1 + x^m) beyond.
    """
    from scipy.interpolate import CubicSpline

    m = alpha / 2
    low = math.log(_KAPPA_LOW)
    high = math.log(_KAPPA_HIGH)
    log_kappa = np.linspace(
        low,
        high,
        int((high - low) * _NODES_PER_E_FOLD),
    )
    last = math.log(50.0 / _KAPPA_LOW)
    y, dy = _panels(
        math.log(1e-12),
        last,
        widest=min(1.0, 2.0 / m),
    )
    with np.errstate(over="ignore"):
        weight = dy / (np.exp(-y) + np.exp((m - 1) * y))  # x / (1 + x^m) dy
        mass = -np.expm1(-np.exp(log_kappa[:, np.newaxis] + y))  # [kappa, node]
    tail = math.exp((1 - m) * last) / (m - 1)  # Int_last^inf x^-m dx; the next term is 1e-26 of it
    spline = CubicSpline(log_kappa, np.log(mass @ weight + tail))
    return spline, float(spline(low, 1))


def _panels(
    first: float,
    last: float,
    *,
    widest: float,
) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a quadrature from `first` to `last`, in panels of equal width. [node].

    `widest` is the largest width of a panel.
    """
    count = math.ceil((last - first) / widest)
    edges = np.linspace(first, last, count + 1)
    points, weights = np.polynomial.legendre.leggauss(16)
    half = np.diff(edges)[:, np.newaxis] / 2
    middle = (edges[:-1] + edges[1:])[:, np.newaxis] / 2
    nodes = middle + half * points
    return nodes.ravel(), (half * weights).ravel()


def checked_exponent(alpha: float) -> float:
    if not (np.ndim(alpha) == 0 and np.isfinite(alpha) and alpha > 2):
        rule = "must be one number above 2: at 2 or below, interference is infinite"
        raise InputError(f"pathloss_exponent {rule}", value=alpha)
    return float(alpha)
