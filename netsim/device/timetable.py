"""What the plan of a round fixes: broadcasts and computing, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.arrays import group_starts, largest_in_group, largest_in_run
from netsim.device.timing import computing_times_s, part_computed, part_done
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
    gnb: IntArray,
    slots: tuple[FloatArray, FloatArray],
    sent_bits: FloatArray,
    *,
    compute_s: FloatArray,
    limit_s: float,
    gives_up_s: float,
    barrier: bool,
) -> Timetable:
    """Times of rows [M] whose modules of `sent_bits` come in `slots`, (start, end) in s.

    A UE computes its modules one after the other, each for `compute_s`, once its last download is
    through, until the limit; one that hears nothing gives up at `gives_up_s`, if not before.
    barrier: uploads of a gNB start together.
    """
    slot_start, slot_end = slots
    first = group_starts(ue)
    downloaded = largest_in_run(slot_end, first)
    limit = np.where(np.isfinite(downloaded), limit_s, min(limit_s, gives_up_s))
    begin, done = computing_times_s(downloaded, first, compute_s, limit)
    computed = largest_in_run(np.minimum(done, limit), first)
    last = largest_in_run(done, first)
    return Timetable(
        slot_start_s=np.minimum(slot_start, limit),
        slot_end_s=np.minimum(slot_end, limit),
        slot_bits=sent_bits * part_done(slot_start, slot_end, limit),
        downloaded_s=np.minimum(downloaded, limit),
        compute_start_s=begin,
        compute_end_s=np.minimum(done, limit),
        compute_done=part_computed(begin, done, compute_s, limit),
        computed_s=computed,
        upload_start_s=largest_in_group(computed, gnb) if barrier else computed,
        ready=(last <= limit) & np.isfinite(last),
    )
