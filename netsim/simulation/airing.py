"""Collects what happens on the air, piece by piece, into a round's `Airing`."""

from __future__ import annotations

import numpy as np

from netsim.simulation.state import Airing
from netsim.units import BoolArray, FloatArray, IntArray

Piece = tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray, FloatArray, IntArray]


class AiringLog:
    """M rows; those never told of stay as if they had done nothing."""

    def __init__(self, rows: int) -> None:
        self._finish, self._end = np.full(rows, np.inf), np.full(rows, np.nan)
        self._first_end, self._sinr = np.full(rows, np.nan), np.full(rows, np.nan)
        self._attempts, self._outage = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=bool)
        self._pieces: list[Piece] = []
        self._sinr_of: list[FloatArray] = []  # of the pieces, where it is kept
        self._known_gnb = False

    def load(self, rows: IntArray, airing: Airing) -> None:
        """Rows [R] have done before what `airing` says of its R rows."""
        columns = (
            self._finish,
            self._end,
            self._first_end,
            self._sinr,
            self._attempts,
            self._outage,
        )
        names = ("finish_s", "end_s", "first_end_s", "sinr", "attempts", "outage")
        for column, name in zip(columns, names, strict=True):
            column[rows] = getattr(airing, name)
        self.segment(
            rows[airing.segment_row],
            airing.segment_attempt,
            airing.segment_start_s,
            airing.segment_end_s,
            airing.segment_hz,
            airing.segment_bits,
            airing.segment_gnb,
            airing.segment_sinr,
        )

    def segment(
        self,
        rows: IntArray,
        attempt: IntArray | int,
        start_s: FloatArray,
        end_s: FloatArray,
        bandwidth_hz: FloatArray,
        bits: FloatArray,
        gnb: IntArray | None = None,
        sinr: FloatArray | None = None,
    ) -> None:
        """Rows [R] sent `bits` on a constant band. Segments of a row come in the order of time.

        `gnb` where it may not be the rows' own, `sinr` of the attempt where it is to be kept: then
        in all calls.
        """
        numbers = np.broadcast_to(np.asarray(attempt, dtype=np.int64), rows.shape)
        self._known_gnb |= gnb is not None
        where = gnb if gnb is not None else np.broadcast_to(np.int64(-1), rows.shape)
        self._pieces.append((rows, numbers, start_s, end_s, bandwidth_hz, bits, where))
        if sinr is not None:
            self._sinr_of.append(sinr)

    def attempt(
        self,
        rows: IntArray,
        attempt: IntArray | int,
        finish_s: FloatArray,
        end_s: FloatArray,
        sinr: FloatArray,
        outage: BoolArray,
    ) -> None:
        """An attempt of rows [R] is over; a later one of the same row replaces what is kept of
        it.
        """
        self._finish[rows], self._end[rows] = finish_s, end_s
        self._sinr[rows], self._outage[rows], self._attempts[rows] = sinr, outage, attempt
        first = rows[np.broadcast_to(np.asarray(attempt) == 1, rows.shape)]
        self._first_end[first] = self._end[first]

    def airing(self) -> Airing:
        """All of it. Segments ordered by row, then time."""
        if self._pieces:
            row, attempt, start, end, hz, bits, gnb = (
                np.concatenate(p) for p in zip(*self._pieces, strict=True)
            )
        else:
            row = attempt = gnb = np.empty(0, dtype=np.int64)
            start = end = hz = bits = np.empty(0)
        sinr = np.concatenate(self._sinr_of) if self._sinr_of else None
        if len(self._pieces) > 1:
            order = np.argsort(row, kind="stable")
            row, attempt, start, end, hz, bits, gnb = (
                a[order] for a in (row, attempt, start, end, hz, bits, gnb)
            )
            sinr = None if sinr is None else sinr[order]
        return Airing(
            finish_s=self._finish,
            end_s=self._end,
            bits=np.asarray(
                np.bincount(row, weights=bits, minlength=len(self._finish)), dtype=np.float64
            ),
            sinr=self._sinr,
            attempts=self._attempts,
            first_end_s=self._first_end,
            outage=self._outage,
            segment_row=row,
            segment_attempt=attempt,
            segment_start_s=start,
            segment_end_s=end,
            segment_hz=hz,
            segment_bits=bits,
            segment_gnb=gnb if self._known_gnb else None,
            segment_sinr=sinr,
        )


# -- an airing up to a time ----------------------------------------------------------------------


def rewound(airing: Airing, rows: IntArray, attempt: IntArray) -> Airing:
    """As it was when `rows` [R] were in their attempts `attempt` [R], of which nothing is kept."""
    before = np.full(len(airing.end_s), np.iinfo(np.int64).max)
    before[rows] = attempt
    kept = airing.segment_attempt < before[airing.segment_row]
    out = _segments(airing, kept, airing.segment_end_s[kept], airing.segment_bits[kept])
    out.finish_s[rows], out.end_s[rows] = np.inf, np.nan
    out.attempts[rows], out.outage[rows] = attempt - 1, attempt > 1
    out.first_end_s[rows] = np.where(attempt > 1, out.first_end_s[rows], np.nan)
    out.sinr[rows] = np.nan
    if out.segment_sinr is not None:
        mine = np.isin(out.segment_row, rows)  # the last one of a row stays
        out.sinr[out.segment_row[mine]] = out.segment_sinr[mine]
    return out


def cut(airing: Airing, rows: IntArray, until_s: FloatArray) -> Airing:
    """`rows` [R] stop at `until_s` [R], in the middle of what was to come; rates are those of
    segments.
    """
    last = np.full(len(airing.end_s), np.inf)
    last[rows] = until_s
    limit = last[airing.segment_row]
    kept = airing.segment_start_s < limit
    start, end, limit = airing.segment_start_s[kept], airing.segment_end_s[kept], limit[kept]
    bits = airing.segment_bits[kept]
    short = limit < end
    bits = np.where(short, bits * (limit - start) / np.where(short, end - start, 1.0), bits)
    out = _segments(airing, kept, np.minimum(end, limit), bits)
    attempts = np.ones(len(last), dtype=np.int64)
    np.maximum.at(attempts, out.segment_row, out.segment_attempt)
    out.outage[rows] |= attempts[rows] < out.attempts[rows]
    out.attempts[rows], out.finish_s[rows], out.end_s[rows] = attempts[rows], np.inf, until_s
    out.first_end_s[rows] = np.minimum(out.first_end_s[rows], until_s)
    if out.segment_sinr is not None:
        mine = np.isin(out.segment_row, rows)
        out.sinr[out.segment_row[mine]] = out.segment_sinr[mine]
    return out


def _segments(airing: Airing, kept: BoolArray, end_s: FloatArray, bits: FloatArray) -> Airing:
    """A copy with some of the segments, which have other ends and bits."""
    row, count = airing.segment_row[kept], len(airing.end_s)
    return Airing(
        finish_s=airing.finish_s.copy(),
        end_s=airing.end_s.copy(),
        bits=np.asarray(np.bincount(row, weights=bits, minlength=count), dtype=np.float64),
        sinr=airing.sinr.copy(),
        attempts=airing.attempts.copy(),
        first_end_s=airing.first_end_s.copy(),
        outage=airing.outage.copy(),
        segment_row=row,
        segment_attempt=airing.segment_attempt[kept],
        segment_start_s=airing.segment_start_s[kept],
        segment_end_s=end_s,
        segment_hz=airing.segment_hz[kept],
        segment_bits=bits,
        segment_gnb=None if airing.segment_gnb is None else airing.segment_gnb[kept],
        segment_sinr=None if airing.segment_sinr is None else airing.segment_sinr[kept],
    )
