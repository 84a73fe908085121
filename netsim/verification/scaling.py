"""Scale invariance: without noise, success depends on distances over phi^-1/2 only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.verification.law import Effort, Law, ratio
from netsim.verification.networks import networks
from netsim.verification.success import GRID, Place, case_name, in_own_cell, summed

SCALED = ((0.20, 5.0), (0.35, 0.0), (0.50, -5.0), (0.70, -10.0))
"""Cases of scale invariance."""


def scale_invariance(effort: Effort) -> Sequence[Law]:
    """Without noise only d sqrt(phi) counts: 100 gNBs per km² against 1 per km².

    The same gNBs, ten times nearer to each other, with UEs and fading of their own.
    """
    cases = [GRID.index(case) for case in SCALED]
    u = np.array([case[0] for case in SCALED])
    sums = []
    for network in networks(effort)[: effort.networks // 3]:
        inside = in_own_cell(network, u)
        dense = Place.draw(network.scaled(0.1, "dense"), "scaled").success(noisy=False)
        sparse = Place.draw(network, "scaled").success(noisy=False)
        sums.append(
            summed(
                inside * dense[:, cases],
                inside * sparse[:, cases],
                inside,
            )
        )
    dense, sparse, weight = np.array(sums).transpose(1, 0, 2)
    values, _ = ratio(dense, weight)
    expected, _ = ratio(sparse, weight)
    _, errors = ratio(dense - sparse, weight)
    return [
        Law(
            family="scale invariance",
            case=f"{case_name(*case)}, 100 against 1 per km²",
            estimator="typical user",
            estimate=float(values[index]),
            standard_error=float(errors[index]),
            closed_form=float(expected[index]),
        )
        for index, case in enumerate(SCALED)
    ]
