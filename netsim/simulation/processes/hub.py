"""What UEs, gNBs and the core share: the event that opens the next round, and the UEs' reports."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from simpy.events import Event, Process

from netsim.simulation.clock import Clock
from netsim.simulation.state import Errand, Round
from netsim.units import IntArray


@dataclass
class Watch:
    """What a gNB waits for in a round."""

    computing: int  # UEs that have not reported
    sending: int  # uploads that have not ended
    wanted: int | None  # arrivals after which it closes; None: it waits for all
    computed: Event  # everybody is ready or has given up
    finished: Event  # and every upload has ended
    filled: Event  # so many have arrived that the round closes
    granted: Event  # uploads may start
    arrived: int = 0

    def report_computed(self) -> None:
        """A UE is ready, or has given up at the limit."""
        self.computing -= 1
        self.look()

    def report_ended(self, arrived: bool) -> None:
        """An upload has ended."""
        self.sending -= 1
        self.arrived += arrived
        self.look()

    def look(self) -> None:
        """Let the events fire that have come true."""
        done = self.computing <= 0
        if done and not self.computed.triggered:
            self.computed.succeed()
        if done and self.sending <= 0 and not self.finished.triggered:
            self.finished.succeed()
        if self.wanted is not None and self.arrived >= self.wanted and not self.filled.triggered:
            self.filled.succeed()


@dataclass
class Hub:
    """One for a run."""

    clock: Clock
    barrier: bool
    opened: Event = field(init=False)
    round: Round | None = field(default=None, init=False)  # in progress
    agenda: dict[int, Errand] = field(default_factory=dict, init=False)  # of its UEs
    sent: list[Event] = field(default_factory=list, init=False)  # [M] the upload has ended
    watches: list[Watch] = field(default_factory=list, init=False)  # [G]
    ues: list[Process] = field(default_factory=list, init=False)  # [K]

    def __post_init__(self) -> None:
        self.opened = self.clock.event()

    def open(self, round_: Round) -> None:
        """Tell all waiting UEs; the next round gets an event of its own."""
        self.round, self.agenda = round_, round_.agenda()
        self.sent = [self.clock.event() for _ in range(len(round_.uploads))]
        for row in np.flatnonzero(round_.uploads.ended_by(round_.start_s)).tolist():
            self.sent[row].succeed(row)  # while no round was open
        self.watches = self._watches(round_)
        opened, self.opened = self.opened, self.clock.event()
        opened.succeed(round_)

    def _watches(self, round_: Round) -> list[Watch]:
        """Count what is still to come, and what came while no round was open."""
        uploads, event = round_.uploads, self.clock.event
        first = np.diff(uploads.ue, prepend=-1) > 0
        ended = uploads.ended_by(round_.start_s)
        counts = zip(
            round_.per_cell(first & round_.own).tolist(),
            round_.per_cell(uploads.ready & ~ended).tolist(),
            round_.per_cell(uploads.ready & ended & ~uploads.outage).tolist(),
            strict=True,
        )
        watches = [
            Watch(
                computing=computing,
                sending=sending,
                wanted=round_.plan.close_after,
                computed=event(),
                finished=event(),
                filled=event(),
                granted=event(),
                arrived=arrived,
            )
            for computing, sending, arrived in counts
        ]
        for watch in watches:
            watch.look()
        return watches

    def report_computed(self, cell: int) -> None:
        """A UE of a gNB is ready, or has given up at the limit."""
        self.watches[cell].report_computed()

    def end_upload(
        self,
        row: int,
        time_s: float,
    ) -> None:
        """The upload of a row is known to end at `time_s`: then its UE and its gNB notice."""
        event = self.sent[row]
        assert event.callbacks is not None
        event.callbacks.insert(0, self._notice)
        self.clock.fire(event, time_s, row)

    def _notice(self, event: Event) -> None:
        """A gNB notices that an upload has ended, if its round is not over."""
        row = event.value
        assert isinstance(row, int)
        if row < len(self.sent) and self.sent[row] is event:
            assert self.round is not None
            lost = bool(self.round.uploads.outage[row])
            self.watches[int(self.round.cell[row])].report_ended(not lost)

    def recall(self, ues: IntArray) -> None:
        """The round is over: UEs still at work wait for the next, which takes up their errands."""
        for ue in np.unique(ues).tolist():
            self.ues[ue].interrupt()
