"""Theorem 1: contraction A, error floor B and the bound (6) on the risk gap.

Each formula is there as corrected and as printed ("paper").

An upload that does not arrive leaves an error in the aggregated gradient. Its event is "not
received", of probability 1 - lambda beta (K UEs, N modules, shapes [K, N]); with weights rho_k of
the data,

    S_n = sum_k rho_k (1 - lambda_{n,k} beta_{n,k})                                    (27),
    corrected A_n = (xi / eps) (1 - 4 z2 S_n),   B_n = (2 z1 / eps) S_n
    E[F(w+) - F*] <= (1 - A_n) (F(w) - F*) + B_n.                                      (6*)

As printed, (27) takes (1 - lambda)(1 - beta), "not subscribed and would have failed": a bound of 0
where everyone subscribes and some fail. Printed A and B carry K terms from bounding a cross term of
(26) that is identically 0, and A a factor 2 (docs/model/risk-bound.md). Either bound is loose by
orders of magnitude: it orders decisions, it predicts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError, ScenarioError
from netsim.units import FloatArray

FORMULAS = ("corrected", "paper")


@dataclass(frozen=True)
class RiskConstants:
    """Constants of Assumptions 1 to 3.

    The LoRA loss is not convex: they are fitted or chosen, not known.
    """

    smoothness: float  # eps, also 1 / step size
    convexity: float  # xi, in the Polyak-Lojasiewicz sense
    dispersion: float  # zeta_1: |grad of one UE|^2 <= zeta_1 + zeta_2 |grad F|^2
    dispersion_slope: float  # zeta_2

    def __post_init__(self) -> None:
        _check_constant("smoothness", self.smoothness, positive=True)
        _check_constant("convexity", self.convexity, positive=True)
        _check_constant("dispersion", self.dispersion, positive=False)
        _check_constant("dispersion_slope", self.dispersion_slope, positive=False)
        if self.convexity > self.smoothness:
            both = (self.convexity, self.smoothness)
            raise InputError("convexity must not exceed smoothness", value=both)


def _check_constant(name: str, value: float, *, positive: bool) -> None:
    above = value > 0 if positive else value >= 0
    if not (above and np.isfinite(value)):
        rule = f"{name} must be finite and positive (dispersion: at least 0)"
        raise InputError(rule, value=value)


def check_convexity(convexity: float | None, smoothness: float | None) -> None:
    """Raises ScenarioError if the two, or the defaults of what is not given, disagree."""
    usual = default_constants()
    least = usual.convexity if convexity is None else convexity
    most = usual.smoothness if smoothness is None else smoothness
    if least > most:
        rule = f"must be at most scheme.smoothness, {most:g}"
        raise ScenarioError(rule, where="scenario: scheme.convexity", value=least)


def default_constants(formulas: str = "corrected", ue_count: int = 1) -> RiskConstants:
    """Constants that put the leading weight of the controller near 1 (docs/model/risk-bound.md).

    Corrected: any z2 below 1/4 keeps 0 < A < 1. Printed: A > 0 needs z2 < (1 - eps/2) / (4 K + 8).
    """
    if _is_printed(formulas):
        return RiskConstants(
            smoothness=1.0,
            convexity=0.1,
            dispersion=0.25,
            dispersion_slope=0.1 / max(ue_count, 1),
        )
    return RiskConstants(
        smoothness=1.0,
        convexity=0.1,
        dispersion=0.5,
        dispersion_slope=0.1,
    )


def missing_probability(
    success: ArrayLike,
    subscribed: ArrayLike,
    formulas: str = "corrected",
) -> FloatArray:
    """Probability that a UE's gradient is missing: 1 - lambda beta, printed (1 - lambda)(1 - beta).

    success: lambda in [0, 1]. subscribed: beta in [0, 1], fractional values too. Broadcast.
    """
    lam = np.asarray(success, dtype=np.float64)
    beta = np.asarray(subscribed, dtype=np.float64)
    if _is_printed(formulas):
        return np.asarray((1.0 - lam) * (1.0 - beta))
    return np.asarray(1.0 - lam * beta)


def missing_weight(rho: ArrayLike, missing: ArrayLike) -> FloatArray:
    """S_n = sum_k rho_k missing_{n,k}. rho: [K], sums to 1. missing: [K, N]. Returns [N]."""
    weights = np.asarray(rho, dtype=np.float64)
    probabilities = np.asarray(missing, dtype=np.float64)
    return np.asarray(weights @ probabilities)


def contraction(
    missing: ArrayLike,
    constants: RiskConstants,
    formulas: str = "corrected",
    ue_count: int = 1,
) -> FloatArray:
    """A of Theorem 1, or A_{n,k} of (8).

    `missing` is S_n (shape [N]) for the first, the probabilities themselves ([K, N]) for the
    second.
    """
    c = constants
    missing = np.asarray(missing, dtype=np.float64)
    if _is_printed(formulas):
        k_term = 4.0 * c.dispersion_slope * ue_count
        inner = 1.0 - 8.0 * c.dispersion_slope * missing - k_term - c.smoothness / 2.0
        return np.asarray(2.0 * c.convexity / c.smoothness * inner)
    inner = 1.0 - 4.0 * c.dispersion_slope * missing
    return np.asarray(c.convexity / c.smoothness * inner)


def error_floor(
    missing: ArrayLike,
    constants: RiskConstants,
    formulas: str = "corrected",
    ue_count: int = 1,
) -> FloatArray:
    """B of Theorem 1, or B_{n,k} of (8); `missing` as for `contraction`."""
    missing = np.asarray(missing, dtype=np.float64)
    level = 2.0 * constants.dispersion / constants.smoothness
    if _is_printed(formulas):
        return np.asarray(level * (ue_count + 2.0 * missing))
    return np.asarray(level * missing)


def arrival_weight(
    previous_floor: ArrayLike,
    constants: RiskConstants,
    formulas: str = "corrected",
) -> FloatArray:
    """c_{n,k}, the weight of the probability of arrival in the cost (9), (14).

    Corrected: (1 - A) B_prev + B = const - c lambda beta, with
    c = 4 xi z2 / eps B_prev + 2 z1 / eps. Printed: = const + c (1 - lambda)(1 - beta), with
    c = 16 xi z2 / eps B_prev + 4 z1 / eps.

    previous_floor: B_{n,k} of the round before. Returns its shape.
    """
    c = constants
    floor = np.asarray(previous_floor, dtype=np.float64)
    printed = _is_printed(formulas)
    slope = 16.0 if printed else 4.0
    level = 4.0 if printed else 2.0
    lead = slope * c.convexity * c.dispersion_slope / c.smoothness
    return np.asarray(lead * floor + level * c.dispersion / c.smoothness)


@dataclass(frozen=True)
class RiskBound:
    """The four terms of (6), in units of the loss."""

    convergence: float
    unreliability: float
    heterogeneity: float
    foundation: float

    @property
    def total(self) -> float:
        """The bound."""
        measured = self.convergence + self.unreliability
        return measured + self.heterogeneity + self.foundation


def risk_bound(
    gap: FloatArray,
    rho: FloatArray,
    contractions: FloatArray,
    floors: FloatArray,
    *,
    constants: RiskConstants,
    formulas: str = "corrected",
    task_gap: ArrayLike = 0.0,
    test_samples: ArrayLike = 1,
    foundation_norm_sq: float = 0.0,
) -> RiskBound:
    """Bound (6) on the risk gap after round t, from the losses before it.

    gap: F_k(w_n) - F_k(w*_k) before the round, [K, N]. rho: [K]. contractions, floors: A_n and B_n
    of the rounds 0..t, [T, N]; the last row is round t.

    Corrected, one step from the measured gap: mean over n of (1 - A) gap, of B_n^t, and of A times
    task_gap (F_k(w*) - F_k(w*_k), [K], measured where known: its bound (31) does not hold); no term
    of the foundation model. Printed: literally, with the whole history in the second term,
    sqrt(4 z1 / (xi^2 D_te)) from test_samples [K], and (eps + 2) / 4 times foundation_norm_sq.
    """
    gap = np.asarray(gap, dtype=np.float64)
    rho = np.asarray(rho, dtype=np.float64)
    a = np.atleast_2d(contractions)
    b = np.atleast_2d(floors)
    left = (1.0 - a[-1]) * gap
    convergence = float(rho @ left.mean(axis=1))
    if not _is_printed(formulas):
        of_task = rho * np.asarray(task_gap, dtype=np.float64)
        return RiskBound(
            convergence=convergence,
            unreliability=float(b[-1].mean()),
            heterogeneity=float(a[-1].mean() * of_task.sum()),
            foundation=0.0,
        )
    c = constants
    test = _printed_test_error(np.asarray(test_samples, dtype=np.float64), c)
    return RiskBound(
        convergence=convergence,
        unreliability=_printed_unreliability(a, b),
        heterogeneity=float(c.smoothness * a[-1].mean() * (rho * test).sum()),
        foundation=(c.smoothness + 2.0) / 4.0 * float(rho.sum()) * foundation_norm_sq,
    )


def _printed_unreliability(a: FloatArray, b: FloatArray) -> float:
    """The second term of (6) as printed, from A and B of all rounds, [T, N] each."""
    decay = (1.0 - a).sum(axis=1)  # [T]; the printed sum over n stands inside the product
    from_last = np.cumprod(decay[:0:-1])
    later = np.append(from_last[::-1], 1.0)  # product over p = q + 1..t
    floors = b.sum(axis=1)
    return float(later @ floors)


def _printed_test_error(test_samples: FloatArray, constants: RiskConstants) -> FloatArray:
    """sqrt(4 z1 / (xi^2 D_te)) of every UE, [K]."""
    c = constants
    return np.sqrt(4.0 * c.dispersion / (c.convexity**2 * test_samples))


def _is_printed(formulas: str) -> bool:
    """Are the paper's formulas meant? Raises InputError."""
    if formulas not in FORMULAS:
        known = ", ".join(FORMULAS)
        raise InputError(f"formulas must be one of {known}", value=formulas)
    return formulas == "paper"
