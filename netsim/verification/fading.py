"""Small-scale fading as the simulator draws it: Rayleigh, so that the power gain is exponential."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.radio.fading import block_fading, upload_fading
from netsim.verification.law import Effort, Law, mean

_UES = 1000


def rayleigh_power(effort: Effort) -> Sequence[Law]:
    """P(h < x) = 1 - exp(-x), one draw per upload and one per coherence block; the mean is 1."""
    rounds = effort.networks
    per_upload = np.array([upload_fading(effort.seed, r, 1, _UES) for r in range(rounds)])
    per_block = np.array(
        [block_fading(effort.seed, 1, c, _UES // 10).ravel() for c in range(rounds // 2)]
    )
    rows = []
    for estimator, draws in (("uploads", per_upload), ("blocks", per_block)):
        for level in (0.05, 0.5, 1.0, 3.0):
            value, error = mean((draws < level).mean(axis=1))
            closed = float(-np.expm1(-level))
            case = f"P(h < {level:g})"
            rows.append(
                Law(
                    "Rayleigh power",
                    case,
                    estimator,
                    float(value),
                    float(error),
                    closed,
                )
            )
        value, error = mean(draws.mean(axis=1))
        rows.append(
            Law(
                "Rayleigh power",
                "mean",
                estimator,
                float(value),
                float(error),
                1.0,
                probability=False,
            )
        )
    return rows
