"""What of a round is fixed by its plan: broadcasts and computing, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.simulation.state import Fleet, Links, Rules
from netsim.simulation.uploads.table import group_starts
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
    efficiency = links.downlink_efficiency[ue]
    slot_start, slot_end = _slots(
        gnb,
        module,
        payload_bits,
        efficiency=efficiency,
        downlink_hz=rules.downlink_hz,
        foundation_bits=foundation_bits,
    )
    heard = np.clip((limit_s - slot_start) / (slot_end - slot_start), 0.0, 1.0)

    first = group_starts(ue)
    per_ue = np.diff(np.append(first, len(ue)))
    downloaded = np.repeat(_group_max(slot_end, first), per_ue)
    turn = np.arange(len(ue)) - np.repeat(first, per_ue)  # 0, 1, ... within each UE
    one_s = fleet.compute_s[ue]
    begin = np.minimum(downloaded + turn * one_s, limit_s)
    done = begin + one_s
    part = np.clip((limit_s - begin) / one_s, 0.0, 1.0)
    end = np.minimum(done, limit_s)
    computed = np.repeat(_group_max(end, first), per_ue)
    return Timetable(
        slot_start_s=np.minimum(slot_start, limit_s),
        slot_end_s=np.minimum(slot_end, limit_s),
        slot_bits=payload_bits * heard,
        downloaded_s=np.minimum(downloaded, limit_s),
        compute_start_s=begin,
        compute_end_s=end,
        compute_done=np.where(done <= limit_s, 1.0, part),
        computed_s=computed,
        upload_start_s=latest_in_cell(gnb, computed) if rules.barrier else computed,
        ready=np.repeat(_group_max(done, first) <= limit_s, per_ue),
    )


def latest_in_cell(cell: IntArray, times_s: FloatArray) -> FloatArray:
    """For each row the latest time of its cell's. [M]."""
    if not len(cell):
        return times_s
    latest_s = np.full(int(cell.max()) + 1, -np.inf)
    np.maximum.at(latest_s, cell, times_s)
    return latest_s[cell]


def _slots(
    gnb: IntArray,
    module: IntArray,
    payload_bits: FloatArray,
    *,
    efficiency: FloatArray,
    downlink_hz: float,
    foundation_bits: float,
) -> tuple[FloatArray, FloatArray]:
    """Start and end of the broadcast that each row hears, [M], [M]."""
    if not len(gnb):
        return np.empty(0), np.empty(0)
    modules = int(module.max()) + 1
    key, row = np.unique(gnb * modules + module, return_inverse=True)  # one broadcast each
    worst = np.full(len(key), np.inf)
    np.minimum.at(worst, row, efficiency)
    size = np.zeros(len(key))
    np.maximum.at(size, row, payload_bits)
    length = size / (downlink_hz * worst)
    end = np.cumsum(length)

    site, first = np.unique(key // modules, return_index=True)
    cell = np.searchsorted(site, key // modules)
    begin = (end - length)[first]  # of each gNB, in the sum over all of them
    lowest = np.full(len(site), np.inf)
    np.minimum.at(lowest, cell, worst)
    foundation_s = foundation_bits / (downlink_hz * lowest)
    shift = (foundation_s - begin)[cell]
    return (end - length + shift)[row], (end + shift)[row]


def _group_max(values: FloatArray, first: IntArray) -> FloatArray:
    """Largest value of each group; group g starts at index first[g]."""
    return np.maximum.reduceat(values, first) if len(values) else np.empty(0)
