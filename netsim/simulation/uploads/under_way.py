"""Uploads that outlast their rounds, between the end of one and the opening of the next.

An upload is over in the round in whose time it ends, up to the moment at which its gNB stops to
collect; all others go on, and are rows of the next round, too. In the tables an upload belongs to
the round in which it is over, with all that it took.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from netsim.protocols import Tickets
from netsim.simulation.state import Links
from netsim.simulation.uploads.segments import SegmentLog, Segments, segments_of
from netsim.simulation.uploads.table import Uploads
from netsim.units import BoolArray, FloatArray, IntArray

LEAST_SHARE = 1e-9
"""What is left of a band by rounding alone counts as nothing."""


@dataclass(frozen=True)
class UnderWay:
    """Rows that go on, ordered by (ue, module), with what they have sent so far."""

    uploads: Uploads
    segments: Segments

    @classmethod
    def of(
        cls,
        uploads: Uploads,
        log: SegmentLog,
        rows: IntArray,
    ) -> Self | None:
        """Of some rows of a table; None if there are none."""
        if not len(rows):
            return None
        chosen = uploads.select(rows)
        segments, _ = segments_of(chosen, log)
        return cls(chosen, segments)

    def free_share(
        self,
        links: Links,
        now_s: float,
    ) -> FloatArray:
        """Part of its gNB's band that they leave to each UE, [K]."""
        uploads = self.uploads
        sending = ~uploads.ended_by(now_s)
        size = int(links.gnb.max()) + 1
        held = np.bincount(
            uploads.gnb[sending],
            uploads.share[sending],
            minlength=size,
        )
        free = 1.0 - held[links.gnb]
        return np.where(free > LEAST_SHARE, free, 0.0)

    def tickets(self, round: int) -> Tickets:
        """What may be redeemed after `round`."""
        return tickets_of(self.uploads.select(self.uploads.trained > 0), round)

    def state(self) -> dict[str, Any]:
        """As arrays."""
        return {"uploads": self.uploads.state(), "segments": self.segments.state()}

    @classmethod
    def restored(cls, state: Mapping[str, Any] | None) -> Self | None:
        """What `state` gave, as it was."""
        if state is None:
            return None
        return cls(Uploads.restored(state["uploads"]), Segments.restored(state["segments"]))


def over_by(uploads: Uploads, cut_s: FloatArray) -> BoolArray:
    """[M] over when their gNBs stopped collecting; a UE that is not ready, once it gives up."""
    gave_up = uploads.computed_s <= cut_s
    return np.where(
        uploads.ready,
        uploads.ended_by(cut_s),
        gave_up,
    )


def tickets_of(
    uploads: Uploads,
    round: int,
    versions: IntArray | None = None,
) -> Tickets:
    """The work of uploads that is owed in `round`; versions [N]: made of each module by now."""
    age = None if versions is None else versions[uploads.module] - uploads.versions_before
    return Tickets(
        round=round,
        ue=uploads.ue,
        module=uploads.module,
        version=uploads.version,
        rank=uploads.trained_rank,
        sampled=uploads.begun_round,
        staleness=age,
        trained=uploads.trained,
        sent=uploads.sent,
        gnb=uploads.gnb,
        pruned=uploads.pruned,
        noise=uploads.noise,
    )
