"""Goodput from block to block, by schemes that are chosen from what the gNB knows so far.

The inner loop knows the SINR `csi_delay_s` late. The outer loop moves its margin with
acknowledgements and losses, but for those of the lowest scheme, which no margin mends. Nothing is
learnt of an upload before it is on the air. Losses are taken by their probability, so the margin is
the mean of what it would be with drawn errors. Retransmissions follow a round trip later, and so
may meet another coherence block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from netsim.radio.nr.goodput import SINRS, STEP_DB, NrLink, nearest_entry
from netsim.radio.nr.lookup import OUTSIDE, Lookup, drawn_bps, lookup_of
from netsim.units import FloatArray, IntArray

_LATEST = 32.0
"""Blocks after which what was known is of no more use."""

_HEARD = 2.5
"""Transmissions of a block that move the margin, at most: of more, most would hear of a scheme that
has been corrected by then, which this does not follow."""

_GROUP = 4
"""Blocks for which a margin holds."""

_NEVER = -1
"""Stands for the scheme of an upload that has sent nothing."""


@dataclass
class AdaptedRates:
    """As `BlockRates`, of M uploads in blocks of one length."""

    link: NrLink
    count: int
    block_s: float
    threshold: float
    learns: bool = True  # else each call is by itself, as if its blocks came round and round
    _margin: FloatArray = field(init=False)  # [M] of the inner loop, entries of the tables
    _past: IntArray = field(init=False)  # [L, M] schemes by the SINRs of the last blocks

    def __post_init__(self) -> None:
        self._margin = np.full(self.count, self.link.margin_db / STEP_DB)
        self._past = np.full((self._lags[-1][0], self.count), _NEVER)

    @property
    def learnt(self) -> FloatArray:
        """Margins, dB. [M]."""
        return self._margin * STEP_DB

    def go_on(self, learnt: FloatArray) -> None:
        """Begin with the margins [M] of uploads that have sent before; NaN: they have not."""
        known = ~np.isnan(learnt)
        self._margin[known] = learnt[known] / STEP_DB

    @cached_property
    def _lags(self) -> list[tuple[int, float]]:
        """(by how many blocks the known SINR is late, for which part of a block), ascending."""
        late = min(self.link.csi_delay_s / self.block_s, _LATEST)
        whole = int(late)
        parts = [(whole, 1 - (late - whole)), (whole + 1, late - whole)]
        return [(lag, part) for lag, part in parts if part > 0]

    @cached_property
    def _heard(self) -> list[tuple[int, float]]:
        """(lag, transmissions of a block that move the margin so late)."""
        heard = min(self.block_s * self.link.grid.uplink_slots_per_s, _HEARD)
        return [(lag, part * heard) for lag, part in self._lags]

    def next_bps(
        self,
        rows: IntArray,
        bandwidth_hz: FloatArray,
        sinr: FloatArray,
        uniform: FloatArray | None = None,
        airtime_s: FloatArray | None = None,
    ) -> FloatArray:
        """As `BlockRates`."""
        lookup = lookup_of(self.link)
        table = lookup.tables(self.link.grid.whole_blocks(bandwidth_hz))
        entry = np.ascontiguousarray(nearest_entry(sinr).T)  # [B, R], blocks in time first
        on_air: NDArray[np.float32] = np.ones(entry.shape, dtype=np.float32)
        if airtime_s is not None:
            np.divide(airtime_s.T, self.block_s, out=on_air, casting="same_kind")
        if self.learns:
            schemes = self._schemes(lookup, rows, table, entry, on_air)
        else:
            schemes = self._settled(lookup, table, entry)
        rate, full = np.zeros(entry.shape), np.zeros(1)
        for lag, part in self._lags:
            end = len(schemes) - lag
            scheme = schemes[end - len(entry) : end]
            rate += part * self._bps(lookup, table, scheme, entry)
            if uniform is not None:
                full = full + part * lookup.full_bps(table, scheme)
        if uniform is not None:
            slots = self.block_s * self.link.grid.uplink_slots_per_s
            rate = drawn_bps(rate, full, slots, uniform.T)
        return np.where(sinr >= self.threshold, rate.T, 0.0)

    def _schemes(
        self,
        lookup: Lookup,
        rows: IntArray,
        table: IntArray,
        entry: IntArray,
        on_air: NDArray[np.float32],
    ) -> IntArray:
        """Schemes by the SINRs of the blocks, after those of L blocks before. [L + B, R].

        on_air: part of each block, [B, R].
        """
        late = len(self._past)
        schemes = np.concatenate([self._past[:, rows], np.empty_like(entry)])
        margin = self._margin[rows]
        scheme_place = lookup.scheme_place(table, entry)
        move_place = lookup.move_place(table, entry)
        for first, some in _groups(on_air):
            group = slice(first, first + _GROUP)
            here = slice(late + first, late + first + _GROUP)
            schemes[here] = lookup.scheme_at(scheme_place[group] - margin.astype(np.int64))
            if first == 0:
                _fill(schemes[:late], schemes[late])
            if not some:
                continue
            moves = self._moves(lookup, schemes[first : here.stop], move_place[group])
            margin = _moved(margin, moves * on_air[group])
        self._margin[rows] = margin
        self._past[:, rows] = np.where(on_air[-1] > 0, schemes[len(entry) :], _NEVER)
        return schemes

    def _settled(self, lookup: Lookup, table: IntArray, entry: IntArray) -> IntArray:
        """As `_schemes`, at the margin that is configured, the last blocks before the first."""
        found = lookup.scheme(table, entry - round(self.link.margin_db / STEP_DB))
        return np.concatenate([found[len(found) - len(self._past) :], found])

    def _moves(
        self, lookup: Lookup, schemes: IntArray, move_place: IntArray
    ) -> NDArray[np.float32]:
        """By how many entries margins move in blocks [b, R], by schemes [L + b, R]."""
        after_first = schemes * SINRS
        found = []
        for lag, heard in self._heard:
            end = len(schemes) - lag
            place = move_place + after_first[end - len(move_place) : end]
            found.append(lookup.moves(heard).take(place))
        return reduce(np.add, found)

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


def _groups(on_air: NDArray[np.float32]) -> Iterator[tuple[int, bool]]:
    """(first of the blocks for which a margin holds, whether somebody is on the air in them)."""
    first = range(0, len(on_air), _GROUP)
    anybody = np.logical_or.reduce(on_air > 0, axis=1)
    yield from zip(first, np.logical_or.reduceat(anybody, first).tolist(), strict=True)


def _moved(margin: FloatArray, moves: NDArray[np.float32]) -> FloatArray:
    """Margins [R] after moves [b, R], within bounds."""
    moved = margin + np.add.reduce(moves, axis=0)
    return np.asarray(np.minimum(np.maximum(moved, -OUTSIDE), OUTSIDE))


def _fill(past: IntArray, scheme: IntArray) -> None:
    """Where an upload [R] has sent nothing in past blocks [L, R] yet, `scheme`, in place."""
    np.copyto(past, scheme, where=past == _NEVER)
