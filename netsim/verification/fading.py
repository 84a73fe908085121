"""Small-scale fading as the simulator draws it: Rayleigh, so that the power gain is exponential."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.radio.fading import block_fading, upload_fading
from netsim.units import FloatArray
from netsim.verification.law import Effort, Law, mean

_UES = 1000


def rayleigh_power(effort: Effort) -> Sequence[Law]:
    """P(h < x) = 1 - exp(-x), one draw per upload and one per coherence block; the mean is 1."""
    rounds = effort.networks
    per_upload = [upload_fading(effort.seed, number, 1, _UES) for number in range(rounds)]
    per_block = [
        block_fading(effort.seed, 1, chunk, _UES // 10).ravel() for chunk in range(rounds // 2)
    ]
    return [
        *_exponential("uploads", np.array(per_upload)),
        *_exponential("blocks", np.array(per_block)),
    ]


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
