"""One SINR for transmissions that met several, as retransmissions in other coherence blocks do.

Incremental redundancy: the SINR of equal mean mutual information (MIESM; Brueninghaus et al., "Link
performance models for system level simulations of broadband radio access systems", PIMRC 2005).
Chase combining: the mean SINR, since SINRs add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

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

    def of(self, scheme: IntArray) -> Combining:
        """What transmissions in these schemes come to together. Any shape."""
        if self.bits is None:
            return SinrsAddUp()
        order = self.order[scheme]
        return InformationAddsUp(
            bits=self.bits,
            entry_of=self.entry_of,
            bits_at=order * SINRS,
            entry_at=order * (_LEVELS + 1),
            levels_per_bit=_LEVELS / self.most_bits[order],
        )


class Combining(Protocol):
    """Of transmissions in known schemes; arrays of the schemes' shape."""

    def quality(self, entry: IntArray) -> FloatArray:
        """What is averaged, at the entry of a SINR."""
        ...

    def entry(self, quality: FloatArray) -> IntArray:
        """Entry of the SINR of that quality."""
        ...


class SinrsAddUp:
    """Chase combining."""

    def quality(self, entry: IntArray) -> FloatArray:
        """As `Combining`."""
        return _linear().take(entry)

    def entry(self, quality: FloatArray) -> IntArray:
        """As `Combining`."""
        return nearest_entry(quality)


@dataclass(frozen=True)
class InformationAddsUp:
    """Incremental redundancy."""

    bits: FloatArray  # [O, S]
    entry_of: IntArray  # [O, level]
    bits_at: IntArray  # where those of the schemes' modulations begin
    entry_at: IntArray  # likewise
    levels_per_bit: FloatArray

    def quality(self, entry: IntArray) -> FloatArray:
        """As `Combining`."""
        return np.asarray(self.bits.take(self.bits_at + entry))

    def entry(self, quality: FloatArray) -> IntArray:
        """As `Combining`."""
        level = quality * self.levels_per_bit + 0.5
        return np.asarray(self.entry_of.take(self.entry_at + level.astype(np.int64)))


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
