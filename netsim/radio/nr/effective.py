"""One SINR for transmissions that met several, as retransmissions in other coherence blocks do.

Incremental redundancy: the SINR of equal mean mutual information (MIESM; Brueninghaus et al., "Link
performance models for system level simulations of broadband radio access systems", PIMRC 2005).
Chase combining: the mean SINR, since SINRs add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from netsim.radio.nr.goodput import SINRS, NrLink, nearest_entry, sinr_grid_db
from netsim.radio.nr.information import information_curve
from netsim.units import FloatArray, IntArray, from_db

_LEVELS = 8192  # of information that are told apart


@dataclass(frozen=True)
class EffectiveSinr:
    """Tables over the S SINRs of the goodput tables, for modulations of O orders and N schemes."""

    order: IntArray  # [N] position of the scheme's modulation among the O
    bits: FloatArray | None  # [O, S] information of a symbol; None: SINRs are averaged
    entry_of: IntArray  # [O, level] entry of the SINR that has a part of all its bits
    most_bits: FloatArray  # [O]

    def quality(self, scheme: IntArray, entry: IntArray) -> FloatArray:
        """What is averaged of transmissions in a scheme at the entry of a SINR. Any shape."""
        if self.bits is None:
            return _linear().take(entry)
        return np.asarray(self.bits.take(self.order[scheme] * SINRS + entry))

    def entry(self, scheme: IntArray, quality: FloatArray) -> IntArray:
        """Entry of the SINR of that quality. Any shape."""
        if self.bits is None:
            return nearest_entry(quality)
        order = self.order[scheme]
        level = quality * (_LEVELS / self.most_bits[order]) + 0.5
        return np.asarray(self.entry_of.take(order * (_LEVELS + 1) + level.astype(np.int64)))


@lru_cache(maxsize=8)
def effective_sinr(link: NrLink) -> EffectiveSinr:
    """For the schemes of a link and the way in which its HARQ combines."""
    orders, order = np.unique(link.schemes.order, return_inverse=True)
    grid_db = sinr_grid_db()
    bits = np.array([information_curve(each).at(grid_db)[0] for each in orders.tolist()])
    most = bits[:, -1]
    level = np.arange(_LEVELS + 1) / _LEVELS
    entries = [
        np.rint(np.interp(level * own[-1], own, np.arange(SINRS))).astype(np.int64) for own in bits
    ]
    adds_up = link.harq.combining == "incremental"
    return EffectiveSinr(order, bits if adds_up else None, np.array(entries), most)


@lru_cache(maxsize=1)
def _linear() -> FloatArray:
    return from_db(sinr_grid_db())
