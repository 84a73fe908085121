"""Python's garbage collector in a command or a run: it need not come by as often as it does.

A run makes an event or two for each UE and upload. Few of them are in a cycle, but all are looked
through each time that 700 more are there than before: a third of the time of a round of a hundred
thousand UEs. So are the objects of libraries: a fifth of the time that loading them takes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (200_000, 50, 1000)
"""As `gc.set_threshold` takes them. Garbage in cycles may come to some 100 MiB before it goes."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """While the block runs, garbage in cycles is looked for rarely, if at all.

    A process that has its own, rarer thresholds keeps them; so does one that collects by hand.
    """
    before = gc.get_threshold()
    gc.collect(1)  # what a run before this one has left; old objects are not looked through
    if 0 < before[0] < THRESHOLDS[0]:
        gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
