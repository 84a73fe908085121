"""Sites, UEs' places and backhaul of a scenario."""

from __future__ import annotations

import numpy as np

from netsim.errors import ScenarioError
from netsim.scenario.model import Scenario
from netsim.scenario.motion import REPLAY
from netsim.topology.association import drop_in_cell, drop_in_window
from netsim.topology.backhaul import backhaul_paths
from netsim.topology.core_links import CoreLinks
from netsim.topology.deployment import Deployment, explicit_sites, hexagonal_sites, poisson_sites
from netsim.topology.files import read_sites
from netsim.topology.landscape import Landscape
from netsim.topology.links import with_links
from netsim.topology.strongest import drop_where_strongest
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


def drop_ues(scenario: Scenario, landscape: Landscape) -> FloatArray:
    """Places of the UEs: in the learning cell, or all over the window. [K, 2], m.

    Those of a replayed trace need no room there: it says where they are.
    """
    count, deployment = scenario.ue_count, landscape.deployment
    if scenario.mobility.kind == REPLAY:
        return np.zeros((count, 2))
    if scenario.federation == "cell" and landscape.association == "strongest":
        return drop_where_strongest(landscape, count, scenario.seed)
    if scenario.federation == "cell":
        return drop_in_cell(deployment, count, scenario.seed)
    margin_m = (scenario.topology.guard_km or 0.0) * 1e3
    return drop_in_window(deployment, count, scenario.seed, margin_m=margin_m)


def build_core_links(scenario: Scenario, deployment: Deployment) -> CoreLinks:
    """Delays between the core and the sites; none where one gNB learns."""
    if scenario.federation == "cell":
        return CoreLinks()
    links, graph = scenario.topology.backhaul, deployment.graph
    where = "scenario: topology.backhaul"
    if links.core is not None and links.core >= len(graph):
        rule = f"must name one of the {len(graph)} sites"
        raise ScenarioError(rule, where=f"{where}.core", value=links.core)
    if links.kind == "file":
        where = str(scenario.topology.path)
    else:
        graph = with_links(
            graph,
            links.kind,
            core=links.core,
            rate_bps=links.rate_bps,
            hop_delay_s=links.hop_delay_s,
        )
    paths = backhaul_paths(graph, core=links.core, where=where)
    return CoreLinks(paths.delay_s, paths.core)
