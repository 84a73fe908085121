"""The line of progress at the end of a round."""

from __future__ import annotations

import numpy as np

from netsim.course import Course
from netsim.protocols import Progress, Redeemed
from netsim.simulation.uploads.outcomes import NOT_READY, Books


def progress_of(
    course: Course,
    now_s: float,
    books: Books | None,
    redeemed: Redeemed | None,
) -> Progress:
    """How far a run is; without books before its first round."""
    outcome = np.empty(0, dtype=np.int64) if books is None else books.outcome
    not_ready, on_time, late, outage, _ = np.bincount(outcome - NOT_READY, minlength=5).tolist()
    train_loss = None if redeemed is None else float(redeemed.train_loss.mean())
    return Progress(
        round=course.round,
        time_s=now_s,
        energy_j=course.energy_j,
        on_time=on_time,
        late=late,
        outage=outage,
        not_ready=not_ready,
        train_loss=train_loss,
        loss=course.losses[-1] if course.losses else None,
        accuracy=course.accuracy,
    )
