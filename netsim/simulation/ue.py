"""A UE: download, compute, wait for the grant, transmit."""

from __future__ import annotations

from netsim.simulation.core import Clock, ProcessGenerator
from netsim.simulation.gnb import Site
from netsim.simulation.state import RoundState


def ue_process(clock: Clock, ue: int, site: Site) -> ProcessGenerator:
    """Waits for its gNB to open a round, then takes the time of its own download, computing and airtime.

    One timeout per activity. A UE that the plan leaves out waits for the next round; one that is not
    ready in time stops computing at the limit and sits the round out.
    """
    while True:
        round_: RoundState = yield site.opened
        errand = round_.agenda.get(ue)
        if errand is None:
            continue
        yield clock.at(errand.downloaded_s)
        yield clock.at(errand.computed_s)
        site.report_computed(round_)
        if not errand.ready:
            continue
        if site.barrier:
            yield round_.granted
        for end_s in sorted(round_.upload_ends[errand.first : errand.stop]):
            yield clock.at(end_s)
            site.report_sent(round_)
