"""What UEs, gNBs and the core share: calls of UEs to a round, and what gNBs wait for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from simpy.events import Event, Process

from netsim.arrays import group_starts
from netsim.simulation.clock import Clock
from netsim.simulation.state import Round
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


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
            clock.fire([self.filled], np.sort(arrival_s)[last - 1 : last], [None])

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


@dataclass
class Hub:
    """One for a run."""

    clock: Clock
    barrier: bool
    round: Round | None = field(default=None, init=False)  # in progress
    calls: dict[int, Event] = field(default_factory=dict, init=False)  # that UEs wait for
    watches: list[Watch] = field(default_factory=list, init=False)  # [G]
    ues: dict[int, Process] = field(default_factory=dict, init=False)  # by number

    def call(self, ue: int) -> Event:
        """Fires when a UE that takes part in a round has computed; its value is who watches."""
        event = self.calls[ue] = Event(self.clock)
        return event

    def open(self, round_: Round) -> None:
        """Call the UEs of the round's plan."""
        self.round = round_
        uploads = round_.uploads
        first = group_starts(uploads.ue)
        own = first[round_.own[first]]
        self.watches = self._watches(round_, own)
        own = own[np.argsort(uploads.computed_s[own], kind="stable")]
        self.clock.fire(
            [self.calls[ue] for ue in uploads.ue[own].tolist()],
            np.maximum(uploads.computed_s[own], round_.start_s),
            [self.watches[cell] for cell in round_.cell[own].tolist()],
        )

    def _watches(self, round_: Round, own: IntArray) -> list[Watch]:
        """Count what is still to come, and what came while no round was open.

        own: first rows of the UEs that are to report.
        """
        uploads, event = round_.uploads, self.clock.event
        ended = uploads.ended_by(round_.start_s)
        counts = zip(
            round_.per_cell(own).tolist(),
            round_.per_cell(uploads.ready & ~ended).tolist(),
            round_.per_cell(ended & uploads.ready & ~uploads.outage).tolist(),
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
        """The uploads `rows` are known to end: then their gNBs notice."""
        assert self.round is not None
        end_s = uploads.end_s[rows]
        cell, arrives = self.round.cell[rows], ~uploads.outage[rows]
        for number in np.bincount(cell).nonzero()[0].tolist():
            mine = cell == number
            self.watches[number].expect(
                self.clock,
                end_s[mine],
                end_s[mine & arrives],
            )

    def recall(self) -> None:
        """The round is over: UEs that still compute report to nobody."""
        assert self.round is not None
        computing = self.round.own & (self.round.uploads.computed_s > self.clock.now)
        for ue in np.unique(self.round.uploads.ue[computing]).tolist():
            self.ues[ue].interrupt()
