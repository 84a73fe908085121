"""A UE: download, compute, wait for the grant, transmit."""

from __future__ import annotations

from simpy.exceptions import Interrupt

from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.processes.hub import Hub
from netsim.simulation.state import Errand


def ue_process(
    clock: Clock,
    ue: int,
    hub: Hub,
) -> ProcessGenerator:
    """Waits for a round to open, then takes the time of what the UE has to do in it.

    A round may end before the UE is done. Then the next one takes up the rest of its errand.
    """
    while True:
        try:
            yield hub.opened
            errand = hub.agenda.get(ue)
            if errand is not None:
                yield from _carry_out(clock, hub, errand)
        except Interrupt:
            continue


def _carry_out(
    clock: Clock,
    hub: Hub,
    errand: Errand,
) -> ProcessGenerator:
    """Takes the time of the UE's download, computing and airtime, one timeout for each.

    A UE that is not ready in time stops computing at the limit and sits the round out.
    """
    for time_s in (errand.downloaded_s, errand.computed_s):
        if time_s > clock.now:
            yield clock.at(time_s)
    if errand.begun_now:
        hub.report_computed(errand.cell)
    if not errand.ready:
        return
    if hub.barrier and errand.begun_now:
        yield hub.watches[errand.cell].granted
    for row in range(errand.first, errand.stop):
        yield hub.sent[row]
