"""The `mobility` table: where UEs are and who serves them."""

from __future__ import annotations

import numpy as np

from netsim.protocols import RecordSink
from netsim.topology.journey import Journey


def write_places(
    sink: RecordSink,
    journey: Journey,
    steps: range,
) -> None:
    """UEs that are there, at steps of the journey's grid."""
    for step in steps:
        sample = journey.sample(step)
        ue = np.flatnonzero(sample.present)
        columns = {
            "time_s": step * journey.step_s,
            "ue": ue,
            "x_m": sample.position_m[ue, 0],
            "y_m": sample.position_m[ue, 1],
            "gnb": sample.gnb[ue],
        }
        sink.write("mobility", columns)
