"""The core node: opens a round, waits for the gNBs' aggregates and merges them.

With one cell it is the gNB.

Where several gNBs learn, modules and aggregates travel over the backhaul, stored and forwarded on
the fastest path; transfers do not queue behind one another. The merge is weighted by samples, as
each gNB's own average is, so it is the average over all UEs that arrived (associativity), and is
computed as that.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from netsim.radio.multicast import rate_to_all
from netsim.simulation.clock import Clock, ProcessGenerator
from netsim.simulation.processes.gnb import Gnb, gnb_process
from netsim.simulation.processes.hub import Hub
from netsim.simulation.processes.uplink import uplink_process
from netsim.simulation.state import Links, Payloads, Round, Rules
from netsim.simulation.uploads.flight import Flight
from netsim.topology.core_links import CoreLinks
from netsim.units import FloatArray


def round_process(
    clock: Clock, hub: Hub, round_: Round, flight: Flight, rules: Rules, core: CoreLinks
) -> ProcessGenerator:
    """Takes the time of a round: opens it, waits for all gNBs, merges what they send."""
    hub.open(round_)
    clock.process(uplink_process(clock, hub, flight))
    gnbs = [
        clock.process(gnb_process(clock, hub, round_, flight, gnb))
        for gnb in _gnbs_of(round_, rules, core)
    ]
    yield from gnbs
    if core.core is not None and round_.merges:
        yield clock.at(clock.now + rules.aggregation_s)
    round_.end_s = float(clock.now)
    flight.halt(round_.end_s)


def _gnbs_of(
    round_: Round,
    rules: Rules,
    core: CoreLinks,
) -> list[Gnb]:
    """The gNBs of a round. Where nobody is scheduled at all, the deadline passes."""
    idle = not len(round_.uploads) and np.isfinite(rules.deadline_s)
    idle_s = round_.cells.open_s + (rules.deadline_s if idle else 0.0)
    return [
        Gnb(
            cell=cell,
            aggregation_s=rules.aggregation_s,
            passing_s=None if core.core is None else partial(core.delay_s, site),
            idle_s=float(idle_s[cell]),
        )
        for cell, site in enumerate(round_.cells.gnb.tolist())
    ]


def foundation_times(
    links: Links, rules: Rules, payloads: Payloads, core: CoreLinks
) -> tuple[FloatArray, FloatArray]:
    """When the foundation model is at each gNB and, at its worst UE's rate, its UEs. [G], [G]."""
    bits = payloads.foundation_bits
    reached = np.array([core.delay_s(site, bits) for site in links.gnbs.tolist()])
    here = links.ues_present
    cell = np.searchsorted(links.gnbs, links.gnb[here])
    rate = rules.downlink.bandwidth_hz * links.downlink_efficiency[here]
    return reached, reached + bits / rate_to_all(cell, rate[:, None], len(links.gnbs))
