"""Who may upload: without admission the weakest UE sets everybody's finish time.

See docs/model/bandwidth.md.
"""

from __future__ import annotations

import numpy as np

from netsim.errors import InputError
from netsim.units import BoolArray, FloatArray


def admit(required_share: FloatArray) -> BoolArray:
    """As many UEs as possible whose needs fit into the band together, the smallest needs first.

    required_share: share with which each UE would just finish in the time left of the round, from
    `required_shares`; infinity where no share is enough. Shape [K], as the result. Equal needs are
    admitted in index order. Algorithm 1 over the admitted UEs then ends within that time. Raises
    InputError for a negative or NaN need.
    """
    need = np.asarray(required_share, dtype=np.float64)
    bad = ~(need >= 0)
    if bad.any():
        raise InputError("required_share must be at least 0", value=float(need[bad].flat[0]))
    order = np.argsort(need, kind="stable")
    admitted = np.zeros(need.shape, dtype=np.bool_)
    admitted[order] = np.cumsum(need[order]) <= 1.0
    return admitted
