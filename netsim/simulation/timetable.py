"""What of a round is fixed by its plan: broadcasts and computing, before anything goes on the
air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.simulation.state import Fleet, Links, Rules, group_starts
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Timetable:
    """Seconds from the start at the gNB, for M rows (UE, module) ordered by UE."""

    slot_start_s: FloatArray  # [M] broadcast of the module
    slot_end_s: FloatArray  # [M]
    slot_bits: FloatArray  # [M] heard of it
    compute_start_s: FloatArray  # [M]
    compute_end_s: FloatArray  # [M] stopped at the limit
    compute_done: FloatArray  # [M] fraction of the work done
    computed_s: FloatArray  # [M] when the UE has computed all its modules, or gives up
    upload_start_s: FloatArray  # [M] the same, or under the barrier when everybody at its gNB has
    ready: BoolArray  # [M] the UE had all its modules computed in time


def timetable(
    ue: IntArray,
    module: IntArray,
    fleet: Fleet,
    links: Links,
    rules: Rules,
    payload_bits: FloatArray,
) -> Timetable:
    """Times of the rows (`ue`, `module`) of `payload_bits`, shapes [M].

    A gNB multicasts a module at the rate of its worst subscriber over the whole downlink band, one
    module after the other; lower ranks are its first part. A UE computes its modules one after the
    other, once its last download is through, until the limit.
    """
    rows = len(ue)
    limit = rules.compute_limit_s if rules.barrier else np.inf if rules.stale else rules.deadline_s
    gnb = links.gnb[ue]
    slot_start, slot_end = _slots(gnb, module, links.downlink_efficiency[ue], rules, payload_bits)
    heard = np.clip(
        (limit - slot_start) / (slot_end - slot_start), 0.0, 1.0
    )  # a broadcast ends at the limit
    first = group_starts(ue)
    per_ue = np.diff(np.append(first, rows))
    downloaded = np.repeat(_group_max(slot_end, first), per_ue)
    turn = np.arange(rows) - np.repeat(first, per_ue)  # 0, 1, ... within each UE
    one_s = fleet.compute_s[ue]
    begin = np.minimum(downloaded + turn * one_s, limit)
    done = begin + one_s
    fraction = np.where(done <= limit, 1.0, np.clip((limit - begin) / one_s, 0.0, 1.0))
    end = np.minimum(done, limit)
    computed = np.repeat(_group_max(end, first), per_ue)
    start = computed
    if rules.barrier and rows:
        latest = np.full(int(gnb.max()) + 1, -np.inf)
        np.maximum.at(latest, gnb, computed)
        start = latest[gnb]
    return Timetable(
        slot_start_s=np.minimum(slot_start, limit),
        slot_end_s=np.minimum(slot_end, limit),
        slot_bits=payload_bits * heard,
        compute_start_s=begin,
        compute_end_s=end,
        compute_done=fraction,
        computed_s=computed,
        upload_start_s=start,
        ready=np.repeat(_group_max(done, first) <= limit, per_ue),
    )


def _slots(
    gnb: IntArray, module: IntArray, efficiency: FloatArray, rules: Rules, payload_bits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Start and end of the broadcast that each row hears, [M], [M]."""
    if not len(gnb):
        return np.empty(0), np.empty(0)
    modules = int(module.max()) + 1
    key, row = np.unique(gnb * modules + module, return_inverse=True)  # one broadcast each
    worst, size = np.full(len(key), np.inf), np.zeros(len(key))
    np.minimum.at(worst, row, efficiency)
    np.maximum.at(size, row, payload_bits)
    length = size / (rules.downlink_hz * worst)
    end = np.cumsum(length)
    site, first = np.unique(key // modules, return_index=True)
    cell = np.searchsorted(site, key // modules)
    begin = (end - length)[first]  # of each gNB, in the sum over all of them
    at = np.zeros(len(site))
    if rules.w0_every_round:
        lowest = np.full(len(site), np.inf)
        np.minimum.at(lowest, cell, worst)
        at = rules.foundation_bits / (rules.downlink_hz * lowest)
    shift = (at - begin)[cell]
    return (end - length + shift)[row], (end + shift)[row]


def _group_max(values: FloatArray, first: IntArray) -> FloatArray:
    """Largest value of each group; group g starts at index first[g]."""
    return np.maximum.reduceat(values, first) if len(values) else np.empty(0)
