"""A UE: download, compute, wait for the grant, transmit."""

from __future__ import annotations

from simpy.exceptions import Interrupt

from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.processes.hub import Hub


def ue_process(clock: Clock, ue: int, hub: Hub) -> ProcessGenerator:
    """Waits for a round to open, then takes the time of the UE's download, computing and airtime.

    One timeout for each activity. A UE that is not ready in time stops computing at the limit and
    sits the round out. A round may end before the UE is done; then the next one takes up the rest
    of its errand.
    """
    while True:
        try:
            yield hub.opened
            errand = hub.agenda.get(ue)
            if errand is None:
                continue
            yield clock.at(errand.downloaded_s)
            yield clock.at(errand.computed_s)
            gnb = hub.watches[errand.cell]
            if errand.begun_now:
                gnb.report_computed()
            if not errand.ready:
                continue
            if hub.barrier and errand.begun_now:
                yield gnb.granted
            for row in range(errand.first, errand.stop):
                yield hub.sent[row]
        except Interrupt:
            continue
