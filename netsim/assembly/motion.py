"""How the UEs of a scenario move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from netsim.assembly.channels import channel_traces
from netsim.assembly.loaded import Loaded
from netsim.assembly.radio import RadioParts
from netsim.assembly.recorded import mobility_model, replayed
from netsim.changing_channel import ChangingChannel
from netsim.errors import ScenarioError
from netsim.mobility.extent import Extent, extent_of, sampled
from netsim.mobility.models import Static
from netsim.mobility.region import Rectangle, Torus
from netsim.mobility.replay import Recorded, chosen_nodes
from netsim.protocols import Listener, Motion
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.simulation.motion.roaming import Roaming
from netsim.simulation.state import Rules
from netsim.topology.association import nearest_site
from netsim.topology.deployment import Deployment
from netsim.topology.journey import Journey
from netsim.units import FloatArray, from_db

LITTLE = 0.1
"""Part of a trace in the cell that learns, below which it lies elsewhere."""


def build_motion(
    scenario: Scenario,
    deployment: Deployment,
    start_m: FloatArray,
    loaded: Loaded,
    listener: Listener,
) -> Motion | None:
    """How UEs move, from `start_m` [K, 2]; None where nothing changes during a round."""
    if not scenario.in_time:
        return None
    chosen = scenario.mobility
    if not chosen.moves:
        typed_parameters(Static, chosen.parameters, "scenario: mobility")
        return Static().motion(start_m, Rectangle(deployment.window_m), seed=scenario.seed)
    found = replayed(scenario, loaded)
    if found is None:
        region = (Torus if deployment.torus else Rectangle)(deployment.window_m)
        return mobility_model(scenario).motion(start_m, region, seed=scenario.seed)
    return _motion_of_trace(found, len(start_m), scenario, deployment, listener)


def _motion_of_trace(
    found: Recorded,
    ues: int,
    scenario: Scenario,
    deployment: Deployment,
    listener: Listener,
) -> Recorded:
    """The motion of a trace's first nodes, among the sites; what is odd about it is told."""
    chosen = chosen_nodes(found, ues)
    if found.recorded:
        return chosen
    path = str(scenario.mobility.parameters["path"])
    for note in found.notes:
        listener.warning(f"{path}: {note}")
    left_out = len(found.nodes) - len(chosen.nodes)
    if left_out > 0:
        listener.warning(f"{path}: {left_out} of its {len(found.nodes)} nodes are left out")
    extent = extent_of(chosen.tracks)
    if extent.outliers:
        names = ", ".join(extent.outlying[:4])
        listener.warning(
            f"{path}: {extent.outliers} places lie far from all others, of {names}; where the "
            "trace lies is judged without them"
        )
    placed = put_among_sites(chosen, extent, scenario, deployment)
    if placed.shift_m != (0.0, 0.0):
        x, y = placed.shift_m
        listener.warning(
            f"{path} lies elsewhere than the sites, which are generated: its places are moved by "
            f"{x:.0f} m, {y:.0f} m"
        )
    _check_somebody_comes(placed, scenario, deployment, path)
    return placed


def put_among_sites(
    found: Recorded, extent: Extent, scenario: Scenario, deployment: Deployment
) -> Recorded:
    """The trace moved onto generated sites, which are nowhere in particular, if it lies elsewhere.

    That is if it leaves their window, or where one cell learns, if hardly anything of it is in that
    cell, or nobody at the beginning: then its samples' median is put on the learning site. Sites of
    a file and recorded runs have places of their own.
    """
    if found.recorded or scenario.topology.kind == "file":
        return found
    low, high = np.array(deployment.window_m).reshape(2, 2)
    if scenario.federation == "network":
        shift = (low + high) / 2 - extent.centre_m
        fits = bool((extent.low_m >= low).all() and (extent.high_m <= high).all())
    else:
        places = sampled(found.tracks.places_m[:, :2])
        shift = deployment.positions_m[deployment.learning_site] - extent.middle_m
        start = found.positions(np.zeros(1))[:, 0]
        begins = _part_in_cell(start[~np.isnan(start[:, 0])], deployment) > 0
        here = _part_in_cell(places, deployment)
        fits = (begins and here >= LITTLE) or here >= _part_in_cell(places + shift, deployment)
    return found if fits else replace(found, shift_m=(float(shift[0]), float(shift[1])))


def _check_somebody_comes(
    found: Recorded, scenario: Scenario, deployment: Deployment, path: str
) -> None:
    """Raises ScenarioError if no sample of a trace lies in the cell that learns."""
    if found.recorded or scenario.federation == "network":
        return
    places = found.tracks.places_m[:, :2] + found.shift_m
    if _part_in_cell(sampled(places), deployment) > 0 or _part_in_cell(places, deployment) > 0:
        return
    site = deployment.learning_site
    rule = (
        f"no place of the trace lies in the cell of site {site}, which learns, so no round begins"
    )
    raise ScenarioError(rule, where="scenario: mobility.path", value=path)


def _part_in_cell(places_m: FloatArray, deployment: Deployment) -> float:
    """Part of places [N, 2] that lies in the learning site's cell and in the window."""
    if not len(places_m):
        return 0.0
    low, high = np.array(deployment.window_m).reshape(2, 2)
    torus = deployment.window_m if deployment.torus else None
    near = nearest_site(places_m, deployment.positions_m, torus) == deployment.learning_site
    return float((near & ((places_m >= low) & (places_m <= high)).all(axis=1)).mean())


def build_roaming(
    scenario: Scenario,
    deployment: Deployment,
    radio: RadioParts,
    motion: Motion | None,
    *,
    rules: Rules,
    foundation_bits: float,
    listener: Listener,
) -> Callable[[], Roaming] | None:
    """Makes UEs under way; None where nothing changes during a round."""
    if motion is None:
        return None
    chosen = scenario.mobility
    sites = len(deployment.positions_m)
    traces = channel_traces(scenario, motion, sites, listener)

    def make() -> Roaming:
        journey = Journey(
            motion=motion,
            landscape=radio.landscape,
            step_s=chosen.step_s,
            hysteresis=from_db(chosen.hysteresis_db),
            time_to_trigger_s=chosen.time_to_trigger_s,
        )
        changing = ChangingChannel(journey, chosen.moves, traces)
        return Roaming(
            changing=changing,
            rules=rules,
            foundation_bits=foundation_bits,
            learning_site=deployment.learning_site if scenario.federation == "cell" else None,
            handover=chosen.handover,
            links_of=radio.links_in(changing),
        )

    return make
