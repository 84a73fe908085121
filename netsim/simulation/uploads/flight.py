"""The uploads of a round in progress, step by step, and as they are at any time in a step.

A step follows uploads ahead of the clock: to the round's horizon in field mode, for a block in
network mode. A round may end within a step. Then uploads that ended by that time stay as they are,
and the others are taken back to the beginning of the step and followed up to that time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from netsim.simulation.uploads.advance import OnAir, advance, record_attempts
from netsim.simulation.uploads.segments import SegmentLog
from netsim.simulation.uploads.table import Uploads
from netsim.simulation.uploads.transfers import Transfers
from netsim.units import FloatArray, IntArray


@dataclass
class Flight:
    """Uploads on the air, and as they were when the last step began."""

    on_air: OnAir
    transfers: Transfers
    outlasts: bool  # uploads may outlast the round
    halted: bool = field(default=False, init=False)
    _before: Uploads | None = field(default=None, init=False)
    _logged: int = field(default=0, init=False)  # segments, when the last step began
    _then: tuple[float, OnAir] | None = field(default=None, init=False)  # last asked of `at`
    _cuts: dict[int, Uploads] = field(default_factory=dict, init=False)

    @property
    def uploads(self) -> Uploads:
        """All rows."""
        return self.on_air.uploads

    def next_step_s(self) -> tuple[float, float] | None:
        """Begin and end of the next step; None if nothing is left to be sent."""
        live = self.uploads.live
        if self.halted or not len(live):
            return None
        return self.on_air.air.next_step_s(self.uploads.start_s[live])

    def step(
        self,
        begin_s: float,
        end_s: float,
    ) -> IntArray:
        """Follow all uploads to the end of a step. Gives the rows that are over by it."""
        uploads = self.uploads
        live = uploads.live
        self._remember()
        self.transfers.carry_out(self.on_air, begin_s)
        if self.on_air.air.block_end_s is None:
            while (moment_s := self.transfers.next_s(self.on_air)) < end_s:
                advance(self.on_air, live, moment_s)
                self.transfers.carry_out(self.on_air, moment_s)
        advance(self.on_air, live, end_s)
        return live[uploads.over[live]]

    def mark(
        self,
        cell: int,
        time_s: float,
    ) -> None:
        """A gNB has just stopped collecting uploads: note how far all are."""
        if self.outlasts:
            now = self._at(time_s).uploads
            self._cuts[cell] = now.copy() if now is self.uploads else now

    def send_more(
        self,
        rows: IntArray,
        bits: FloatArray,
        start_s: float,
        takes_s: FloatArray,
    ) -> None:
        """`rows` [R], which are through, send further bits [R] on the bands they had."""
        uploads = self.uploads
        uploads.band[rows] = uploads.share[rows]
        uploads.segment_start_s[rows] = start_s
        uploads.segment_bits[rows] = bits
        uploads.payload_bits[rows] += bits
        self.on_air.log.close(uploads, rows, start_s + takes_s)

    def halt(self, time_s: float) -> None:
        """The round has just ended: take back what was foreseen of the time to come."""
        self.halted = True
        if self.outlasts:
            self.on_air = self._at(time_s)

    def stop(
        self,
        rows: IntArray,
        cell: IntArray,
        cut_s: FloatArray,
    ) -> None:
        """Once halted: end `rows` [R] at `cut_s`, when their gNBs (`cell`) stopped collecting."""
        uploads, log = self.uploads, self.on_air.log
        late = log.whole()
        serials = uploads.serial[rows]
        until_s = dict(zip(serials.tolist(), cut_s.tolist(), strict=True))
        limit_s = np.array([until_s.get(serial, np.inf) for serial in late.serial.tolist()])
        log.restrict(late.end_s <= limit_s)
        for one in np.unique(cell).tolist():
            mine = rows[cell == one]
            uploads.put(mine, self._cuts[one].select(mine))

        sends = (uploads.start_s[rows] < cut_s) | (uploads.airtime_s[rows] > 0)
        self._stop_now(rows[sends], cut_s[sends])
        self._stop_between(rows[~sends])
        uploads.over[rows] = True

    def _stop_now(
        self,
        rows: IntArray,
        cut_s: FloatArray,
    ) -> None:
        """Attempts end in the middle."""
        self.on_air.log.close(
            self.uploads,
            rows,
            cut_s,
        )
        record_attempts(
            self.on_air,
            rows,
            np.full(len(rows), np.inf),
            cut_s,
        )

    def _stop_between(self, rows: IntArray) -> None:
        """Attempts that have not begun will not: the last one stands, if there is any."""
        uploads = self.uploads
        first = uploads.attempt[rows] == 1
        never = rows[first]
        uploads.end_s[never] = uploads.upload_start_s[never]
        uploads.first_end_s[never] = uploads.end_s[never]
        uploads.attempt[rows[~first]] -= 1
        uploads.finish_s[rows] = np.inf

    def _remember(self) -> None:
        """Keep the state from which the step begins, where it may have to be taken back."""
        if self.outlasts:
            self._before = self.uploads.copy()
            self._logged = len(self.on_air.log.whole())
            self._then = None

    def _at(self, time_s: float) -> OnAir:
        """The uploads and their log as they are at a time in the last step."""
        if self._before is None:
            return self.on_air
        if self._then is None or self._then[0] != time_s:
            self._then = time_s, self._followed_to(self._before, time_s)
        return self._then[1]

    def _followed_to(
        self,
        before: Uploads,
        time_s: float,
    ) -> OnAir:
        uploads = before.copy()
        sure = np.flatnonzero(self.uploads.ended_by(time_s))
        uploads.put(sure, self.uploads.select(sure))
        whole = self.on_air.log.whole()
        new = np.arange(len(whole)) >= self._logged
        kept = ~new | np.isin(whole.serial, uploads.serial[sure])
        on_air = replace(
            self.on_air,
            uploads=uploads,
            log=SegmentLog(whole.select(kept)),
        )
        advance(on_air, uploads.live, time_s)
        return on_air
