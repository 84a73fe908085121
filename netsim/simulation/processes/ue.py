"""A UE: download, compute, report to its gNB."""

from __future__ import annotations

from simpy.exceptions import Interrupt

from netsim.simulation.clock import ProcessGenerator
from netsim.simulation.processes.hub import Hub


def ue_process(ue: int, hub: Hub) -> ProcessGenerator:
    """Waits for a round, takes the time of the UE's download and computing, and reports.

    When it has downloaded and computed its modules is known when the round opens, so that is one
    event. A UE that is not ready in time stops computing at the limit and sits the round out. Its
    uploads go on by themselves: the uplink moves them, under the barrier once the last UE of the
    gNB has reported. A round may end while the UE still computes; then nobody waits for its report.
    """
    call = hub.call(ue)
    while True:
        try:
            watch = yield call
            call.callbacks = []  # it has fired, and can do so again
            watch.computing -= 1
            if not watch.computing:
                watch.look()
        except Interrupt:
            call = hub.call(ue)
