"""Who may upload: without admission the weakest UE sets everyone's finish time (model-spec 5.5,
10.2).
"""

from __future__ import annotations

import numpy as np

from netsim.errors import InputError
from netsim.units import BoolArray, FloatArray


def admit(required_share: FloatArray) -> BoolArray:
    """The most UEs whose needs fit into the band: the longest prefix, by need, that sums to at most
    1.

    required_share: share with which each UE would use up the time left in the round, from
    `required_shares`; infinity where none is enough, NaN is refused. Shape [K], as the answer.
    Equal needs are admitted in index order. Algorithm 1 over the admitted then ends within that
    time.
    """
    need = np.asarray(required_share, dtype=np.float64)
    if np.isnan(need).any() or (need < 0).any():
        raise InputError(
            "required_share must be at least 0", value=float(need[~(need >= 0)].flat[0])
        )
    order = np.argsort(need, kind="stable")
    admitted = np.zeros(need.shape, dtype=np.bool_)
    admitted[order] = np.cumsum(need[order]) <= 1.0
    return admitted
