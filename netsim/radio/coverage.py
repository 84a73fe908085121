"""Closed-form success probability of an uplink, lambda = P(SINR >= threshold | distance), eq. (15).

The model: serving distance d, Rayleigh fading of unit mean, path loss r^-alpha, and one co-channel
interferer in every other cell. Seen from the serving gNB, the interferers are a Poisson field of
intensity phi g(r) with g(r) = 1 - exp(-c pi phi r^2): near the gNB there are none, because those
places belong to its own cell. Conditioning on d and averaging over fading and field gives

    lambda = exp[-s th d^alpha - pi phi d^2 t J(c pi phi d^2 t)],       t = th^(2/alpha)     (15*)
    J(kappa) = Int_0^inf (1 - exp(-kappa x)) / (1 + x^(alpha/2)) dx,

with s the noise power over the transmit power. `form="paper"` is (15) as printed, whose exponent
inside the integral has lost pi phi d^2 and whose noise term has d^alpha replaced by d^2 / (2
phi)^(alpha/2 - 1): a fair network average, a bad predictor for one UE.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import exp1, gamma, gammaincc

from netsim.errors import InputError
from netsim.radio.thinning import checked_exponent, thinned_integral
from netsim.units import FloatArray

FORMS = ("ppp", "paper")
INTERFERER_LAWS = ("typical_user", "typical_cell", "constant")
LEAST = 1e-300  # of c pi phi r^2, which is 0 for a UE thousands of cells away


def success_probability(
    distance_m: ArrayLike,
    *,
    density_per_m2: ArrayLike,
    sinr_threshold: ArrayLike,
    pathloss_exponent: float,
    noise_to_power: ArrayLike = 0.0,
    form: str = "ppp",
    law: str = "typical_user",
    interferer_power_ratio: ArrayLike = 1.0,
) -> FloatArray:
    """Probability that an upload from `distance_m` meets the SINR threshold; arrays broadcast.

    distance_m: to the serving gNB, m. density_per_m2: of gNBs, 1/m^2. sinr_threshold: linear.
    pathloss_exponent: scalar above 2. noise_to_power: W delta N0 / P, with P times the reference
    gain where path loss is not 0 dB at 1 m. law: see `interferer_constant` (form `ppp` only).
    interferer_power_ratio: P_interferer / P of this UE; 1 is the paper (all powers equal), a fixed
    interferer power is P_max / P.

    Raises InputError for a value out of range, NaN included.
    """
    alpha = checked_exponent(pathloss_exponent)
    d = _checked(distance_m, "distance_m")
    phi = _checked(
        density_per_m2,
        "density_per_m2",
        positive=True,
    )
    threshold = _checked(sinr_threshold, "sinr_threshold")
    noise = _checked(noise_to_power, "noise_to_power")
    ratio = _checked(interferer_power_ratio, "interferer_power_ratio")
    if form not in FORMS:
        rule = f"form must be one of {', '.join(FORMS)}"
        raise InputError(
            rule,
            where="success_probability",
            value=form,
        )
    t = (threshold * ratio) ** (2.0 / alpha)
    # mean number of interferers within the radius at which one alone brings the SIR to th
    interferers = np.pi * phi * d**2 * t
    with np.errstate(over="ignore"):
        if form == "paper":
            noise_exponent = noise * threshold * d**2 / (2.0 * phi) ** (alpha / 2 - 1)
            kappa = 12.0 / (5.0 * np.pi) * t
        else:
            noise_exponent = noise * threshold * d**alpha
            kappa = interferer_constant(d * np.sqrt(phi), law) * interferers
        exponent = noise_exponent + interferers * thinned_integral(kappa, alpha)
    return np.asarray(np.exp(-exponent))


def topology_success_probability(
    distance_m: ArrayLike,
    interferer_distance_m: ArrayLike,
    *,
    sinr_threshold: ArrayLike,
    pathloss_exponent: float,
    noise_to_power: ArrayLike = 0.0,
    interferer_power_ratio: ArrayLike = 1.0,
) -> FloatArray:
    """Success probability given where the interferers are: exact (docs/model/success.md).

        lambda = exp(-s th d^alpha) prod_l 1 / (1 + th (P_l / P) (d / r_l)^alpha)

    distance_m: shape [...]. interferer_distance_m: to the serving gNB, shape [..., L]; infinity
    where a UE has fewer than L. interferer_power_ratio: P_l / P, broadcasts to [..., L]. The other
    arguments as in `success_probability`, shape [...]. Returns shape [...].
    """
    alpha = checked_exponent(pathloss_exponent)
    d = _checked(distance_m, "distance_m")
    threshold = _checked(sinr_threshold, "sinr_threshold")
    noise = _checked(noise_to_power, "noise_to_power")
    ratio = _checked(interferer_power_ratio, "interferer_power_ratio")
    r = _checked(
        interferer_distance_m,
        "interferer_distance_m",
        positive=True,
        finite=False,
    )
    with np.errstate(over="ignore"):
        received = ratio * (d[..., np.newaxis] / r) ** alpha  # [..., L] over the UE's own signal
        per_interferer = threshold[..., np.newaxis] * received
        np.log1p(per_interferer, out=per_interferer)
        noise_exponent = -noise * threshold * d**alpha
        return np.asarray(np.exp(noise_exponent - per_interferer.sum(axis=-1)))


def interferer_constant(u: ArrayLike, law: str = "typical_user") -> FloatArray:
    """c(u) of the thinning g(r) = 1 - exp(-c(u) pi phi r^2), at the distance u = d sqrt(phi).

    A UE far from its gNB is a sign of a large cell, and so of interferers that are further away: c
    falls with u. `typical_user`: UEs independent of the gNBs, 2.4 exp(-1.3 u). `typical_cell`: a UE
    dropped uniformly in a given cell, 6.0 exp(-1.85 u). `constant`: the textbook 12/5. Both fits
    put lambda within 0.015 of explicit Poisson networks at alpha 3.8 and u in [0.1, 1] (`netsim
    verify`; docs/model/success.md). An earlier fit for cells, 5.4 exp(-1.8 u), misses networks with
    an active UE in every cell by up to 0.020.
    """
    u = np.asarray(u, dtype=np.float64)
    if law == "typical_user":
        return np.asarray(2.4 * np.exp(-1.3 * u))
    if law == "typical_cell":
        return np.asarray(6.0 * np.exp(-1.85 * u))
    if law == "constant":
        return np.full(u.shape, 2.4)
    rule = f"law must be one of {', '.join(INTERFERER_LAWS)}"
    raise InputError(
        rule,
        where="interferer_constant",
        value=law,
    )


def mean_interference_w(
    distance_m: ArrayLike,
    *,
    density_per_m2: ArrayLike,
    interferer_power_w: ArrayLike,
    pathloss_exponent: float,
    law: str = "typical_user",
    min_distance_m: float = 10.0,
    reference_gain: float = 1.0,
    capped: bool = False,
) -> FloatArray:
    """Mean interference power at the gNB of a UE at `distance_m`, W (docs/model/bandwidth.md).

        2 pi phi P Int_{d_min}^inf g(r) r^(1 - alpha) dr
            = pi phi P q^(m - 1) Int_{q d_min^2}^inf (1 - e^-v) v^-m dv

    with m = alpha / 2 and q = c(u) pi phi; by parts the last integral is an incomplete gamma
    function. `capped=True` adds the interferers nearer than d_min at the path loss of d_min, for
    samplers that clip distances instead of dropping these interferers. Arrays broadcast; distances
    in m.
    """
    alpha = checked_exponent(pathloss_exponent)
    d = _checked(distance_m, "distance_m")
    phi = _checked(
        density_per_m2,
        "density_per_m2",
        positive=True,
    )
    power = _checked(interferer_power_w, "interferer_power_w")
    nearest = float(
        _checked(
            min_distance_m,
            "min_distance_m",
            positive=True,
        )
    )
    m = alpha / 2
    q = interferer_constant(d * np.sqrt(phi), law) * np.pi * phi  # 1/m^2
    v = np.maximum(q * nearest**2, LEAST)
    thinned = -np.expm1(-v)
    outside = (thinned + _scaled_gamma(2 - m, v)) / (m - 1)
    inside = np.where(v < 1e-4, v / 2 - v**2 / 6, 1 - thinned / v) if capped else 0.0
    path = nearest ** (2 - alpha) * (outside + inside) / 2  # Int g(r) r^(1 - alpha) dr
    return np.asarray(2 * np.pi * phi * power * reference_gain * path)


def _scaled_gamma(s: float, x: FloatArray) -> FloatArray:
    """x^(1 - s) Gamma(s, x), the upper incomplete gamma function, x > 0, any real s <= 1.

    By recurrence. Unlike Gamma(s, x) itself it stays finite where x is small.
    """
    if s > 0:
        return np.asarray(x ** (1 - s) * gammaincc(s, x) * gamma(s))
    if s == 0:
        return np.asarray(x * exp1(x))
    next_one = _scaled_gamma(s + 1, x)
    return np.asarray(x * (next_one - np.exp(-x)) / s)


def _checked(
    value: ArrayLike,
    name: str,
    *,
    positive: bool = False,
    finite: bool = True,
) -> FloatArray:
    """`value` as float64, or an InputError that names the first bad entry."""
    array = np.asarray(value, dtype=np.float64)
    least = array.min(initial=np.inf)  # NaN if an entry is NaN, and then in no range
    most = array.max(initial=0.0)
    in_range = least > 0 if positive else least >= 0
    if not (in_range and (most < np.inf or not finite)):
        good = (array > 0) if positive else (array >= 0)
        if finite:
            good &= np.isfinite(array)
        range_ = "positive" if positive else "at least 0"
        limits = f"finite and {range_}" if finite else range_
        first = float(np.atleast_1d(array)[~np.atleast_1d(good)][0])
        raise InputError(f"{name} must be {limits}", value=first)
    return array
