"""The handovers of a round as rows of `handovers` and `spans`, and places of UEs as rows of
`mobility`.
"""

from __future__ import annotations

import numpy as np

from netsim.protocols import RecordSink
from netsim.records import ABORTED, ACTIVITIES, BROADCAST, HANDOVER
from netsim.simulation.across import INTERRUPTION_S
from netsim.simulation.roaming import Roaming
from netsim.simulation.spans import span
from netsim.simulation.state import RoundState
from netsim.units import FloatArray, IntArray


def write_handovers(sink: RecordSink, roaming: Roaming, round_: RoundState, since_s: float) -> None:
    """Handovers in (since, end of the round]; those that touch an upload are spans, too."""
    for events in roaming.world.journey.handovers(since_s, round_.end_s):
        time_s = float(events.time_s[0])
        during, lost = _during(round_, events.ue, time_s)
        sink.write(
            "handovers",
            {
                "time_s": events.time_s,
                "ue": events.ue,
                "from_gnb": events.from_gnb,
                "to_gnb": events.to_gnb,
                "during": [ACTIVITIES[d] for d in during.tolist()],
                "bits_lost": lost,
            },
        )
        sending = during == ACTIVITIES.index("uplink")
        pause_s = INTERRUPTION_S if roaming.handover == "resume" else 0.0
        if sending.any():
            sink.write(
                "spans",
                span(
                    round=round_.number,
                    ue=events.ue[sending],
                    gnb=events.to_gnb[sending],
                    kind=HANDOVER,
                    start_s=time_s,
                    end_s=time_s + pause_s,
                    energy_j=0.0,
                ),
            )


def _during(round_: RoundState, ue: IntArray, time_s: float) -> tuple[IntArray, FloatArray]:
    """(index of the activity, bits lost) of UEs [L] at a handover."""
    during, lost = np.zeros(len(ue), dtype=np.int64), np.zeros(len(ue))
    if time_s <= round_.start_s:
        return during, lost
    air = round_.airing
    for i, k in enumerate(ue.tolist()):
        rows = np.flatnonzero(round_.plan.ue == k)
        if not len(rows):
            continue
        ends = (
            float(round_.compute_start_s[rows].min()),
            float(round_.compute_end_s[rows].max()),
            float(round_.upload_start_s[rows].max()),
            float(np.max(np.where(round_.ready[rows], air.end_s[rows], -np.inf))),
        )
        passed = [time_s > end or (n < 3 and time_s == end) for n, end in enumerate(ends)]
        if all(passed) or (not round_.ready[rows].any() and passed[1]):
            continue
        during[i] = 1 + passed.index(False)
        broken = rows[(round_.outcome[rows] == ABORTED) & (air.end_s[rows] == time_s)]
        lost[i] = air.bits[broken].sum()
    return during, lost


def write_newcomers(sink: RecordSink, roaming: Roaming, round_: RoundState) -> None:
    """The foundation model's way to UEs that came during the run."""
    ue, begin_s, end_s = roaming.newcomers(round_.end_s)
    if len(ue) and not roaming.rules.w0_every_round:
        gnb = roaming.world.journey.at(round_.end_s).gnb[ue]
        sink.write(
            "spans",
            span(
                round=round_.number,
                ue=ue,
                gnb=gnb,
                kind=BROADCAST,
                start_s=begin_s,
                end_s=end_s,
                bits=roaming.rules.foundation_bits,
                energy_j=0.0,
            ),
        )


def write_places(sink: RecordSink, roaming: Roaming, steps: range) -> None:
    """The `mobility` table at steps of the grid, of UEs that are there."""
    journey = roaming.world.journey
    for step in steps:
        sample = journey.sample(step)
        ue = np.flatnonzero(sample.present)
        sink.write(
            "mobility",
            {
                "time_s": step * journey.step_s,
                "ue": ue,
                "x_m": sample.position_m[ue, 0],
                "y_m": sample.position_m[ue, 1],
                "gnb": sample.gnb[ue],
            },
        )
