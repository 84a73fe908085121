"""The line of progress at the end of a round."""

from __future__ import annotations

import numpy as np

from netsim.protocols import Progress, Redeemed
from netsim.records import LATE, ON_TIME, OUTAGE
from netsim.simulation.course import Course
from netsim.simulation.uploads.outcomes import NOT_READY, Books


def progress_of(
    course: Course,
    now_s: float,
    books: Books | None,
    redeemed: Redeemed | None,
) -> Progress:
    """How far a run is; without books before its first round."""
    outcome = np.empty(0) if books is None else books.outcome
    train_loss = None if redeemed is None else float(redeemed.train_loss.mean())
    return Progress(
        round=course.round,
        time_s=now_s,
        energy_j=course.energy_j,
        on_time=int((outcome == ON_TIME).sum()),
        late=int((outcome == LATE).sum()),
        outage=int((outcome == OUTAGE).sum()),
        not_ready=int((outcome == NOT_READY).sum()),
        train_loss=train_loss,
        loss=course.losses[-1] if course.losses else None,
        accuracy=course.accuracy,
    )
