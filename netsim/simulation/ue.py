"""A UE: download, compute, wait for the grant, transmit."""

from __future__ import annotations

from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.gnb import Hub
from netsim.simulation.state import Errand, RoundState


def ue_process(clock: Clock, ue: int, hub: Hub) -> ProcessGenerator:
    """Waits for a round to open, then takes the time of its own download, computing and airtime.

    One timeout per activity. A UE that the plan leaves out waits for the next round; one that is
    not ready in time stops computing at the limit and sits the round out.
    """
    while True:
        round_ = yield hub.opened
        errand = round_.agenda.get(ue)
        if errand is None:
            continue
        if round_.lineage is not None:
            for row in range(errand.first, errand.stop):
                clock.process(upload_process(clock, hub, round_, errand, row))
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


def upload_process(
    clock: Clock, hub: Hub, round_: RoundState, errand: Errand, row: int
) -> ProcessGenerator:
    """One upload of a round that it may outlast: what of its download, computing and airtime is to
    come.

    Ends with its round; if it is not over then, the next round starts it again from where it is.
    """
    if round_.airing.end_s[row] <= round_.start_s:
        return
    for time_s in (errand.downloaded_s, errand.computed_s):
        if time_s > clock.now:
            yield clock.at(time_s)
    if hub.round is not round_:
        return
    if round_.own[row]:
        if row == errand.first:
            hub.report_computed(errand.gnb)
        if not errand.ready:
            return
        if hub.barrier:
            yield round_.granted[errand.gnb]
    yield round_.sent[row]
    if hub.round is round_:
        hub.report_sent(errand.gnb)
        if not round_.airing.outage[row]:
            hub.report_arrived(errand.gnb)
