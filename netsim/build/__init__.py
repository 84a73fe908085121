"""Composition root: from a scenario to a simulation.

parts       everything put together; the only module that knows both sides
rules       how rounds go, and what may not be asked for together
cell        the radio side: sites, hardware, the learning cell, its uplink
loaded      what a process keeps between the runs of a study
learning    the learning side: data, modules, the learner, payloads
"""

from netsim.build.learning import build_dataset
from netsim.build.loaded import Loaded
from netsim.build.parts import Parts, build_parts, build_scheme, build_simulation

__all__ = ["Loaded", "Parts", "build_dataset", "build_parts", "build_scheme", "build_simulation"]
