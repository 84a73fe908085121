"""Goodput from block to block, by schemes that are chosen from what the gNB knows so far.

The inner loop knows the SINR `csi_delay_s` late. The outer loop moves its margin with
acknowledgements and losses, but for those of the lowest scheme, which no margin mends. Losses are
taken by their probability, so the margin is the mean of what it would be with drawn errors.
Retransmissions follow a round trip later, and so may meet another coherence block.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.radio.nr.goodput import SINRS, STEP_DB, NrLink, nearest_entry
from netsim.radio.nr.lookup import Lookup, drawn_bps, lookup_of
from netsim.units import FloatArray, IntArray

_LATEST = 32.0
"""Blocks after which what was known is of no more use."""

_HEARD = 10.0
"""Transmissions of a block by which the outer loop moves its margin, at most: after so many it has
corrected the scheme, and what it then hears is of another."""

_NEVER = -1
"""Stands for the scheme of an upload that has sent nothing."""


@dataclass
class AdaptedRates:
    """As `BlockRates`, of M uploads in blocks of one length."""

    link: NrLink
    count: int
    block_s: float
    threshold: float
    _margin_db: FloatArray = field(init=False)  # [M]
    _past: IntArray = field(init=False)  # [L, M] schemes by the SINRs of the last blocks

    def __post_init__(self) -> None:
        self._margin_db = np.full(self.count, self.link.margin_db)
        self._past = np.full((self._lags[-1][0], self.count), _NEVER)

    @property
    def _lags(self) -> list[tuple[int, float]]:
        """(by how many blocks the known SINR is late, for which part of a block), ascending."""
        late = min(self.link.csi_delay_s / self.block_s, _LATEST)
        whole = int(late)
        return [(whole, 1 - (late - whole)), (whole + 1, late - whole)]

    def next_bps(
        self,
        rows: IntArray,
        bandwidth_hz: FloatArray,
        sinr: FloatArray,
        uniform: FloatArray | None = None,
    ) -> FloatArray:
        """As `BlockRates`."""
        lookup = lookup_of(self.link)
        table = lookup.tables(self.link.grid.whole_blocks(bandwidth_hz))
        entry = np.ascontiguousarray(nearest_entry(sinr).T)  # [B, R], blocks in time first
        schemes = self._schemes(lookup, rows, table, entry)
        mean, full = np.zeros((2, *entry.shape))
        for lag, part in self._lags:
            if part > 0:
                end = len(schemes) - lag
                scheme = schemes[end - len(entry) : end]
                mean += part * self._bps(lookup, table, scheme, entry)
                full += part * lookup.full_bps(table, scheme)
        if uniform is not None:
            slots = self.block_s * self.link.grid.uplink_slots_per_s
            mean = drawn_bps(mean, full, slots, uniform.T)
        return np.where(sinr >= self.threshold, mean.T, 0.0)

    def _schemes(
        self, lookup: Lookup, rows: IntArray, table: IntArray, entry: IntArray
    ) -> IntArray:
        """Schemes by the SINRs of the blocks, after those of L blocks before. [L + B, R]."""
        late = len(self._past)
        schemes = np.concatenate([self._past[:, rows], np.empty_like(entry)])
        heard = min(self.block_s * self.link.grid.uplink_slots_per_s, _HEARD)
        margin_db, loop = self._margin_db[rows], self.link.outer_loop
        for block, met in enumerate(entry):
            known = met - np.rint(margin_db / STEP_DB).astype(np.int64)
            known = np.minimum(np.maximum(known, 0), SINRS - 1)
            schemes[late + block] = lookup.scheme(table, known)
            if block == 0:
                fresh = schemes[:late] == _NEVER
                schemes[:late] = np.where(fresh, schemes[late], schemes[:late])
            for lag, part in self._lags:
                if part > 0:
                    scheme = schemes[late + block - lag]
                    lost = lookup.lost(table, scheme, met)
                    margin_db = loop.update(margin_db, lost, part * heard * (scheme > 0))
        self._margin_db[rows] = margin_db
        self._past[:, rows] = schemes[len(entry) :]
        return schemes

    def _bps(
        self,
        lookup: Lookup,
        table: IntArray,
        scheme: IntArray,
        entry: IntArray,
    ) -> FloatArray:
        """Mean goodput of schemes in blocks. [B, R]."""
        lag = self._round_trip(len(entry))
        if lag:
            return lookup.spread_bps(table, scheme, entry, lag)
        return lookup.rate_bps(table, scheme, entry)

    def _round_trip(self, blocks: int) -> int:
        """By how many blocks transmissions of a transport block are apart, within `blocks`."""
        apart = round(self.link.round_trip_s / self.block_s)
        return min(apart, blocks // self.link.harq.transmissions)
