"""Memory of large arrays, which the C library would give back and fetch again each time."""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 1 << 28
OLD_KEPT_BYTES = 1 << 25  # as much as glibc before 2.35 takes as M_MMAP_THRESHOLD


def keep_memory() -> None:
    """Let this process keep what it frees, up to KEPT_BYTES at the end of its heap.

    Else it would fetch the pages of large arrays from the system again each time: a seventh of the
    time of a million UEs, a tenth of that of training.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library than glibc
        set_option = ctypes.CDLL(None).mallopt
        if not set_option(M_MMAP_THRESHOLD, KEPT_BYTES):
            set_option(M_MMAP_THRESHOLD, OLD_KEPT_BYTES)
        set_option(M_TRIM_THRESHOLD, KEPT_BYTES)
