"""How slow a machine is, so that what is measured in processor seconds on one holds on others."""

from __future__ import annotations

import time

STEPS = 200_000
QUICK_S = 0.010  # of a quick machine


def slowness() -> float:
    """How many times as long as on a quick machine a loop takes here and now; at least 1.

    Where neighbours share a core, or its clock falls, it may double from one minute to the next.
    """
    return max(1.0, min(_loop_s() for _ in range(5)) / QUICK_S)


def _loop_s() -> float:
    begun = time.process_time()
    total = 0
    for number in range(STEPS):
        total += number * number
    return time.process_time() - begun
