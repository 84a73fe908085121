"""Python's garbage collector in a command or a run: it need not come by as often as it does.

A run makes some events for each UE and upload. They are in no cycle and go by themselves, but while
they are there all are looked through each time that 700 more have come: half of the time of a round
of a hundred thousand UEs. So are the objects of libraries: a fifth of the time that loading them
takes. Rounds leave nothing in cycles (tests/test_collecting.py); what plug-ins leave goes with
`collect_now_and_then`, and a run that is over before the next one begins.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

PYTHONS_OWN = (700, 10, 10)
COMMAND = 200_000
MANY = 50_000  # objects that a block has left, which take long to look through
RUN = 50_000_000
"""So many objects more than before. Events of a million UEs are fewer."""
ROUNDS = 10
RUNS_S = 2.0
"""To look through all takes some 0.1 s."""


class _Runs:
    """What runs of this process have come to since all was looked through."""

    spent_s = 0.0


@contextmanager
def collecting_rarely(after: int) -> Iterator[None]:
    """While the block runs, garbage in cycles is looked for when there are `after` more objects.

    A process that has its own, rarer thresholds keeps them; so does one that collects by hand.
    """
    before = gc.get_threshold()
    if 0 < before[0] < after:
        gc.set_threshold(after, 50, 1000)
    try:
        yield
    finally:
        _take_as_old()
        gc.set_threshold(*before)


def _take_as_old() -> None:
    """What has come counts as old without a look at it, which of a million UEs would take long.

    Of little that has come the look is quick, and to count what is frozen may take longer.
    """
    if gc.get_count()[0] > MANY and not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()


@contextmanager
def running() -> Iterator[None]:
    """A run is made in the block. First what runs before it have left goes, if they took long."""
    if _Runs.spent_s > RUNS_S and gc.isenabled():
        gc.collect()
        _Runs.spent_s = 0.0
    begin_s = time.monotonic()
    try:
        with collecting_rarely(RUN):
            yield
    finally:
        _Runs.spent_s += time.monotonic() - begin_s


def collect_now_and_then(round: int) -> None:
    """To be called after each round of a run: of every ten, one looks through what has come."""
    is_due = round % ROUNDS == ROUNDS - 1
    if is_due and gc.isenabled():
        gc.collect(1)
