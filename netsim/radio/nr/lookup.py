"""Goodput tables of all numbers of resource blocks that occur, for lookups of many uploads at once.

Tables are filled when a number of resource blocks first occurs, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from netsim.arrays import divided
from netsim.radio.nr.adaptation import highest_scheme
from netsim.radio.nr.effective import effective_sinr
from netsim.radio.nr.goodput import SINRS, STEP_DB, NrLink, goodput_table, nearest_entry
from netsim.units import FloatArray, IntArray

OUTSIDE = 150
"""Entries below the lowest SINR, and above the highest, that a margin may lead to: 15 dB."""

_FIRST = 8  # tables for which there is room at first


@dataclass
class Lookup:
    """T tables of a link with N schemes over S SINRs. Arrays of uploads and blocks broadcast."""

    link: NrLink
    size_bits: IntArray = field(init=False)  # [T, N]
    _table_of: IntArray = field(init=False)  # by number of resource blocks; -1: not yet
    _tables: int = field(default=0, init=False)
    _rate_bps: FloatArray = field(init=False)  # [T, N, S]
    _lost: NDArray[np.float32] = field(init=False)  # [T, m, N, S]
    # that the inner loop chooses, by SINRs that are lowered by -OUTSIDE to OUTSIDE entries
    _scheme: IntArray = field(init=False)  # [T, S + 2 OUTSIDE]
    # entries by which a first transmission moves the margin; never up for the lowest scheme, whose
    # losses no margin mends
    _move: NDArray[np.float32] = field(init=False)  # [T, N, S]
    _moves: dict[float, NDArray[np.float32]] = field(default_factory=dict, init=False)  # by heard

    def __post_init__(self) -> None:
        schemes, transmissions = len(self.link.schemes), self.link.harq.transmissions
        self._table_of = np.full(self.link.grid.blocks + 1, -1)
        self.size_bits = np.zeros((_FIRST, schemes), dtype=np.int64)
        self._rate_bps = np.zeros((_FIRST, schemes, SINRS))
        self._lost = np.zeros((_FIRST, transmissions, schemes, SINRS), dtype=np.float32)
        self._scheme = np.zeros((_FIRST, SINRS + 2 * OUTSIDE), dtype=np.int64)
        self._move = np.zeros((_FIRST, schemes, SINRS), dtype=np.float32)

    def tables(self, blocks: IntArray) -> IntArray:
        """Number of the table for each number of resource blocks. Any shape."""
        found = self._table_of[blocks]
        if found.min(initial=0) < 0:
            for missing in np.unique(blocks[found < 0]).tolist():
                self._add(missing)
            found = self._table_of[blocks]
        return found

    def _add(self, blocks: int) -> None:
        """A table for one more number of resource blocks."""
        if self._tables == len(self._scheme):
            self._grow()
        table, number = goodput_table(self.link, blocks), self._tables
        self.size_bits[number] = table.size_bits
        self._rate_bps[number] = table.rate_bps
        self._lost[number] = table.lost
        loop = self.link.outer_loop
        self._scheme[number] = np.pad(highest_scheme(table.lost[0], loop.target), OUTSIDE, "edge")
        moves = loop.move_db(table.lost[0].astype(np.float64)) / STEP_DB
        moves[0] = np.minimum(moves[0], 0.0)
        self._move[number] = moves
        self._moves.clear()
        self._table_of[blocks] = number
        self._tables += 1

    def _grow(self) -> None:
        """Room for twice as many tables."""
        self.size_bits = np.concatenate([self.size_bits, np.zeros_like(self.size_bits)])
        self._rate_bps = np.concatenate([self._rate_bps, np.zeros_like(self._rate_bps)])
        self._lost = np.concatenate([self._lost, np.zeros_like(self._lost)])
        self._scheme = np.concatenate([self._scheme, np.zeros_like(self._scheme)])
        self._move = np.concatenate([self._move, np.zeros_like(self._move)])

    def scheme(self, table: IntArray, entry: IntArray) -> IntArray:
        """That the inner loop chooses by the entry of the known SINR, or one a little outside."""
        return self.scheme_at(self.scheme_place(table, entry))

    def scheme_place(self, table: IntArray, entry: IntArray) -> IntArray:
        """Where the scheme of an entry is; one that is higher by 1 is at the next place."""
        return table * (SINRS + 2 * OUTSIDE) + (entry + OUTSIDE)

    def scheme_at(self, place: IntArray) -> IntArray:
        """The scheme there."""
        return np.asarray(self._scheme.take(place))

    def move_place(self, table: IntArray, entry: IntArray) -> IntArray:
        """Where the moves of the first scheme are, by the entry of the SINR.

        Those of the next scheme are SINRS places further.
        """
        return table * (len(self.link.schemes) * SINRS) + entry

    def moves(self, heard: float) -> NDArray[np.float32]:
        """Entries by which so many first transmissions move the margin, by `move_place`."""
        if heard not in self._moves:
            self._moves[heard] = (heard * self._move).ravel()
        return self._moves[heard]

    def rate_bps(self, table: IntArray, scheme: IntArray, entry: IntArray) -> FloatArray:
        """Goodput of a scheme at the entry of the SINR, all transmissions at the same."""
        at = (table * len(self.link.schemes) + scheme) * SINRS
        return np.asarray(self._rate_bps.take(at + entry))

    def lost(
        self, table: IntArray, scheme: IntArray, entry: IntArray, transmission: int = 0
    ) -> FloatArray:
        """P(still lost after one or more transmissions) at the entry of the SINR."""
        at = table * self.link.harq.transmissions + transmission
        at = (at * len(self.link.schemes) + scheme) * SINRS
        return np.asarray(self._lost.take(at + entry))

    def full_bps(self, table: IntArray, scheme: IntArray) -> FloatArray:
        """Rate of a scheme if nothing is lost."""
        return np.asarray(self.size_bits[table, scheme] * self.link.grid.uplink_slots_per_s)

    def spread_bps(
        self, table: IntArray, scheme: IntArray, entry: IntArray, lag: int
    ) -> FloatArray:
        """Goodput where transmissions are `lag` blocks apart, and so at SINRs of their own.

        entry: [B, R], blocks in time first; after the last follows the first again, which has the
        same law.
        """
        combining, effective = self.link.harq.combining, effective_sinr(self.link).of(scheme)
        lost = np.ones(entry.shape)
        transmissions, combined = np.zeros(entry.shape), np.zeros(entry.shape)
        for number in range(self.link.harq.transmissions):
            transmissions += lost
            met = np.roll(entry, -number * lag, axis=0)
            if combining == "none":
                lost = lost * self.lost(table, scheme, met)
                continue
            combined += effective.quality(met)
            at = effective.entry(combined / (number + 1))
            lost = np.minimum(lost, self.lost(table, scheme, at, number))
        return self.full_bps(table, scheme) * (1 - lost) / transmissions


@lru_cache(maxsize=8)
def lookup_of(link: NrLink) -> Lookup:
    """The tables of a link."""
    return Lookup(link)


def expected_bps(
    link: NrLink, blocks: IntArray, sinr: FloatArray, known_sinr: FloatArray
) -> FloatArray:
    """Mean goodput of uploads on `blocks` [R] resource blocks, bit/s. [R, B].

    sinr: linear, in each coherence block, [R, B]. known_sinr: by which schemes are chosen, as they
    are but for the link's margin.
    """
    found = lookup_of(link)
    table = found.tables(blocks)[:, None]
    margin = round(link.margin_db / STEP_DB)
    scheme = found.scheme(table, nearest_entry(known_sinr) - margin)
    return found.rate_bps(table, scheme, nearest_entry(sinr))


def drawn_bps(
    mean_bps: FloatArray, full_bps: FloatArray, slots: float, uniform: FloatArray
) -> FloatArray:
    """Rates over so many uplink slots with drawn errors; their mean is `mean_bps`. Any shape.

    Each slot completes a transport block with the same probability; a number that is not whole is
    rounded, and each of them stands for a little more or less. full_bps: if all do. uniform:
    numbers in [0, 1).
    """
    from scipy.stats import binom  # slow to load, and needed for drawn errors alone

    whole = max(round(slots), 1)
    completes = divided(mean_bps, full_bps, full_bps > 0)
    completed = binom.ppf(uniform, whole, np.clip(completes, 0.0, 1.0))
    return np.asarray(np.maximum(completed, 0.0) / whole * full_bps)
