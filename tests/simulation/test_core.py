"""The clock fires at exactly the time asked for."""

from __future__ import annotations

import numpy as np
import pytest
from simpy.events import Event

from netsim.simulation.clock import Clock


@pytest.mark.parametrize("tie_seed", [None, 3])
def test_absolute_times_are_exact(tie_seed: int | None) -> None:
    clock, seen = Clock(tie_seed), []
    times = [0.1 + 0.2, 0.7, 1e6 / 3]

    def process():  # type: ignore[no-untyped-def]
        for time_s in times:
            yield clock.at(time_s)
            seen.append(clock.now)

    clock.process(process())
    clock.run()
    assert seen == times


def test_the_past_is_refused() -> None:
    clock = Clock()
    clock.run(until=2.0)
    with pytest.raises(ValueError, match=r"time 1\.0 s lies before now, 2\.0 s"):
        clock.at(1.0)


def test_ties_are_shuffled() -> None:
    orders = set()
    for seed in range(6):
        clock, order = Clock(seed), []

        # type: ignore[no-untyped-def]
        def process(name: int, clock: Clock = clock, order: list[int] = order):
            yield clock.at(1.0)
            order.append(name)

        for name in range(5):
            clock.process(process(name))
        clock.run()
        orders.add(tuple(order))
    assert len(orders) > 1


@pytest.mark.parametrize("tie_seed", [None, 3])
def test_what_fires_takes_its_turn_among_all_events(tie_seed: int | None) -> None:
    clock, seen = Clock(tie_seed), []

    # type: ignore[no-untyped-def]
    def waiting(event: Event):
        value = yield event
        seen.append((clock.now, value))

    def fire(*times_s: float) -> None:
        events = [Event(clock) for _ in times_s]
        for event in events:
            clock.process(waiting(event))
        clock.fire(events, np.array(times_s), [f"fired for {time_s}" for time_s in times_s])

    fire(1.0, 2.0, 4.0)
    clock.process(waiting(clock.at(3.0)))
    fire(0.5, 2.5, 5.0)
    clock.run_until(clock.at(2.25))
    fire(2.25, 4.5)
    clock.run_until(clock.at(6.0))
    assert [time_s for time_s, _ in seen] == [0.5, 1.0, 2.0, 2.25, 2.5, 3.0, 4.0, 4.5, 5.0]
    fired = [f"fired for {time_s}" for time_s, value in seen if value is not None]
    assert fired == [value for _, value in seen if value is not None]
    with pytest.raises(ValueError, match="lie before now"):
        fire(5.0)
