"""A UE: download, compute, wait for the grant, transmit."""

from __future__ import annotations

from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.gnb import Hub


def ue_process(clock: Clock, ue: int, hub: Hub) -> ProcessGenerator:
    """Waits for a round to open, then takes the time of its own download, computing and airtime.

    One timeout per activity. A UE that the plan leaves out waits for the next round; one that is not
    ready in time stops computing at the limit and sits the round out.
    """
    while True:
        round_ = yield hub.opened
        errand = round_.agenda.get(ue)
        if errand is None:
            continue
        yield clock.at(errand.downloaded_s)
        yield clock.at(errand.computed_s)
        hub.report_computed(errand.gnb)
        if not errand.ready:
            continue
        if hub.barrier:
            yield round_.granted[errand.gnb]
        for row in range(errand.first, errand.stop):
            yield round_.sent[row]
            hub.report_sent(errand.gnb)
