"""A gNB in a round: grants the uplink, closes at the deadline, aggregates, passes its aggregate
on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from simpy.events import Event

from netsim.records import ON_TIME
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.state import RoundState, bits_once


@dataclass
class Hub:
    """What UEs, gNBs and the core share: the event that opens the next round, and the UEs'
    reports.
    """

    clock: Clock
    barrier: bool
    opened: Event = field(init=False)
    computed: list[Event] = field(
        default_factory=list, init=False
    )  # [G] everybody is ready or has given up
    finished: list[Event] = field(default_factory=list, init=False)  # [G] every upload is over
    filled: list[Event] = field(
        default_factory=list, init=False
    )  # [G] so many arrived that the round closes
    round: RoundState | None = field(default=None, init=False)  # in progress
    _computing: list[int] = field(
        default_factory=list, init=False
    )  # [G] UEs that have not reported
    _sending: list[int] = field(default_factory=list, init=False)  # [G] uploads that have not ended
    _arrived: list[int] = field(
        default_factory=list, init=False
    )  # [G] of a round that closes after so many

    def __post_init__(self) -> None:
        self.opened = self.clock.event()

    def open(self, round_: RoundState) -> None:
        """Tell all waiting UEs; the next round gets an event of its own."""
        size = len(round_.gnbs)
        self._computing = np.bincount(round_.cell[round_.first], minlength=size).tolist()
        self._sending = np.bincount(round_.cell[round_.ready], minlength=size).tolist()
        self.computed = [self.clock.event() for _ in range(size)]
        self.finished = [self.clock.event() for _ in range(size)]
        self.round = round_
        if round_.lineage is not None:
            self._take_up(round_, size)
        opened, self.opened = self.opened, self.clock.event()
        opened.succeed(round_)

    def _take_up(self, round_: RoundState, size: int) -> None:
        """Count what is still to come, and what came while no round was open."""
        ended = round_.airing.end_s <= round_.start_s
        self._computing = np.bincount(
            round_.cell[round_.first][round_.own[round_.first]], minlength=size
        ).tolist()
        self._sending = np.bincount(round_.cell[round_.ready & ~ended], minlength=size).tolist()
        here = round_.ready & ended & ~round_.airing.outage
        self._arrived = np.bincount(round_.cell[here], minlength=size).tolist()
        self.filled = [self.clock.event() for _ in range(size)]
        for cell in range(size):
            self._count(cell, 0)

    def _count(self, cell: int, more: int) -> None:
        """`more` uploads have arrived."""
        self._arrived[cell] += more
        assert self.round is not None
        enough = self.round.plan.close_after
        if enough is not None and self._arrived[cell] >= enough and not self.filled[cell].triggered:
            self.filled[cell].succeed()

    def computes(self, cell: int) -> bool:
        """Some UE of the gNB has not reported."""
        return self._computing[cell] > 0

    def sends(self, cell: int) -> bool:
        """Some upload of the gNB has not ended."""
        return self._sending[cell] > 0

    def report_computed(self, cell: int) -> None:
        """A UE is ready, or has given up at the limit."""
        self._computing[cell] -= 1
        if self._computing[cell] == 0:
            self.computed[cell].succeed()

    def report_sent(self, cell: int) -> None:
        """One upload is over."""
        self._sending[cell] -= 1
        if self._sending[cell] == 0:
            self.finished[cell].succeed()

    def report_arrived(self, cell: int) -> None:
        """One upload of a round that may close early is over, and was no outage."""
        self._count(cell, 1)


def gnb_process(
    clock: Clock,
    hub: Hub,
    round_: RoundState,
    cell: int,
    aggregation_s: float,
    passing_s: Callable[[float], float],
    idle_s: float,
) -> ProcessGenerator:
    """Waits for its UEs' reports, then takes the time to aggregate and to pass the aggregate to the
    core.

    `passing_s` gives that time from the aggregate's bits: each module that an update came for,
    once. A gNB with nobody scheduled passes the time until `idle_s`.
    """
    mine = round_.cell == cell
    if round_.lineage is not None and mine.any():
        yield from _collect(clock, hub, round_, cell)
    elif not mine.any():
        yield clock.at(idle_s)
    else:
        yield hub.computed[cell]
        sends = hub.sends(cell)
        if hub.barrier:
            round_.granted[cell].succeed()
        if sends:
            yield hub.finished[cell]
    yield clock.at(clock.now + aggregation_s)
    round_.close_s[cell] = clock.now
    arrived = np.flatnonzero(mine & (round_.outcome_now() == ON_TIME))
    one, module = np.zeros_like(arrived), round_.plan.module[arrived]
    round_.aggregate_bits[cell] = bits_once(one, module, round_.payload_bits[arrived], 1)[0]
    delay_s = passing_s(float(round_.aggregate_bits[cell]))
    if delay_s > 0:
        yield clock.at(clock.now + delay_s)
    round_.arrive_s[cell] = clock.now


def _collect(clock: Clock, hub: Hub, round_: RoundState, cell: int) -> ProcessGenerator:
    """Where uploads may outlast the round: waits for the last of them, for enough of them, or the
    deadline.

    Whichever is first; what has not ended by then goes on.
    """
    deadline_s = float(round_.deadline_s[round_.cell == cell][0])
    if clock.now < round_.open_s[cell]:
        yield clock.at(float(round_.open_s[cell]))
    if hub.barrier:
        if hub.computes(cell):
            yield hub.computed[cell]
        round_.granted[cell].succeed()
    if hub.sends(cell):
        ends = [hub.finished[cell], hub.filled[cell]]
        if np.isfinite(deadline_s):
            ends.append(clock.at(deadline_s))
        yield clock.any_of(ends)
    round_.cut_s[cell] = clock.now
    assert round_.afloat is not None
    round_.afloat.mark(cell, float(clock.now))
