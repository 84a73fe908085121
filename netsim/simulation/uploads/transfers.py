"""Uploads that go on at another gNB after a handover (handover = resume).

Both bands are divided anew: what the upload leaves goes to those that stay, and the new gNB makes
room for it among all its uploads (docs/model/events.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from netsim.simulation.uploads.advance import OnAir, record_attempts
from netsim.simulation.uploads.band import ReallocatedBand
from netsim.units import IntArray

INTERRUPTION_S = 0.05
"""Nothing is sent for so long after a handover (docs/model/events.md)."""


class Move(NamedTuple):
    """An upload goes on at another gNB."""

    time_s: float
    row: int
    site: int


@dataclass
class Transfers:
    """The moves of a round, in order of time, and the uploads between two gNBs."""

    moves: deque[Move] = field(default_factory=deque)
    _between: list[int] = field(default_factory=list, init=False)  # rows without a band

    @classmethod
    def of(cls, moves: Iterable[Move]) -> Transfers:
        """All moves of a round."""
        return cls(deque(moves))

    def next_s(self, on_air: OnAir) -> float:
        """When the next move or arrival is due; inf: none."""
        leaving_s = self.moves[0].time_s if self.moves else np.inf
        if not self._between:
            return leaving_s
        arrivals = on_air.uploads.start_s[self._between]
        return float(min(leaving_s, arrivals.min()))

    def carry_out(
        self,
        on_air: OnAir,
        time_s: float,
    ) -> None:
        """Let what is due happen at `time_s`."""
        if not self.moves and not self._between:
            return
        assert isinstance(on_air.band, ReallocatedBand)  # resume needs reallocation
        left = self._depart(on_air, time_s)
        reached = self._arrive(on_air, on_air.band, time_s)
        for site in sorted(left - reached):
            on_air.band.spread(
                on_air.uploads,
                on_air.log,
                site,
                time_s,
            )

    def _depart(
        self,
        on_air: OnAir,
        time_s: float,
    ) -> set[int]:
        """Uploads leave their gNBs, whose numbers are given."""
        uploads = on_air.uploads
        left = set()
        while self.moves and self.moves[0].time_s <= time_s:
            move = self.moves.popleft()
            if not uploads.over[move.row]:
                left.add(int(uploads.site[move.row]))
                _leave(
                    on_air,
                    move.row,
                    move.site,
                    time_s,
                )
                self._between.append(move.row)
        self._between = [row for row in self._between if not uploads.over[row]]
        return left

    def _arrive(
        self,
        on_air: OnAir,
        band: ReallocatedBand,
        time_s: float,
    ) -> set[int]:
        """Uploads get their bands at their new gNBs, whose numbers are given."""
        uploads = on_air.uploads
        between = np.array(self._between, dtype=np.int64)
        landed = between[uploads.start_s[between] <= time_s]
        self._between = [row for row in self._between if row not in set(landed.tolist())]
        sites = np.unique(uploads.site[landed]).tolist()
        for site in sites:
            newcomers = landed[uploads.site[landed] == site]
            band.admit(
                uploads,
                on_air.log,
                newcomers,
                site,
                time_s,
            )
        return set(sites)


def _leave(
    on_air: OnAir,
    row: int,
    site: int,
    time_s: float,
) -> None:
    """An upload is on its way to `site`; if it would get there too late, it is over."""
    uploads = on_air.uploads
    rows: IntArray = np.array([row])
    if uploads.segment_start_s[row] < time_s and uploads.band[row] > 0:
        on_air.log.close(
            uploads,
            rows,
            np.array([time_s]),
        )
    uploads.site[row] = site
    uploads.band[row] = 0.0
    uploads.start_s[row] = max(time_s + INTERRUPTION_S, float(uploads.start_s[row]))
    if uploads.start_s[row] >= uploads.stop_s[row]:
        record_attempts(
            on_air,
            rows,
            np.array([np.inf]),
            uploads.stop_s[rows],
        )
        uploads.over[row] = True
