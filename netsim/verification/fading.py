"""Small-scale fading as the simulator draws it: Rayleigh, so that the power gain is exponential."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import j0

from netsim.radio.fading import WAVES, block_fading, jakes_fading, upload_fading
from netsim.units import FloatArray
from netsim.verification.law import Effort, Law, mean

_UES = 1000
_DOPPLER_HZ = 20.0
_BLOCK_S = 1.5e-3


def rayleigh_power(effort: Effort) -> Sequence[Law]:
    """P(h < x) = 1 - exp(-x), one draw per upload and one per coherence block; the mean is 1."""
    rounds = effort.networks
    per_upload = [upload_fading(effort.seed, number, 1, _UES) for number in range(rounds)]
    per_block = [
        block_fading(effort.seed, 1, chunk, np.arange(_UES // 10)).ravel()
        for chunk in range(rounds // 2)
    ]
    return [
        *_exponential("uploads", np.array(per_upload)),
        *_exponential("blocks", np.array(per_block)),
    ]


def jakes_correlation(effort: Effort) -> Sequence[Law]:
    """Covariance of |h|^2 over time in correlated blocks: (1 - 1 / M) J0(2 pi f_D t)^2.

    The fourth moment of M plane waves falls short of Rayleigh's, by 1 / M of the square.
    """
    gains = [
        jakes_fading(
            effort.seed,
            number,
            0,
            _UES // 10,
            doppler_hz=_DOPPLER_HZ,
            block_s=_BLOCK_S,
        )
        for number in range(effort.networks)
    ]
    deviation = np.array(gains) - 1  # [round, UE, block]
    rows = []
    for lag in (1, 4, 8, 13):
        products = deviation[..., :-lag] * deviation[..., lag:]
        value, error = mean(products.mean(axis=(1, 2)))
        turns = _DOPPLER_HZ * lag * _BLOCK_S
        rows.append(
            Law(
                family="Jakes fading",
                case=f"covariance after f_D t = {turns:.2f}",
                estimator="blocks",
                estimate=float(value),
                standard_error=float(error),
                closed_form=float((1 - 1 / WAVES) * j0(2 * np.pi * turns) ** 2),
                probability=False,
            )
        )
    return rows


def _exponential(estimator: str, draws: FloatArray) -> list[Law]:
    """Laws of an exponential variable of mean 1. draws: [round, draw]."""
    rows = []
    for level in (0.05, 0.5, 1.0, 3.0):
        below = draws < level
        value, error = mean(below.mean(axis=1))
        rows.append(
            Law(
                family="Rayleigh power",
                case=f"P(h < {level:g})",
                estimator=estimator,
                estimate=float(value),
                standard_error=float(error),
                closed_form=float(-np.expm1(-level)),
            )
        )
    value, error = mean(draws.mean(axis=1))
    rows.append(
        Law(
            family="Rayleigh power",
            case="mean",
            estimator=estimator,
            estimate=float(value),
            standard_error=float(error),
            closed_form=1.0,
            probability=False,
        )
    )
    return rows
