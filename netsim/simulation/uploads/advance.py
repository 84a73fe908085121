"""The loop that moves uploads from event to event: the only place where their progress is written.

Events are the end of an attempt, a stop (deadline, departure, end of a block) and a change of the
band. Between two events the band of an upload is constant, so what it sends comes from the closed
forms of `netsim.radio.link`, for all rows and over whole chunks of coherence blocks at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.arrays import divided
from netsim.simulation.air.protocol import Air
from netsim.simulation.uploads.band import Band
from netsim.simulation.uploads.segments import SegmentLog
from netsim.simulation.uploads.table import Uploads
from netsim.units import BoolArray, FloatArray, IntArray

LEAST_BITS = 1e-9
"""Smallest remaining size of an upload in progress, bit."""


@dataclass(frozen=True)
class OnAir:
    """Uploads with the air they meet, the band they share and the log of what they send."""

    uploads: Uploads
    air: Air
    band: Band
    log: SegmentLog
    retransmissions: int  # of an upload in outage, at most


@dataclass(frozen=True)
class Stretch:
    """What R rows did from their `start_s` to the next event."""

    rows: IntArray
    until_s: FloatArray
    event_s: FloatArray  # from which changes hold: `until_s`, or the end of the block
    bits: FloatArray
    sinr: FloatArray  # at the start, or the mean (block fading)
    outage: BoolArray
    through: BoolArray  # the payload is sent
    learnt: FloatArray | None  # as in `Transmission`


def advance(
    on_air: OnAir,
    rows: IntArray,
    until_s: float = np.inf,
) -> None:
    """Move `rows` from event to event until they are over, or to `until_s`.

    Rows without a share of the band wait: they have left one gNB and not yet got to another.
    """
    uploads = on_air.uploads
    while True:
        going = ~uploads.over[rows] & (uploads.start_s[rows] < until_s) & (uploads.band[rows] > 0)
        live = rows[going]
        if not len(live):
            return
        stretch = _next_stretch(on_air, live, until_s)
        _account(on_air, stretch)
        over, event_s = _end_attempts(on_air, stretch)
        on_air.band.divide(
            uploads,
            on_air.log,
            over,
            event_s,
        )


def _next_stretch(
    on_air: OnAir,
    live: IntArray,
    until_s: float,
) -> Stretch:
    """What the live rows send up to the next event that concerns them."""
    uploads, air = on_air.uploads, on_air.air
    _set_levels(uploads, air, live)
    begin_s = uploads.start_s[live]
    stop_s = np.minimum(uploads.stop_s[live], until_s)
    sent = air.transmit(uploads, live, stop_s)
    end_s = np.minimum(sent.finish_s, stop_s)

    if air.block_end_s is None:
        event_s = on_air.band.next_event_s(uploads, live, end_s)
    else:
        event_s = np.full(len(live), air.block_end_s)
    reached_s = np.maximum(np.minimum(end_s, event_s), begin_s)
    through = sent.finish_s <= reached_s
    if (event_s < end_s).any():
        sent = air.transmit(uploads, live, reached_s)

    return Stretch(
        rows=live,
        until_s=reached_s,
        event_s=event_s,
        bits=np.where(
            through,
            uploads.left_bits[live],
            sent.bits,
        ),
        sinr=sent.sinr,
        outage=sent.outage,
        through=through,
        learnt=sent.learnt,
    )


def _set_levels(
    uploads: Uploads,
    air: Air,
    live: IntArray,
) -> None:
    """Divide the interference over a UE's uploads when an attempt begins or the band changes."""
    new = np.isnan(uploads.level[live])
    if new.any():
        level = air.interference_level(uploads, live)
        uploads.level[live[new]] = level[new]


def _account(on_air: OnAir, stretch: Stretch) -> None:
    """Write what the rows have sent, and what they met."""
    uploads, rows = on_air.uploads, stretch.rows
    length_s = stretch.until_s - uploads.start_s[rows]

    if on_air.air.block_fading:
        sent = length_s > 0
        uploads.sinr_time[rows] += np.where(sent, stretch.sinr, 0.0) * length_s
        uploads.usable[rows] |= sent & ~stretch.outage
    elif on_air.air.whole_threshold is not None:
        uploads.sinr_time[rows] += divided(
            length_s,
            stretch.sinr,
            length_s > 0,
        )
    else:
        fresh = uploads.airtime_s[rows] == 0.0
        uploads.sinr[rows[fresh]] = stretch.sinr[fresh]
        uploads.outage[rows[fresh]] = stretch.outage[fresh]

    if stretch.learnt is not None:
        uploads.learnt[rows] = stretch.learnt
    left = np.maximum(uploads.left_bits[rows] - stretch.bits, LEAST_BITS)
    uploads.left_bits[rows] = np.where(stretch.through, 0.0, left)
    uploads.airtime_s[rows] += length_s
    uploads.segment_bits[rows] += stretch.bits
    uploads.start_s[rows] = stretch.until_s


def _end_attempts(on_air: OnAir, stretch: Stretch) -> tuple[IntArray, FloatArray]:
    """End attempts that are through or stopped; those in outage are repeated, if they may be.

    Gives the rows that are over by that, and the events from which their bands are free.
    """
    uploads, through = on_air.uploads, stretch.through
    ended = through | (uploads.stop_s[stretch.rows] <= stretch.until_s)
    rows, end_s = stretch.rows[ended], stretch.until_s[ended]
    event_s, finished = stretch.event_s[ended], through[ended]
    on_air.log.close(uploads, rows, end_s)
    record_attempts(
        on_air,
        rows,
        np.where(finished, end_s, np.inf),
        end_s,
    )

    again = uploads.outage[rows] & finished & (event_s < uploads.stop_s[rows])
    again &= uploads.attempt[rows] <= on_air.retransmissions
    if again.any():
        _repeat(
            uploads,
            rows[again],
            event_s[again],
        )
    uploads.over[rows[~again]] = True
    return rows[~again], event_s[~again]


def record_attempts(
    on_air: OnAir,
    rows: IntArray,
    finish_s: FloatArray,
    end_s: FloatArray,
) -> None:
    """Write how the attempts of `rows` [R] went, which end at `end_s`."""
    uploads = on_air.uploads
    uploads.finish_s[rows] = finish_s
    uploads.end_s[rows] = end_s
    first = uploads.attempt[rows] == 1
    uploads.first_end_s[rows[first]] = end_s[first]
    airtime_s = uploads.airtime_s[rows]
    spent = uploads.sinr_time[rows]
    threshold = on_air.air.whole_threshold
    if on_air.air.block_fading:
        uploads.sinr[rows] = divided(
            spent,
            airtime_s,
            airtime_s > 0,
            otherwise=np.nan,
        )
        uploads.outage[rows] = ~uploads.usable[rows] & (airtime_s > 0)
    elif threshold is not None:
        met = divided(
            airtime_s,
            spent,
            spent > 0,
            otherwise=np.nan,
        )
        uploads.sinr[rows] = met
        uploads.outage[rows] = met < threshold


def _repeat(
    uploads: Uploads,
    rows: IntArray,
    start_s: FloatArray,
) -> None:
    """Send the whole payload of `rows` once more, with fading drawn anew."""
    uploads.attempt[rows] += 1
    uploads.finish_s[rows] = np.inf
    uploads.start_s[rows] = start_s
    uploads.segment_start_s[rows] = start_s
    uploads.left_bits[rows] = uploads.payload_bits[rows]
    uploads.airtime_s[rows] = 0.0
    uploads.sinr_time[rows] = 0.0
    uploads.usable[rows] = False
    uploads.level[rows] = np.nan
