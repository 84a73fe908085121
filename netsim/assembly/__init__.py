"""Composition root: from a scenario to a simulation.

parts       everything put together; the only module that knows both sides
recorded    what a scenario takes over from traces: the world of a recorded run, the number of UEs
topology    sites, places of the UEs, the backhaul
devices     hardware of the UEs
radio       links, their success probabilities, the uplink
link_layer  from bandwidth and SINR to a rate
planning    what schemes are told of the air before a round
sharing     the same where two UEs share a band, and pairs of plans
transfer    how modules go up and down; masking: as sums
motion      how UEs move and which traces drive their channels
learning    data, modules, the learner, payloads
partition   which rows each UE holds
rules       how rounds go, and what may not be asked for together
loaded      what a process keeps between the runs of a study
"""

from netsim.assembly.data import build_dataset
from netsim.assembly.loaded import Loaded
from netsim.assembly.parts import Parts, build_parts, build_scheme, build_simulation, sizes

__all__ = [
    "Loaded",
    "Parts",
    "build_dataset",
    "build_parts",
    "build_scheme",
    "build_simulation",
    "sizes",
]
