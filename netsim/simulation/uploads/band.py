"""How a gNB's band is divided while uploads are on the air: it stays, or it is divided anew.

Reallocation: when an upload ends, its band goes to the others of its gNB (docs/model/events.md).
Nobody loses: each keeps at least the share it has, and what is free goes where Algorithm 1, run
again on the remaining bits with the channel knowledge of the plan, wants it most. So no upload can
end later than on static shares in the same channel. Only an upload that arrives by handover makes
room for itself, since the whole band is then divided over all uploads of the gNB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.allocation.reallocation import Division
from netsim.simulation.uploads.segments import SegmentLog
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


class Band(Protocol):
    """The policy of all gNBs of a round."""

    def next_event_s(
        self,
        uploads: Uploads,
        rows: IntArray,
        end_s: FloatArray,
    ) -> FloatArray:
        """When the bands of `rows` [R] may change next, if their attempts end at `end_s`. [R]."""
        ...

    def divide(
        self, uploads: Uploads, log: SegmentLog, over: IntArray, event_s: FloatArray
    ) -> None:
        """Free the bands of the rows `over` [R], which have ended, from `event_s` [R] on."""
        ...


class StaticBand:
    """Every upload keeps its planned share to its end."""

    def next_event_s(
        self,
        uploads: Uploads,
        rows: IntArray,
        end_s: FloatArray,
    ) -> FloatArray:
        """Uploads do not concern one another: as `Band`, each row's own end."""
        return end_s

    def divide(
        self, uploads: Uploads, log: SegmentLog, over: IntArray, event_s: FloatArray
    ) -> None:
        """As `Band`: what has been freed stays idle."""


@dataclass
class ReallocatedBand:
    """The band of an upload that has ended goes to the others of its gNB."""

    division: Division
    planned: FloatArray  # [S] share of each gNB's band that the plan gave away

    @classmethod
    def of(
        cls,
        division: Division,
        uploads: Uploads,
        sites: int,
    ) -> ReallocatedBand:
        """For the uploads of a round that has just opened."""
        live = uploads.live
        planned = np.bincount(
            uploads.gnb[live],
            uploads.share[live],
            minlength=sites,
        )
        return cls(division, planned.astype(np.float64))

    def next_event_s(
        self,
        uploads: Uploads,
        rows: IntArray,
        end_s: FloatArray,
    ) -> FloatArray:
        """As `Band`: the first end at the row's gNB."""
        site = uploads.site[rows]
        first_s = np.full(len(self.planned), np.inf)
        np.minimum.at(first_s, site, end_s)
        return first_s[site]

    def divide(
        self, uploads: Uploads, log: SegmentLog, over: IntArray, event_s: FloatArray
    ) -> None:
        """As `Band`."""
        if not len(over):
            return
        uploads.band[over] = 0.0
        sites, first = np.unique(uploads.site[over], return_index=True)
        for site, time_s in zip(
            sites.tolist(),
            event_s[first].tolist(),
            strict=True,
        ):
            self.spread(uploads, log, site, time_s)

    def spread(
        self,
        uploads: Uploads,
        log: SegmentLog,
        site: int,
        time_s: float,
    ) -> None:
        """Give what is free at a gNB to the uploads that are on the air there."""
        here = self._holders(uploads, site)
        begun = uploads.start_s[here] <= time_s
        sending, waiting = here[begun], here[~begun]
        if len(sending):
            free = float(self.planned[site]) - float(uploads.band[waiting].sum())
            shares = self.division.raised(uploads.band[sending], *_links(uploads, sending), free)
            self._set(
                uploads,
                log,
                sending,
                shares,
                time_s,
            )

    def admit(
        self, uploads: Uploads, log: SegmentLog, newcomers: IntArray, site: int, time_s: float
    ) -> None:
        """Divide a gNB's band over all its uploads and `newcomers`; an idle one gives all of it."""
        if not self.planned[site]:
            self.planned[site] = 1.0
        band = float(self.planned[site])
        mine = np.union1d(self._holders(uploads, site), newcomers)
        uploads.start_s[newcomers] = time_s
        uploads.segment_start_s[newcomers] = time_s
        shares = band * self.division.parts(*_links(uploads, mine), band)
        self._set(
            uploads,
            log,
            mine,
            shares,
            time_s,
        )

    def _holders(
        self,
        uploads: Uploads,
        site: int,
    ) -> IntArray:
        """Rows that are not over and hold a share of a gNB's band."""
        there = uploads.ready & ~uploads.over & (uploads.site == site)
        return np.flatnonzero(there & (uploads.band > 0))

    def _set(
        self,
        uploads: Uploads,
        log: SegmentLog,
        rows: IntArray,
        shares: FloatArray,
        time_s: float,
    ) -> None:
        """`rows` have these shares from `time_s` on."""
        begun = rows[uploads.segment_start_s[rows] < time_s]
        log.close(
            uploads,
            begun,
            np.full(len(begun), time_s),
        )
        uploads.band[rows] = shares
        uploads.level[self._holders(uploads, int(uploads.site[rows[0]]))] = np.nan


def _links(uploads: Uploads, rows: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """UEs, powers and bits left of `rows` [R]."""
    return (
        uploads.ue[rows],
        uploads.power_w[rows],
        uploads.left_bits[rows],
    )
