"""UEs that leave: their downloads and computing are broken off."""

from __future__ import annotations

import numpy as np

from netsim.arrays import group_starts, largest_in_group
from netsim.device.timing import part_done
from netsim.simulation.uploads.table import Uploads
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
    whole = np.logical_and.reduceat(
        done >= 1.0,
        first,
    )
    uploads.ready = uploads.ready & np.repeat(whole, per_ue)
    free_s = uploads.computed_s
    if barrier:
        free_s = largest_in_group(free_s, uploads.gnb)
    uploads.upload_start_s = free_s + uploads.access_s


def leave_for_good(uploads: Uploads, leave_s: FloatArray, barrier: bool) -> None:
    """UEs end what they do, sending included, at `leave_s` [M]."""
    cut_short(uploads, leave_s, barrier)
    uploads.stop_s = np.minimum(uploads.stop_s, leave_s)
    uploads.upload_start_s = np.minimum(uploads.upload_start_s, uploads.stop_s)


def break_off(uploads: Uploads, until_s: FloatArray) -> FloatArray:
    """End downloads and computing at `until_s` [M]. [M] part of the computing that was done."""
    heard = part_done(uploads.slot_start_s, uploads.slot_end_s, until_s)
    done = part_done(uploads.compute_start_s, uploads.compute_end_s, until_s)
    uploads.slot_bits = uploads.slot_bits * heard
    uploads.compute_done = uploads.compute_done * done
    uploads.slot_start_s = np.minimum(uploads.slot_start_s, until_s)
    uploads.slot_end_s = np.minimum(uploads.slot_end_s, until_s)
    uploads.compute_start_s = np.minimum(uploads.compute_start_s, until_s)
    uploads.compute_end_s = np.minimum(uploads.compute_end_s, until_s)
    uploads.downloaded_s = np.minimum(uploads.downloaded_s, until_s)
    uploads.computed_s = np.minimum(uploads.computed_s, until_s)
    return done
