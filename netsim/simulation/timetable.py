"""What of a round is fixed by its plan: broadcasts and computing, before anything goes on the air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.simulation.state import Cell, Rules
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Timetable:
    """Seconds from the round's start, for M rows (UE, module) ordered by UE."""

    slot_start_s: FloatArray  # [M] broadcast of the module
    slot_end_s: FloatArray  # [M]
    slot_bits: FloatArray  # [M] heard of it
    compute_start_s: FloatArray  # [M]
    compute_end_s: FloatArray  # [M] stopped at the limit
    compute_done: FloatArray  # [M] fraction of the work done
    computed_s: FloatArray  # [M] when the UE has computed all its modules, or gives up
    ready: BoolArray  # [M] the UE had all its modules computed in time

    def upload_start_s(self, barrier: bool) -> FloatArray:
        """[M] when uploads start: under the barrier together, once everybody is ready or has given up."""
        if barrier and len(self.computed_s):
            return np.full(len(self.computed_s), self.computed_s.max())
        return self.computed_s


def timetable(
    ue: IntArray, module: IntArray, cell: Cell, rules: Rules, payload_bits: FloatArray
) -> Timetable:
    """Times of the rows (`ue`, `module`), shapes [M]; `payload_bits` is the modules' [N].

    A module is multicast at the rate of its worst subscriber over the whole downlink band, one module
    after the other. A UE computes its modules one after the other, once its last download is through,
    until the limit.
    """
    rows = len(ue)
    limit = rules.compute_limit_s if rules.barrier else rules.deadline_s
    slot_start, slot_end = np.empty(rows), np.empty(rows)
    at = 0.0
    if rules.w0_every_round and rows:
        at = rules.foundation_bits / (rules.downlink_hz * float(cell.downlink_efficiency[ue].min()))
    for number in np.unique(module):
        mine = module == number
        worst = float(cell.downlink_efficiency[ue[mine]].min())
        slot_start[mine] = at
        at += float(payload_bits[number]) / (rules.downlink_hz * worst)
        slot_end[mine] = at
    heard = np.clip((limit - slot_start) / (slot_end - slot_start), 0.0, 1.0)  # a broadcast ends at the limit
    _, first, per_ue = np.unique(ue, return_index=True, return_counts=True)
    downloaded = np.repeat(_group_max(slot_end, first), per_ue)
    turn = np.arange(rows) - np.repeat(first, per_ue)  # 0, 1, ... within each UE
    one_s = cell.compute_s[ue]
    begin = np.minimum(downloaded + turn * one_s, limit)
    done = begin + one_s
    fraction = np.where(done <= limit, 1.0, np.clip((limit - begin) / one_s, 0.0, 1.0))
    end = np.minimum(done, limit)
    return Timetable(
        slot_start_s=np.minimum(slot_start, limit),
        slot_end_s=np.minimum(slot_end, limit),
        slot_bits=payload_bits[module] * heard,
        compute_start_s=begin,
        compute_end_s=end,
        compute_done=fraction,
        computed_s=np.repeat(_group_max(end, first), per_ue),
        ready=np.repeat(_group_max(done, first) <= limit, per_ue),
    )


def _group_max(values: FloatArray, first: IntArray) -> FloatArray:
    """Largest value of each group; group g starts at index first[g]."""
    return np.maximum.reduceat(values, first) if len(values) else np.empty(0)
