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
        self._known_gnb = False

    def segment(
        self,
        rows: IntArray,
        attempt: IntArray | int,
        start_s: FloatArray,
        end_s: FloatArray,
        bandwidth_hz: FloatArray,
        bits: FloatArray,
        gnb: IntArray | None = None,
    ) -> None:
        """Rows [R] sent `bits` on a constant band. Segments of a row come in the order of time.

        `gnb` where it may not be the rows' own: then in all calls.
        """
        numbers = np.broadcast_to(np.asarray(attempt, dtype=np.int64), rows.shape)
        self._known_gnb |= gnb is not None
        where = gnb if gnb is not None else np.broadcast_to(np.int64(-1), rows.shape)
        self._pieces.append((rows, numbers, start_s, end_s, bandwidth_hz, bits, where))

    def attempt(
        self,
        rows: IntArray,
        attempt: IntArray | int,
        finish_s: FloatArray,
        end_s: FloatArray,
        sinr: FloatArray,
        outage: BoolArray,
    ) -> None:
        """An attempt of rows [R] is over; a later one of the same row replaces what is kept of it."""
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
        if len(self._pieces) > 1:
            order = np.argsort(row, kind="stable")
            row, attempt, start, end, hz, bits, gnb = (
                a[order] for a in (row, attempt, start, end, hz, bits, gnb)
            )
        return Airing(
            finish_s=self._finish,
            end_s=self._end,
            bits=np.asarray(np.bincount(row, weights=bits, minlength=len(self._finish)), dtype=np.float64),
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
        )
