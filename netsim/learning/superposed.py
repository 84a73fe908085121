"""Sums of uploads that are made on the air: how large their numbers are, and the channel's noise.

The radio says with which deviation it adds to sum_k D_k u_k (radio/superposition.py).
"""

from __future__ import annotations

import numpy as np

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.rule import Partial, Upload
from netsim.protocols import Tickets
from netsim.rng import stream


def amplitude_of(upload: Upload, layout: AdapterLayout) -> float:
    """D_k times the root mean square of the numbers that are sent. layout: the module's."""
    places = layout.at_rank(upload.rank).numbers_of(upload.parts)
    sent = upload.update[places[places < len(upload.update)]].astype(np.float64)
    return upload.samples * float(np.sqrt(np.mean(sent**2)))


def add_channel_noise(
    partial: Partial,
    layout: AdapterLayout,
    tickets: Tickets,
    *,
    module: int,
    seed: int,
) -> None:
    """Add to the sum of a module what the channels of the gNBs add, to the parts that were sent."""
    deviation = channel_deviation(tickets, module)
    if not deviation > 0:
        return
    total = partial["sum"]
    sent = partial["samples_of_part"] > 0
    draws = stream(seed, "uplink.noise", tickets.round, module)
    scale = layout.spread(deviation * sent)[: len(total)]
    total += scale * draws.standard_normal(len(total))


def channel_deviation(tickets: Tickets, module: int) -> float:
    """Of the noise on each number of a module's sum over all gNBs: each adds its own, once."""
    if tickets.noise is None:
        return 0.0
    rows = np.flatnonzero((tickets.module == module) & np.isfinite(tickets.noise))
    gnb = np.zeros_like(tickets.ue) if tickets.gnb is None else tickets.gnb
    _, first = np.unique(gnb[rows], return_index=True)
    return float(np.sqrt((tickets.noise[rows[first]] ** 2).sum()))
