"""UEs that stop what they do: downloads and computing broken off in the middle."""

from __future__ import annotations

import numpy as np

from netsim.simulation.timetable import latest_in_cell
from netsim.simulation.uploads.table import Uploads, group_starts
from netsim.units import FloatArray


def cut_short(
    uploads: Uploads,
    leave_s: FloatArray,
    barrier: bool,
) -> None:
    """UEs leave at `leave_s` [M]; those that have not computed all by then are not ready."""
    done = break_off(uploads, leave_s)
    first = group_starts(uploads.ue)
    per_ue = np.diff(np.append(first, len(uploads)))
    whole = np.logical_and.reduceat(done >= 1.0, first)
    uploads.ready = uploads.ready & np.repeat(whole, per_ue)
    uploads.upload_start_s = uploads.computed_s
    if barrier:
        uploads.upload_start_s = latest_in_cell(uploads.gnb, uploads.computed_s)


def break_off(uploads: Uploads, until_s: FloatArray) -> FloatArray:
    """End downloads and computing at `until_s` [M]. [M] part of the computing that was done."""
    heard = _part_done(uploads.slot_start_s, uploads.slot_end_s, until_s)
    done = _part_done(uploads.compute_start_s, uploads.compute_end_s, until_s)
    uploads.slot_bits = uploads.slot_bits * heard
    uploads.compute_done = uploads.compute_done * done
    uploads.slot_start_s = np.minimum(uploads.slot_start_s, until_s)
    uploads.slot_end_s = np.minimum(uploads.slot_end_s, until_s)
    uploads.compute_start_s = np.minimum(uploads.compute_start_s, until_s)
    uploads.compute_end_s = np.minimum(uploads.compute_end_s, until_s)
    uploads.downloaded_s = np.minimum(uploads.downloaded_s, until_s)
    uploads.computed_s = np.minimum(uploads.computed_s, until_s)
    return done


def _part_done(
    start_s: FloatArray,
    end_s: FloatArray,
    leave_s: FloatArray,
) -> FloatArray:
    """Part of each activity that is over at `leave_s`: 0 or 1 of one that takes no time."""
    length_s = end_s - start_s
    at_once = np.where(leave_s >= end_s, 1.0, 0.0)
    broken = (length_s > 0) & (leave_s < end_s)
    part = np.divide(
        leave_s - start_s,
        length_s,
        out=at_once,
        where=broken,
    )
    return np.asarray(np.clip(part, 0.0, 1.0))
