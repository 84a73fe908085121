"""The clock: a SimPy environment with absolute times and, for tests, shuffled ties."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count, islice, repeat
from typing import Any

import numpy as np
import simpy
from simpy.events import NORMAL, Event

from netsim.arrays import ascending
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
        if tie_seed is not None:
            self._eid = _shuffled(tie_seed)  # type: ignore[assignment]

    def at(self, time_s: float) -> Moment:
        """An event that fires at `time_s`, which must not lie in the past."""
        if time_s < self._now:
            raise ValueError(f"time {time_s!r} s lies before now, {self._now!r} s")
        return Moment(self, time_s)

    def fire(
        self,
        events: Iterable[Event],
        times_s: FloatArray,
        values: Iterable[Any] | None = None,
    ) -> None:
        """Let events that others may wait for already fire at `times_s`, with values."""
        if times_s.min(initial=np.inf) < self._now:
            raise ValueError(f"times {times_s} s lie before now, {self._now!r} s")
        if values is None:
            values = repeat(None, len(times_s))
        numbers, due = islice(self._eid, len(times_s)), []
        for time_s, event, value, number in ascending(times_s, events, values, numbers):
            event._ok, event._value = True, value
            due.append((time_s, NORMAL, number, event))
        queue = self._queue
        if len(due) < len(queue):
            for entry in due:
                heappush(queue, entry)
        else:
            queue += due
            heapify(queue)

    def run_until(self, last: Event) -> None:
        """Process events up to `last`, as `run` does, in one loop. Raises what processes raise."""
        queue = self._queue
        while last.callbacks is not None:
            if not queue:
                raise RuntimeError("no event is left that could lead to the one waited for")
            self._now, _, _, event = heappop(queue)
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
            for callback in callbacks:
                callback(event)
            if not event._ok and not event.defused:
                raise event._value


def _shuffled(seed: int) -> Iterator[int]:
    """Unique numbers in random order (the low part keeps them unique)."""
    generator = np.random.default_rng(seed)
    for low in count():
        yield int(generator.integers(2**40)) << 64 | low
