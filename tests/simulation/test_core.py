"""The clock fires at exactly the time asked for."""

from __future__ import annotations

import pytest

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
