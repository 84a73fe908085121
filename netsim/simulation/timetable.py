"""What the plan of a round fixes: broadcasts and computing, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.arrays import group_starts, largest_in_group, largest_in_run
from netsim.device.timing import computing_times_s, part_computed, part_done
from netsim.radio.multicast import broadcast_slots
from netsim.simulation.state import Fleet, Links, Rules
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Timetable:
    """Seconds from the start at the gNB, for M rows (UE, module) ordered by UE. [M] each."""

    slot_start_s: FloatArray  # broadcast of the module
    slot_end_s: FloatArray
    slot_bits: FloatArray  # heard of it
    downloaded_s: FloatArray  # the UE has heard all its modules
    compute_start_s: FloatArray
    compute_end_s: FloatArray  # stopped at the limit
    compute_done: FloatArray  # fraction of the work done
    computed_s: FloatArray  # the UE has computed all its modules, or gives up
    upload_start_s: FloatArray  # the same, or under the barrier when everybody at its gNB has
    ready: BoolArray  # the UE had all its modules computed in time


def timetable(
    ue: IntArray,
    module: IntArray,
    payload_bits: FloatArray,
    *,
    fleet: Fleet,
    links: Links,
    rules: Rules,
    foundation_bits: float,
) -> Timetable:
    """Times of the rows (`ue`, `module`) of `payload_bits`, shapes [M].

    A gNB multicasts a module at the rate of its worst subscriber over the whole downlink band, one
    module after the other; lower ranks are its first part. `foundation_bits` go before them. A UE
    computes its modules one after the other, once its last download is through, until the limit.
    """
    limit_s = rules.last_compute_s
    gnb = links.gnb[ue]
    slot_start, slot_end = broadcast_slots(
        gnb,
        module,
        payload_bits,
        efficiency=links.downlink_efficiency[ue],
        downlink_hz=rules.downlink_hz,
        foundation_bits=foundation_bits,
    )
    first = group_starts(ue)
    downloaded = largest_in_run(slot_end, first)
    begin, done = computing_times_s(
        downloaded,
        first,
        fleet.compute_s[ue],
        limit_s,
    )
    computed = largest_in_run(np.minimum(done, limit_s), first)
    return Timetable(
        slot_start_s=np.minimum(slot_start, limit_s),
        slot_end_s=np.minimum(slot_end, limit_s),
        slot_bits=payload_bits * part_done(slot_start, slot_end, limit_s),
        downloaded_s=np.minimum(downloaded, limit_s),
        compute_start_s=begin,
        compute_end_s=np.minimum(done, limit_s),
        compute_done=part_computed(
            begin,
            done,
            fleet.compute_s[ue],
            limit_s,
        ),
        computed_s=computed,
        upload_start_s=largest_in_group(computed, gnb) if rules.barrier else computed,
        ready=largest_in_run(done, first) <= limit_s,
    )
