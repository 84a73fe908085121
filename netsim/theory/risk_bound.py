"""Theorem 1: contraction A, error floor B and the bound (6) on the risk gap, corrected and as
printed.

An upload that does not arrive leaves an error in the aggregated gradient. Its event is "not
received", of probability 1 - lambda beta (K UEs, N modules, shapes [K, N]); with weights rho_k of
the data,

    S_n = sum_k rho_k (1 - lambda_{n,k} beta_{n,k})                                    (27),
    corrected A_n = (xi / eps) (1 - 4 z2 S_n),   B_n = (2 z1 / eps) S_n
    E[F(w+) - F*] <= (1 - A_n) (F(w) - F*) + B_n.
    (6*)

As printed, (27) takes (1 - lambda)(1 - beta), "not subscribed and would have failed": a bound of 0
where everyone subscribes and some fail. Printed A and B carry K terms from bounding a cross term of
(26) that is identically 0, and A a factor 2 (model-spec 3). Either bound is loose by orders of
magnitude: it orders decisions, it predicts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netsim.errors import InputError
from netsim.units import FloatArray

FORMULAS = ("corrected", "paper")


@dataclass(frozen=True)
class RiskConstants:
    """Constants of Assumptions 1 to 3. The LoRA loss is not convex: they are fitted or chosen, not
    known.
    """

    smoothness: float  # eps, also 1 / step size
    convexity: float  # xi, in the Polyak-Lojasiewicz sense
    dispersion: float  # zeta_1: |grad of one UE|^2 <= zeta_1 + zeta_2 |grad F|^2
    dispersion_slope: float  # zeta_2

    def __post_init__(self) -> None:
        for name in ("smoothness", "convexity", "dispersion", "dispersion_slope"):
            value = getattr(self, name)
            floor_ok = value > 0 if name in ("smoothness", "convexity") else value >= 0
            if not (floor_ok and np.isfinite(value)):
                raise InputError(
                    f"{name} must be finite and positive (dispersion: at least 0)", value=value
                )
        if self.convexity > self.smoothness:
            raise InputError(
                "convexity must not exceed smoothness", value=(self.convexity, self.smoothness)
            )


def default_constants(formulas: str = "corrected", ue_count: int = 1) -> RiskConstants:
    """Constants that put the leading weight of the controller near 1 (model-spec 3.4).

    Corrected: any z2 below 1/4 keeps 0 < A < 1. Printed: A > 0 needs z2 < (1 - eps/2) / (4 K + 8).
    """
    if _checked_formulas(formulas) == "paper":
        return RiskConstants(1.0, 0.1, 0.25, 0.1 / max(ue_count, 1))
    return RiskConstants(1.0, 0.1, 0.5, 0.1)


def missing_probability(
    success: ArrayLike, subscribed: ArrayLike, formulas: str = "corrected"
) -> FloatArray:
    """Probability that a UE's gradient is missing: 1 - lambda beta, or (1 - lambda)(1 - beta) as
    printed.

    success: lambda in [0, 1]. subscribed: beta in [0, 1], fractional values too. Broadcast.
    """
    lam, beta = np.asarray(success, dtype=np.float64), np.asarray(subscribed, dtype=np.float64)
    if _checked_formulas(formulas) == "paper":
        return np.asarray((1.0 - lam) * (1.0 - beta))
    return np.asarray(1.0 - lam * beta)


def missing_weight(rho: ArrayLike, missing: ArrayLike) -> FloatArray:
    """S_n = sum_k rho_k missing_{n,k}. rho: [K], sums to 1. missing: [K, N]. Returns [N]."""
    return np.asarray(np.asarray(rho, dtype=np.float64) @ np.asarray(missing, dtype=np.float64))


def gradient_error_bound(
    missing: ArrayLike, gradient_norm_sq: ArrayLike, constants: RiskConstants
) -> FloatArray:
    """(27): E|e_n|^2 <= 4 S_n (z1 + z2 |grad F|^2). missing: S_n, any shape. Returns that shape."""
    dispersion = constants.dispersion + constants.dispersion_slope * np.asarray(gradient_norm_sq)
    return np.asarray(4.0 * np.asarray(missing) * dispersion)


def contraction(
    missing: ArrayLike, constants: RiskConstants, formulas: str = "corrected", ue_count: int = 1
) -> FloatArray:
    """A of Theorem 1 for S_n (shape [N]), or A_{n,k} of (8) for the probabilities themselves ([K,
    N]).
    """
    c, missing = constants, np.asarray(missing, dtype=np.float64)
    if _checked_formulas(formulas) == "paper":
        k_term = 4.0 * c.dispersion_slope * ue_count
        inner = 1.0 - 8.0 * c.dispersion_slope * missing - k_term - c.smoothness / 2.0
        return np.asarray(2.0 * c.convexity / c.smoothness * inner)
    return np.asarray(c.convexity / c.smoothness * (1.0 - 4.0 * c.dispersion_slope * missing))


def error_floor(
    missing: ArrayLike, constants: RiskConstants, formulas: str = "corrected", ue_count: int = 1
) -> FloatArray:
    """B of Theorem 1 for S_n (shape [N]), or B_{n,k} of (8) for the probabilities themselves ([K,
    N]).
    """
    c, missing = constants, np.asarray(missing, dtype=np.float64)
    if _checked_formulas(formulas) == "paper":
        return np.asarray(2.0 * c.dispersion / c.smoothness * (ue_count + 2.0 * missing))
    return np.asarray(2.0 * c.dispersion / c.smoothness * missing)


def arrival_weight(
    previous_floor: ArrayLike, constants: RiskConstants, formulas: str = "corrected"
) -> FloatArray:
    """c_{n,k}, the weight of the probability of arrival in the cost (9), (14); shape of
    previous_floor.

    (1 - A) B_prev + B = const - c lambda beta with c = 4 xi z2 / eps B_prev + 2 z1 / eps,
    corrected; = const + c (1 - lambda)(1 - beta) with c = 16 xi z2 / eps B_prev + 4 z1 / eps as
    printed.
    previous_floor: B_{n,k} of the round before.
    """
    c, floor = constants, np.asarray(previous_floor, dtype=np.float64)
    slope, level = (16.0, 4.0) if _checked_formulas(formulas) == "paper" else (4.0, 2.0)
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
        return self.convergence + self.unreliability + self.heterogeneity + self.foundation


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
    gap, rho = np.asarray(gap, dtype=np.float64), np.asarray(rho, dtype=np.float64)
    a, b = np.atleast_2d(contractions), np.atleast_2d(floors)
    convergence = float(rho @ ((1.0 - a[-1]) * gap).mean(axis=1))
    if _checked_formulas(formulas) == "paper":
        decay = (1.0 - a).sum(axis=1)  # [T]; the printed sum over n stands inside the product
        later = np.append(np.cumprod(decay[:0:-1])[::-1], 1.0)  # product over p = q + 1..t
        unreliability = float(later @ b.sum(axis=1))
        c = constants
        test = np.sqrt(
            4.0 * c.dispersion / (c.convexity**2 * np.asarray(test_samples, dtype=np.float64))
        )
        heterogeneity = float(c.smoothness * a[-1].mean() * (rho * test).sum())
        foundation = (c.smoothness + 2.0) / 4.0 * float(rho.sum()) * foundation_norm_sq
        return RiskBound(convergence, unreliability, heterogeneity, foundation)
    heterogeneity = float(a[-1].mean() * (rho * np.asarray(task_gap, dtype=np.float64)).sum())
    return RiskBound(convergence, float(b[-1].mean()), heterogeneity, 0.0)


def unrolled_bound(
    start_gap: ArrayLike, contractions: FloatArray, floors: FloatArray
) -> FloatArray:
    """(6*) applied round after round: bound on the gap of each module before and after every round.

    start_gap: [N] or a number. contractions, floors: [T, N]. Returns [T + 1, N]; row 0 is
    start_gap.
    """
    a, b = np.atleast_2d(contractions), np.atleast_2d(floors)
    bound = np.empty((a.shape[0] + 1, a.shape[1]))
    bound[0] = start_gap
    for t in range(a.shape[0]):
        bound[t + 1] = (1.0 - a[t]) * bound[t] + b[t]
    return bound


def _checked_formulas(formulas: str) -> str:
    if formulas not in FORMULAS:
        raise InputError(f"formulas must be one of {', '.join(FORMULAS)}", value=formulas)
    return formulas
