"""The clock: a SimPy environment with absolute times and, for tests, shuffled ties."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from heapq import heappop, heappush
from itertools import repeat
from typing import Any

import numpy as np
import simpy
from simpy.events import NORMAL, Event

from netsim.rng import shuffled_numbers
from netsim.units import FloatArray

ProcessGenerator = Generator[Event, Any, None]


class Moment(Event):
    """A point in simulated time: an event that is sure to fire then."""

    def __init__(self, clock: Clock, time_s: float) -> None:
        self.env = clock
        self.callbacks = []
        self._ok = True
        self._value = None
        heappush(clock._queue, (time_s, NORMAL, next(clock._eid), self))


class Clock(simpy.Environment):
    """Simulated time in seconds.

    `at(t)` fires at exactly t: `timeout(t - now)` would fire at now + (t - now), which rounding can
    put beside t. No outcome may depend on the order of events at one time; with `tie_seed` that
    order is shuffled, which must change no record (a test).
    """

    def __init__(
        self,
        tie_seed: int | None = None,
        begin_s: float = 0.0,
    ) -> None:
        super().__init__(begin_s)
        self._due: list[Any] = []  # entries as the queue has them, the last one first
        if tie_seed is not None:
            self._eid = shuffled_numbers(tie_seed)  # type: ignore[assignment]

    def at(self, time_s: float) -> Moment:
        """An event that fires at `time_s`, which must not lie in the past."""
        if time_s < self._now:
            raise ValueError(f"time {time_s!r} s lies before now, {self._now!r} s")
        return Moment(self, time_s)

    def fire(
        self,
        events: Sequence[Event],
        times_s: FloatArray,
        values: Sequence[Any],
    ) -> None:
        """Let events that others may wait for already fire at `times_s`, ascending, with values.

        They stand in line, which takes less time than a heap; only `run_until` comes to them.
        """
        if times_s.min(initial=np.inf) < self._now:
            raise ValueError(f"times {times_s} s lie before now, {self._now!r} s")
        for event, value in zip(events, values, strict=True):
            event._ok, event._value = True, value
        self._due += zip(times_s.tolist(), repeat(NORMAL), self._eid, events)
        self._due.sort(reverse=True)

    def run_until(self, last: Event) -> None:
        """Process events up to `last`, as `run` does, in one loop. Raises what processes raise."""
        queue, due = self._queue, self._due
        while last.callbacks is not None:
            if due and not (queue and queue[0] < due[-1]):
                self._now, _, _, event = due.pop()
            elif queue:
                self._now, _, _, event = heappop(queue)
            else:
                raise RuntimeError("no event is left that could lead to the one waited for")
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks:
                callback(event)
            if not event._ok and not event.defused:
                raise event._value
