"""What UEs, gNBs and the core share: the event that opens the next round, and the UEs' reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from simpy.events import Event, Process

from netsim.arrays import group_starts
from netsim.simulation.clock import Clock
from netsim.simulation.state import Round
from netsim.simulation.uploads.table import Uploads
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class Watch:
    """What a gNB waits for in a round."""

    computing: int  # UEs that have not reported
    sending: int  # uploads that have not ended
    wanted: int | None  # arrivals after which it closes; None: it waits for all
    computed: Event  # everybody is ready or has given up
    finished: Event  # and every upload has ended
    filled: Event  # so many have arrived that the round closes
    arrived: int = 0

    def report_computed(self) -> None:
        """A UE is ready, or has given up at the limit."""
        self.computing -= 1
        if self.computing == 0:
            self.look()

    def expect(
        self,
        clock: Clock,
        end_s: FloatArray,
        arrival_s: FloatArray,
    ) -> None:
        """Uploads are known to end at `end_s`; those of them that arrive do at `arrival_s`."""
        ends = clock.at(float(end_s.max()))
        assert ends.callbacks is not None
        ends.callbacks.append(partial(self._end, len(end_s)))
        before, self.arrived = self.arrived, self.arrived + len(arrival_s)
        if self.wanted is not None and before < self.wanted <= self.arrived:
            last = self.wanted - before
            clock.fire([self.filled], np.sort(arrival_s)[last - 1 : last])

    def _end(self, count: int, _event: Event) -> None:
        """So many uploads have ended."""
        self.sending -= count
        self.look()

    def look(self) -> None:
        """Let the events fire that have come true."""
        done = self.computing <= 0
        if done and not self.computed.triggered:
            self.computed.succeed()
        if done and self.sending <= 0 and not self.finished.triggered:
            self.finished.succeed()


Errand = tuple[int, bool, list[Event]]
"""One UE's part in a round.

(position of its gNB among the round's, begun in this round, ends of its uploads).
"""


@dataclass
class Hub:
    """One for a run."""

    clock: Clock
    barrier: bool
    round: Round | None = field(default=None, init=False)  # in progress
    calls: dict[int, Event] = field(default_factory=dict, init=False)  # that UEs wait for
    sent: list[Event] = field(default_factory=list, init=False)  # [M] the upload has ended
    watches: list[Watch] = field(default_factory=list, init=False)  # [G]
    ues: list[Process] = field(default_factory=list, init=False)  # [K]

    def call(self, ue: int) -> Event:
        """Fires when a UE that takes part in a round has computed; its value is the errand."""
        event = self.calls[ue] = Event(self.clock)
        return event

    def open(self, round_: Round) -> None:
        """Tell all waiting UEs."""
        self.round = round_
        uploads = round_.uploads
        first = group_starts(uploads.ue)
        self.sent = [Event(self.clock) for _ in range(len(uploads))]
        ended = uploads.ended_by(round_.start_s)
        for row in np.flatnonzero(ended).tolist():
            self.sent[row].succeed()  # while no round was open
        self.watches = self._watches(round_, first, ended)
        self.clock.fire(
            [self.calls[ue] for ue in uploads.ue[first].tolist()],
            np.maximum(uploads.computed_s[first], round_.start_s),
            self._errands(round_, first),
        )

    def _errands(self, round_: Round, first: IntArray) -> list[Errand]:
        """What each UE with something to do has to do; their rows begin at `first`."""
        facts = zip(
            round_.cell[first].tolist(),
            round_.own[first].tolist(),
            round_.uploads.ready[first].tolist(),
            first.tolist(),
            [*first[1:].tolist(), len(self.sent)],
            strict=True,
        )
        return [
            (cell, begun_now, self.sent[start:stop] if ready else [])
            for cell, begun_now, ready, start, stop in facts
        ]

    def _watches(
        self,
        round_: Round,
        first: IntArray,
        ended: BoolArray,
    ) -> list[Watch]:
        """Count what is still to come, and what came while no round was open."""
        uploads, event = round_.uploads, self.clock.event
        own = first[round_.own[first]]
        counts = zip(
            round_.per_cell(own).tolist(),
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
                arrived=arrived,
            )
            for computing, sending, arrived in counts
        ]
        for watch in watches:
            watch.look()
            if watch.wanted is not None and watch.arrived >= watch.wanted:
                watch.filled.succeed()
        return watches

    def end_uploads(self, uploads: Uploads, rows: IntArray) -> None:
        """The uploads `rows` are known to end: then their UEs and their gNBs notice."""
        assert self.round is not None
        end_s = uploads.end_s[rows]
        self.clock.fire([self.sent[row] for row in rows.tolist()], end_s)
        cell, arrives = self.round.cell[rows], ~uploads.outage[rows]
        for number in np.flatnonzero(np.bincount(cell)).tolist():
            mine = cell == number
            self.watches[number].expect(
                self.clock,
                end_s[mine],
                end_s[mine & arrives],
            )

    def recall(self) -> None:
        """The round is over: UEs still at work wait for the next, which takes up their errands."""
        assert self.round is not None
        waiting = [not event.processed for event in self.sent]
        for ue in np.unique(self.round.uploads.ue[waiting]).tolist():
            self.ues[ue].interrupt()
