"""The log of what was sent: one segment for each stretch of an attempt on a constant band.

Segments are the uplink spans of the tables. They name uploads by serial number, since the rows of
the table move from round to round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.arrays import ArrayTable, joined
from netsim.simulation.uploads.table import Uploads
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class Segments(ArrayTable):
    """L segments. Those of an upload come in the order of time."""

    serial: IntArray  # of the upload
    attempt: IntArray  # 1, 2, ...
    gnb: IntArray  # that it was sent to
    start_s: FloatArray
    end_s: FloatArray
    share: FloatArray  # of the gNB's band
    bits: FloatArray

    def __len__(self) -> int:
        return len(self.serial)

    @property
    def length_s(self) -> FloatArray:
        """[L] time on the air."""
        return self.end_s - self.start_s


def open_segments(
    uploads: Uploads,
    rows: IntArray,
    end_s: FloatArray,
) -> Segments:
    """What `rows` [R] have sent since their segments began, up to `end_s`."""
    return Segments(
        serial=uploads.serial[rows],
        attempt=uploads.attempt[rows],
        gnb=uploads.site[rows],
        start_s=uploads.segment_start_s[rows],
        end_s=end_s,
        share=uploads.band[rows],
        bits=uploads.segment_bits[rows],
    )


def nothing_sent(uploads: Uploads) -> Segments:
    """An empty table."""
    return open_segments(uploads, np.empty(0, dtype=np.int64), np.empty(0))


class SegmentLog:
    """Takes segments in pieces, and gives those of uploads that are over."""

    def __init__(self, kept: Segments) -> None:
        self._pieces = [kept]

    def close(
        self,
        uploads: Uploads,
        rows: IntArray,
        end_s: FloatArray,
    ) -> None:
        """Log what `rows` have sent since their segments began; the next ones begin at `end_s`."""
        self._pieces.append(open_segments(uploads, rows, end_s))
        uploads.segment_start_s[rows] = end_s
        uploads.segment_bits[rows] = 0.0

    def whole(self) -> Segments:
        """All of it, in the order of logging."""
        whole = joined(self._pieces)
        self._pieces = [whole]
        return whole

    def restrict(self, kept: BoolArray) -> None:
        """Forget all segments but those `kept`, [L] of `whole`."""
        self._pieces = [self.whole().select(kept)]


def segments_of(uploads: Uploads, log: SegmentLog) -> tuple[Segments, IntArray]:
    """The logged segments of `uploads`, ordered by row, then time; and their rows. [L]."""
    whole = log.whole()
    if np.array_equal(whole.serial, uploads.serial):  # one for each
        return whole, np.arange(len(whole))
    order = np.argsort(uploads.serial)
    place = np.searchsorted(uploads.serial, whole.serial, sorter=order)
    known = place < len(order)
    row = np.full(len(whole), -1)
    row[known] = order[place[known]]
    known[known] = uploads.serial[row[known]] == whole.serial[known]
    kept = np.flatnonzero(known)
    by_row = kept[np.argsort(row[kept], kind="stable")]
    return whole.select(by_row), row[by_row]
