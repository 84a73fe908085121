"""Step 1 of Algorithm 2 where the uploads of a gNB add up on the air: nothing is to be divided.

All UEs of a module have one band, which is in proportion to the module's size, so that all sums end
together; the powers of a plan are limits, below which channels are inverted
(docs/model/aircomp.md).
"""

from __future__ import annotations

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.allocation.wireless import Iterate, Wireless
from netsim.units import BoolArray, FloatArray, IntArray


def airtime_s(module: IntArray, payload_bits: FloatArray, rate_hz: float) -> float:
    """Time of the sums of uploads [M], whoever and how many send them, s.

    rate_hz: as `CellView.rate_hz`, bits of the tensors that the whole band takes in a second.
    """
    size = np.zeros(int(module.max(initial=-1)) + 1)
    np.maximum.at(size, module, payload_bits)
    return float(size.sum()) / rate_hz


def superpose_all(cell: CellView, subscribed: BoolArray, budget_s: float) -> Wireless:
    """All subscribed UEs of a gNB at P_max. subscribed: [K, N], False for UEs not admitted."""
    active: BoolArray = np.asarray(subscribed.any(axis=1))
    _, module = np.nonzero(subscribed)
    power_w = np.full(len(active), cell.max_power_w)
    best = Iterate(
        active=active,
        power_w=power_w,
        shares=np.asarray(active / max(int(active.sum()), 1)),
        finish_s=airtime_s(module, cell.payload_bits[module], cell.rate_hz),
        cost=0.0,
    )
    success = cell.success_at(
        power_w[:, np.newaxis],
        np.ones(subscribed.shape),
        cell.payload_bits,
        budget_s,
    )
    return Wireless(best=best, success=success, costs=(0.0,), settled=True)
