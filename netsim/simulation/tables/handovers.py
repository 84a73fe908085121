"""The `handovers` table, and the spans of UEs that change gNBs or come during the run."""

from __future__ import annotations

import numpy as np

from netsim.protocols import RecordSink
from netsim.records import ABORTED, ACTIVITIES, BROADCAST, HANDOVER
from netsim.simulation.motion.roaming import Roaming
from netsim.simulation.state import Round
from netsim.simulation.tables.spans import add_spans
from netsim.simulation.uploads.outcomes import Books
from netsim.simulation.uploads.transfers import INTERRUPTION_S
from netsim.units import BoolArray, FloatArray, IntArray

IDLE = 0
"""Index of the activity of a UE that has nothing to do."""


def write_handovers(
    sink: RecordSink, roaming: Roaming, round_: Round, books: Books, since_s: float
) -> None:
    """Handovers in (since, end of the round]; those that touch an upload are spans, too."""
    pause_s = INTERRUPTION_S if roaming.handover == "resume" else 0.0
    for events in roaming.changing.journey.handovers(since_s, round_.end_s):
        time_s = float(events.time_s[0])
        during, lost = _during(round_, books, events.ue, time_s)
        columns = {
            "time_s": events.time_s,
            "ue": events.ue,
            "from_gnb": events.from_gnb,
            "to_gnb": events.to_gnb,
            "during": [ACTIVITIES[activity] for activity in during.tolist()],
            "bits_lost": lost,
        }
        sink.write("handovers", columns)
        sending = during == ACTIVITIES.index("uplink")
        if sending.any():
            add_spans(
                sink,
                round=round_.number,
                ue=events.ue[sending],
                gnb=events.to_gnb[sending],
                kind=HANDOVER,
                start_s=time_s,
                end_s=time_s + pause_s,
            )


def _during(
    round_: Round, books: Books, ue: IntArray, time_s: float
) -> tuple[IntArray, FloatArray]:
    """(index of the activity, bits lost) of UEs [L] at a handover."""
    during, lost = np.full(len(ue), IDLE), np.zeros(len(ue))
    if time_s <= round_.start_s:
        return during, lost
    bits = books.summed(books.segments.bits)
    ended_now = (books.outcome == ABORTED) & (books.uploads.end_s == time_s)
    for index, one in enumerate(ue.tolist()):
        mine = books.uploads.ue == one
        if mine.any():
            during[index] = _activity(books, mine, time_s)
            if during[index] != IDLE:
                lost[index] = bits[mine & ended_now].sum()
    return during, lost


def _activity(
    books: Books,
    mine: BoolArray,
    time_s: float,
) -> int:
    """What a UE with the rows `mine` [M] is at: the first of its activities that is not over."""
    uploads = books.uploads
    ready = uploads.ready[mine]
    sent_s = np.where(
        ready,
        uploads.end_s[mine],
        -np.inf,
    )
    downloaded = time_s >= uploads.compute_start_s[mine].min()
    computed = time_s >= uploads.compute_end_s[mine].max()
    waited = time_s >= uploads.upload_start_s[mine].max()
    sent = time_s > sent_s.max()
    passed = [downloaded, computed, waited, sent]
    if all(passed) or (computed and not ready.any()):
        return IDLE
    return 1 + passed.index(False)


def write_newcomers(
    sink: RecordSink,
    roaming: Roaming,
    round_: Round,
) -> None:
    """The foundation model's way to UEs that came during the run."""
    ue, begin_s, end_s = roaming.newcomers(round_.end_s)
    if not len(ue) or roaming.rules.foundation_every_round:
        return
    add_spans(
        sink,
        round=round_.number,
        ue=ue,
        gnb=roaming.changing.journey.at(round_.end_s).gnb[ue],
        kind=BROADCAST,
        start_s=begin_s,
        end_s=end_s,
        bits=roaming.foundation_bits,
    )
