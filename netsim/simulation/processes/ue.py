"""A UE: download, compute, report to its gNB, send."""

from __future__ import annotations

from simpy.exceptions import Interrupt

from netsim.simulation.clock import ProcessGenerator
from netsim.simulation.processes.hub import Hub


def ue_process(ue: int, hub: Hub) -> ProcessGenerator:
    """Waits for a round, then takes the time of the UE's download, computing and sending.

    When it has downloaded and computed its modules is known when the round opens, so that is one
    event. Under the barrier, sending starts with the last UE of the gNB; the end of an upload is
    the uplink's to tell. A UE that is not ready in time stops computing at the limit and sits the
    round out. A round may end before the UE is done; then the next one takes up the rest of its
    errand.
    """
    while True:
        try:
            cell, begun_now, ends = yield hub.call(ue)
            if begun_now:
                hub.watches[cell].report_computed()
            yield from ends
        except Interrupt:
            continue
