"""Sites, UEs' places and backhaul of a scenario."""

from __future__ import annotations

import numpy as np

from netsim.errors import ScenarioError
from netsim.scenario.model import Scenario
from netsim.scenario.motion import REPLAY
from netsim.simulation.core import Backhaul
from netsim.topology.association import drop_in_cell, drop_in_window
from netsim.topology.backhaul import backhaul_paths
from netsim.topology.deployment import Deployment, explicit_sites, hexagonal_sites, poisson_sites
from netsim.topology.files import read_sites
from netsim.topology.links import with_links
from netsim.units import FloatArray


def build_deployment(scenario: Scenario) -> Deployment:
    """Sites of the scenario."""
    topology = scenario.topology
    if topology.kind == "file":
        assert topology.path is not None  # held by the model
        graph = read_sites(topology.path, columns=topology.columns)
        return explicit_sites(graph, learning_site=topology.learning_site)
    if topology.learning_site not in (None, 0):
        raise ScenarioError(
            "only a site file lets you choose; ppp and hex learn at the central site, 0",
            where="scenario: topology.learning_site",
            value=topology.learning_site,
        )
    if topology.kind == "hex":
        return hexagonal_sites(
            density_per_km2=topology.density_per_km2, window_km=topology.window_km
        )
    return poisson_sites(
        density_per_km2=topology.density_per_km2,
        window_km=topology.window_km,
        seed=scenario.seed,
        torus=topology.boundary == "torus",
    )


def drop_ues(scenario: Scenario, deployment: Deployment) -> FloatArray:
    """Places of the UEs: in the learning cell, or all over the window. [K, 2], m.

    Those of a replayed trace need no room there: it says where they are.
    """
    count = scenario.ue_count
    if scenario.mobility.kind == REPLAY:
        return np.zeros((count, 2))
    if scenario.federation == "cell":
        return drop_in_cell(deployment, count, scenario.seed)
    margin_m = (scenario.topology.guard_km or 0.0) * 1e3
    return drop_in_window(deployment, count, scenario.seed, margin_m=margin_m)


def build_backhaul(scenario: Scenario, deployment: Deployment) -> Backhaul:
    """Delays between the core and the sites; none where one gNB learns."""
    if scenario.federation == "cell":
        return Backhaul()
    links, graph = scenario.topology.backhaul, deployment.graph
    core = links.core
    where = "scenario: topology.backhaul"
    if core is not None and core >= len(graph):
        raise ScenarioError(
            f"must name one of the {len(graph)} sites", where=f"{where}.core", value=core
        )
    if links.kind != "file":
        graph = with_links(
            graph, links.kind, core=core, rate_bps=links.rate_bps, hop_delay_s=links.hop_delay_s
        )
    else:
        where = str(scenario.topology.path)
    found = backhaul_paths(graph, core=core, where=where)
    return Backhaul(found.delay_s, found.core)
