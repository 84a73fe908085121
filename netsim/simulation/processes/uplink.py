"""The uplink of a round: steps the uploads on the air and lets their ends be noticed."""

from __future__ import annotations

import numpy as np

from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.processes.hub import Hub
from netsim.simulation.uploads.flight import Flight


def uplink_process(
    clock: Clock,
    hub: Hub,
    flight: Flight,
) -> ProcessGenerator:
    """Takes the time of the steps in which somebody is on the air; ends with the round."""
    while (step := flight.next_step_s()) is not None:
        begin_s, end_s = step
        if begin_s > clock.now:
            yield clock.at(begin_s)
        if flight.halted:
            return
        over = flight.step(begin_s, end_s)
        hub.end_uploads(flight.uploads, over)
        if np.isinf(end_s) or flight.on_air.air.block_end_s is None:
            return
        yield clock.at(end_s)
