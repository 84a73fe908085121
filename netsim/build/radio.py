"""The radio side of a scenario: path loss, links, uplink and success model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import cast

import numpy as np

from netsim.protocols import Pathloss, SuccessModel
from netsim.radio.arrival import DRAWS, BlockArrival, planning_fading
from netsim.radio.budget import antenna_gain, noise_psd_w_hz
from netsim.radio.fading import CHUNK_BLOCKS, coherence_time_s
from netsim.radio.interference import InterfererField, PoissonField, SiteField
from netsim.radio.link import RateModel
from netsim.radio.pathloss import PowerLaw, pathloss_class
from netsim.radio.places import PER_CELL, CellPlaces
from netsim.radio.power_control import open_loop_power_w
from netsim.radio.success import ClosedForm, Deferred, LaplaceTable, SiteLaplace
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.simulation.landscape import Landscape
from netsim.simulation.medium import NetworkUplink
from netsim.simulation.state import Links
from netsim.simulation.uplink import Uplink
from netsim.simulation.world import World
from netsim.topology.association import places_in_cells
from netsim.topology.deployment import Deployment
from netsim.units import BoolArray, FloatArray, IntArray, dbm_to_w, from_db

PLANNING_ROUND = 2**40
"""Stands for a round in the keys of draws that only planning uses."""


@dataclass(frozen=True)
class RadioParts:
    """What the simulation and the schemes are told of the air."""

    uplink: Uplink | NetworkUplink
    links_of: Callable[[FloatArray], Links]  # from places [K, 2]
    success_of: Callable[[Links], SuccessModel]
    transmit_power_w: Callable[[FloatArray, FloatArray], FloatArray] | None
    landscape: Landscape
    links_in: Callable[[World], Callable[[FloatArray, IntArray, BoolArray, float], Links]]


def build_radio(scenario: Scenario, deployment: Deployment) -> RadioParts:
    """The air of a scenario."""
    radio = scenario.radio
    pathloss = _pathloss(scenario)
    gain = antenna_gain(site_dbi=radio.site_antenna_dbi, ue_dbi=radio.ue_antenna_dbi)
    noise = _noise(scenario)
    landscape = Landscape(
        deployment,
        pathloss,
        scenario.seed,
        gain,
        float(getattr(pathloss, "min_distance_m", 1.0)),
        scenario.topology.association,
        scenario.downlink.power_w,
        downlink_hz(scenario) * noise,
    )
    uplink = _uplink(scenario, deployment, landscape, noise)
    power = None
    if radio.power_control is not None:
        power = partial(
            open_loop_power_w,
            p0_dbm=radio.power_control.p0_dbm,
            alpha=radio.power_control.alpha,
            max_power_w=radio.max_power_w,
        )
    return RadioParts(
        uplink,
        partial(_links, scenario, landscape, uplink),
        lambda links: Deferred(partial(_success, scenario, landscape, uplink, links)),
        power,
        landscape,
        lambda world: partial(_links_in, landscape, uplink, world),
    )


def downlink_hz(scenario: Scenario) -> float:
    return scenario.downlink.bandwidth_hz or scenario.radio.bandwidth_hz


def _pathloss(scenario: Scenario) -> Pathloss:
    """The path loss with its parameters; its carrier is the radio's unless it is given one."""
    choice = scenario.radio.pathloss
    found = pathloss_class(choice.kind)
    given = choice.parameters
    if "carrier_hz" in {f.name for f in fields(found)}:
        given = {"carrier_hz": scenario.radio.carrier_hz, **given}
    return cast(Pathloss, found(**typed_parameters(found, given, "scenario: radio.pathloss")))


def _noise(scenario: Scenario) -> float:
    radio = scenario.radio
    if radio.noise_figure_db is not None:
        return noise_psd_w_hz(radio.noise_figure_db)
    return dbm_to_w(radio.noise_psd_dbm_hz)


def _links(
    scenario: Scenario, landscape: Landscape, uplink: Uplink | NetworkUplink, position_m: FloatArray
) -> Links:
    """Links of UEs at [K, 2], served by the learning gNB or by whom they are associated with."""
    if scenario.federation == "cell":
        gnb = np.full(len(position_m), landscape.deployment.learning_site)
    else:
        gnb = landscape.serving(position_m)
    return _links_to(landscape, uplink, position_m, gnb)


def _links_in(
    landscape: Landscape,
    uplink: Uplink | NetworkUplink,
    world: World,
    position_m: FloatArray,
    gnb: IntArray,
    present: BoolArray,
    time_s: float,
) -> Links:
    """Links at a time to the given gNBs [K]; gains of a trace where it has large-scale ones."""
    links = _links_to(landscape, uplink, position_m, gnb, present)
    if not world.traces.has("gain"):
        return links
    here, at = np.flatnonzero(present), np.array([time_s])
    gain, every = links.gain.copy(), links.site_gain
    gain[here] = world.gain(here, gnb[here], at)[:, 0]
    if every is not None:
        every = every.copy()
        every[here, gnb[here]] = gain[here]
    return replace(links, gain=gain, site_gain=every)


def _links_to(
    landscape: Landscape,
    uplink: Uplink | NetworkUplink,
    position_m: FloatArray,
    gnb: IntArray,
    present: BoolArray | None = None,
) -> Links:
    """Links to the given gNBs [K]; UEs that are not present disturb nobody."""
    distance, gain, efficiency, every = landscape.survey(
        position_m, gnb, keep=isinstance(uplink, NetworkUplink)
    )
    none = np.zeros(len(gnb))
    links = Links(position_m, gnb, distance, gain, none, none, efficiency, every, present)
    interference, noise = uplink.expected(links)
    return replace(links, interference_w=interference, noise_psd_w_hz=noise)


def _uplink(
    scenario: Scenario, deployment: Deployment, landscape: Landscape, noise: float
) -> Uplink | NetworkUplink:
    radio = scenario.radio
    model = RateModel(radio.rate_model, from_db(radio.sinr_threshold_db))
    coherence_s = coherence_time_s(radio.ue_speed_m_s, radio.carrier_hz)
    reallocates = radio.reallocation == "events"
    if radio.interference == "network":
        return NetworkUplink(
            seed=scenario.seed,
            sites=len(deployment.positions_m),
            bandwidth_hz=radio.bandwidth_hz,
            noise_psd_w_hz=noise,
            model=model,
            coherence_s=coherence_s,
            block_fading=radio.fading == "block",
            retransmissions=radio.retransmissions,
            reallocates=reallocates,
            max_power_w=radio.max_power_w,
            background_ues=radio.background_ues,
            places=_places(scenario, landscape) if radio.background_ues else None,
        )
    return Uplink(
        seed=scenario.seed,
        bandwidth_hz=radio.bandwidth_hz,
        noise_psd_w_hz=noise,
        model=model,
        interferers=_field(scenario, deployment, landscape),
        interferers_follow=scenario.interferers_follow,
        coherence_s=coherence_s if radio.fading == "block" else None,
        retransmissions=radio.retransmissions,
        reallocates=reallocates,
    )


def _field(scenario: Scenario, deployment: Deployment, landscape: Landscape) -> InterfererField:
    power_w = scenario.radio.max_power_w
    if not scenario.poisson_field:
        return SiteField(_places(scenario, landscape), power_w)
    pathloss = landscape.pathloss
    assert isinstance(pathloss, PowerLaw)
    return PoissonField(
        deployment.density_per_m2,
        scenario.interferer_law,
        pathloss,
        power_w,
        landscape.antenna_gain,
    )


def _places(scenario: Scenario, landscape: Landscape) -> CellPlaces:
    """Places in all cells, and their gains to all sites."""
    places = places_in_cells(landscape.deployment, PER_CELL, scenario.seed)
    sites, each, _ = places.shape
    gain = np.empty((sites, sites, each))
    for site, column in landscape.columns(places.reshape(-1, 2)):
        gain[site] = column.reshape(sites, each)
    return CellPlaces(gain)


def _success(
    scenario: Scenario, landscape: Landscape, uplink: Uplink | NetworkUplink, links: Links
) -> SuccessModel:
    """lambda for UEs with these links."""
    if scenario.radio.fading == "block":
        return _arrival(scenario, uplink, links)
    follow = scenario.radio.max_power_w if scenario.interferers_follow else None
    if scenario.success_form == "topology":
        if isinstance(uplink, NetworkUplink):
            received = _network_densities(uplink, links)
        else:
            assert isinstance(uplink.interferers, SiteField)
            received = _own_cell_silent(uplink.interferers.places.gain * uplink.max_power_w)
        return SiteLaplace(
            gnb=links.gnb,
            gain=links.gain,
            threshold=uplink.model.threshold,
            noise_psd_w_hz=uplink.noise_psd_w_hz,
            table=LaplaceTable.of(received),
            density=isinstance(uplink, NetworkUplink),
            follow_w=follow,
        )
    assert isinstance(landscape.pathloss, PowerLaw)  # held by the scenario
    return ClosedForm(
        distance_m=links.distance_m,
        density_per_m2=landscape.deployment.density_per_m2,
        threshold=uplink.model.threshold,
        pathloss=landscape.pathloss,
        antenna_gain=landscape.antenna_gain,
        noise_psd_w_hz=uplink.noise_psd_w_hz,
        interferer_power_w=None if scenario.interferers_follow else scenario.radio.max_power_w,
        law=scenario.interferer_law,
        form=scenario.success_form,
    )


def _own_cell_silent(received: FloatArray) -> list[FloatArray]:
    """From [site, cell, place] to one [site, place] per cell, 0 at the cell's own site."""
    cells = []
    for cell in range(received.shape[1]):
        heard = received[:, cell].copy()
        heard[cell] = 0.0
        cells.append(heard)
    return cells


def _network_densities(uplink: NetworkUplink, links: Links) -> list[FloatArray]:
    """Per cell, what each site hears, W/Hz, of the UE in a given part of that cell's band: one of
    the cell's UEs at P_max, on equal shares of it."""
    assert links.site_gain is not None
    cells = []
    for cell in range(uplink.sites):
        mine = (links.gnb == cell) & (links.present if links.present is not None else True)
        density = uplink.max_power_w / uplink.bandwidth_hz
        if mine.any():
            heard = links.site_gain[mine].T * mine.sum() * density
        elif uplink.places is not None:
            heard = uplink.places.gain[:, cell] * uplink.background_ues * density
        else:
            continue
        heard = heard.copy()
        heard[cell] = 0.0
        cells.append(heard)
    return cells or [np.zeros((uplink.sites, 0))]


def _arrival(scenario: Scenario, uplink: Uplink | NetworkUplink, links: Links) -> BlockArrival:
    """lambda under block fading."""
    network = isinstance(uplink, NetworkUplink)
    interference = np.empty((len(links), DRAWS, CHUNK_BLOCKS))
    if isinstance(uplink, NetworkUplink):
        fading = planning_fading(scenario.seed + 1, DRAWS * uplink.sites, CHUNK_BLOCKS)
        fading = fading.reshape(DRAWS, uplink.sites, CHUNK_BLOCKS)
        at_site = np.zeros((uplink.sites, DRAWS, CHUNK_BLOCKS))
        for cell, heard in enumerate(_network_densities(uplink, links)):
            if heard.shape[1]:
                pick = (np.arange(DRAWS) * 7 + cell * 3) % heard.shape[
                    1
                ]  # spread over the cell's UEs
                at_site += heard[:, pick, None] * fading[None, :, cell]
        interference[:] = at_site[links.gnb]
    else:
        for draw in range(DRAWS):
            found = uplink.interferers.draw(
                scenario.seed, PLANNING_ROUND, draw, links.distance_m, links.gnb
            )
            interference[:, draw] = found.block_power_w(0)
    return BlockArrival(
        gain=links.gain,
        interference=interference,
        density=network,
        noise_psd_w_hz=uplink.noise_psd_w_hz,
        model=uplink.model,
        coherence_s=coherence_time_s(scenario.radio.ue_speed_m_s, scenario.radio.carrier_hz),
        fading=planning_fading(scenario.seed, DRAWS, CHUNK_BLOCKS),
        follow_w=scenario.radio.max_power_w if scenario.interferers_follow else None,
    )
