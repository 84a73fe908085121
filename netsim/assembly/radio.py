"""The radio side of a scenario: path loss, links and the uplink."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import cast

import numpy as np

from netsim.assembly.link_layer import build_rate_model, downlink_hz, fading_block_s
from netsim.assembly.planning import expected_gains, expected_interference
from netsim.assembly.sharing import build_sic, planned_as_pairs
from netsim.assembly.success import SuccessModels
from netsim.changing_channel import ChangingChannel
from netsim.protocols import Pathloss
from netsim.radio.budget import antenna_gain, noise_psd_w_hz
from netsim.radio.fading import doppler_hz
from netsim.radio.interference import InterfererField, PoissonField, SiteField
from netsim.radio.link_rows import LinkRows
from netsim.radio.pathloss import PowerLaw, pathloss_class
from netsim.radio.places import PER_CELL, CellPlaces
from netsim.radio.power_control import Powers, TransmitPower, open_loop_power_w
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.simulation.air.field import FieldUplink
from netsim.simulation.air.network import NetworkUplink
from netsim.simulation.motion.roaming import LinksOf
from netsim.simulation.opening import Setting
from netsim.simulation.state import Links
from netsim.topology.association import places_in_cells
from netsim.topology.deployment import Deployment
from netsim.topology.landscape import Landscape
from netsim.topology.strongest import places_where_strongest
from netsim.units import BoolArray, FloatArray, IntArray, dbm_to_w


@dataclass(frozen=True)
class RadioParts:
    """What the simulation and the schemes are told of the air."""

    landscape: Landscape
    uplink: FieldUplink | NetworkUplink
    powers: Powers
    success_of: SuccessModels
    one_cell: bool  # only the learning site serves
    standing_m_s: float  # speed behind the fading of UEs that stand
    setting: Setting | None  # by what is to be sent the load is expected; None: it is full

    def links_of(self, position_m: FloatArray) -> Links:
        """Links of UEs at [K, 2], to the learning gNB or the one they are associated with."""
        if self.one_cell:
            gnb = np.full(len(position_m), self.landscape.deployment.learning_site)
        else:
            gnb = self.landscape.serving(position_m)
        return self._links_to(position_m, gnb)

    def links_in(self, changing: ChangingChannel) -> LinksOf:
        """Links of UEs under way, by traces of large-scale gains where there are any."""
        return partial(self._links_at, changing)

    def _pace(self, changing: ChangingChannel, time_s: float) -> FloatArray:
        """Speeds over that which stands for what moves around a UE that stands. [K]."""
        return np.maximum(changing.journey.speed_m_s(time_s) / self.standing_m_s, 1.0)

    def _links_at(
        self,
        changing: ChangingChannel,
        position_m: FloatArray,
        gnb: IntArray,
        present: BoolArray,
        time_s: float,
    ) -> Links:
        links = self._links_to(position_m, gnb, present)
        if changing.moves:
            links = replace(links, pace=self._pace(changing, time_s))
        if not changing.traces.has("gain"):
            return links
        here = links.ues_present
        first = np.ones_like(here)
        rows = LinkRows(
            ue=here,
            site=gnb[here],
            attempt=first,
            begun_round=first,
        )
        gain = links.gain.copy()
        gain[here] = changing.gain(rows, np.array([time_s]))[:, 0]
        every = links.site_gain
        if every is not None:
            every = every.copy()
            every[here, gnb[here]] = gain[here]
        return replace(links, gain=gain, site_gain=every)

    def _links_to(
        self, position_m: FloatArray, gnb: IntArray, present: BoolArray | None = None
    ) -> Links:
        """Links to the given gNBs [K]; UEs that are not present disturb nobody."""
        keep = isinstance(self.uplink, NetworkUplink)
        survey = self.landscape.survey(position_m, gnb, keep=keep)
        unknown = np.zeros(len(gnb))
        links = Links(
            position_m=position_m,
            gnb=gnb,
            distance_m=survey.distance_m,
            gain=survey.gain,
            interference_w=unknown,
            noise_psd_w_hz=unknown,
            downlink_efficiency=survey.downlink_efficiency,
            pace=np.ones(len(gnb)),
            site_gain=survey.site_gain,
            present=present,
        )
        links = replace(links, heard_gain=expected_gains(self.uplink, links, self.setting))
        interference_w, noise = expected_interference(self.uplink, links)
        return replace(links, interference_w=interference_w, noise_psd_w_hz=noise)


def build_radio(
    scenario: Scenario, deployment: Deployment, setting: Setting | None = None
) -> RadioParts:
    """The air of a scenario; setting: what is to be sent, by which the load is expected.

    Without, or with idle cells loaded, all UEs are expected to be on the air all the time.
    """
    landscape = build_landscape(scenario, deployment)
    uplink = _uplink(scenario, landscape)
    return RadioParts(
        landscape=landscape,
        uplink=uplink,
        powers=_powers(scenario),
        success_of=SuccessModels(scenario, landscape, uplink),
        one_cell=scenario.federation == "cell",
        standing_m_s=scenario.radio.ue_speed_m_s,
        setting=None if scenario.radio.background_ues else setting,
    )


def build_landscape(scenario: Scenario, deployment: Deployment) -> Landscape:
    """Sites with their path loss, antennas and downlink."""
    radio, pathloss = scenario.radio, _pathloss(scenario)
    return Landscape(
        deployment=deployment,
        pathloss=pathloss,
        seed=scenario.seed,
        antenna_gain=antenna_gain(site_dbi=radio.site_antenna_dbi, ue_dbi=radio.ue_antenna_dbi),
        min_distance_m=_least_distance_m(pathloss),
        association=scenario.topology.association,
        downlink_power_w=scenario.downlink.power_w,
        downlink_noise_w=downlink_hz(scenario) * _downlink_psd_w_hz(scenario),
    )


def _pathloss(scenario: Scenario) -> Pathloss:
    """The path loss with its parameters; its carrier is the radio's unless it is given one."""
    choice = scenario.radio.pathloss
    found = pathloss_class(choice.kind)
    given = choice.parameters
    if "carrier_hz" in {field.name for field in fields(found)}:
        given = {"carrier_hz": scenario.radio.carrier_hz, **given}
    parameters = typed_parameters(found, given, "scenario: radio.pathloss")
    return cast(Pathloss, found(**parameters))


def _least_distance_m(pathloss: Pathloss) -> float:
    """Distance below which the path loss does not change; a plug-in need not have one."""
    parameters = asdict(pathloss)  # type: ignore[call-overload]
    return float(parameters.get("min_distance_m", 1.0))


def _noise_psd_w_hz(scenario: Scenario) -> float:
    radio = scenario.radio
    if radio.noise_figure_db is not None:
        return noise_psd_w_hz(radio.noise_figure_db)
    return dbm_to_w(radio.noise_psd_dbm_hz)


def _downlink_psd_w_hz(scenario: Scenario) -> float:
    """Noise density at the UEs."""
    figure_db = scenario.downlink.noise_figure_db
    return _noise_psd_w_hz(scenario) if figure_db is None else noise_psd_w_hz(figure_db)


def _powers(scenario: Scenario) -> Powers:
    """Limits of transmit power, and power control if there is any."""
    radio, control = scenario.radio, scenario.radio.power_control
    if control is None:
        return Powers(radio.min_power_w, radio.max_power_w)
    controlled_w = partial(
        open_loop_power_w,
        p0_dbm=control.p0_dbm,
        alpha=control.alpha,
        min_power_w=radio.min_power_w,
        max_power_w=radio.max_power_w,
    )
    return Powers(radio.min_power_w, radio.max_power_w, controlled_w)


def _uplink(scenario: Scenario, landscape: Landscape) -> FieldUplink | NetworkUplink:
    """What governs the uplink."""
    radio = scenario.radio
    model = planned_as_pairs(scenario, build_rate_model(scenario))
    coherence_s = fading_block_s(radio)
    reallocates = radio.reallocation == "events"
    if radio.interference == "network":
        return NetworkUplink(
            seed=scenario.seed,
            sites=len(landscape.deployment.positions_m),
            bandwidth_hz=radio.bandwidth_hz,
            noise_psd_w_hz=_noise_psd_w_hz(scenario),
            model=model,
            coherence_s=coherence_s,
            block_fading=radio.fading == "block",
            retransmissions=radio.retransmissions,
            reallocates=reallocates,
            max_power_w=radio.max_power_w,
            background_ues=radio.background_ues,
            places=_places(scenario, landscape) if radio.background_ues else None,
        )
    return FieldUplink(
        seed=scenario.seed,
        bandwidth_hz=radio.bandwidth_hz,
        noise_psd_w_hz=_noise_psd_w_hz(scenario),
        model=model,
        interferers=_interferers(scenario, landscape),
        interferers_follow=scenario.interferers_follow,
        coherence_s=coherence_s if radio.fading == "block" else None,
        retransmissions=radio.retransmissions,
        reallocates=reallocates,
        doppler_hz=_doppler_hz(scenario),
        sic=build_sic(scenario),
    )


def _doppler_hz(scenario: Scenario) -> float:
    """Largest Doppler shift of UEs that stand; NaN where fading is not correlated in time."""
    radio = scenario.radio
    if radio.block_correlation == "none":
        return np.nan
    return float(doppler_hz(radio.ue_speed_m_s, radio.carrier_hz))


def _interferers(scenario: Scenario, landscape: Landscape) -> InterfererField:
    """The field of interferers from other cells, under the power control of all UEs."""
    power_w = scenario.radio.max_power_w
    persistent = scenario.radio.interferers == "persistent"
    power_of = None
    controlled_w = _powers(scenario).controlled_w
    if controlled_w is not None and not scenario.interferers_follow:
        cells = 1
        if scenario.federation == "network":
            cells = len(landscape.deployment.positions_m)
        share = min(cells / scenario.ue_count, 1.0)
        power_of = partial(_power_of, controlled_w, scenario.radio.bandwidth_hz * share)
    if not scenario.poisson_field:
        return SiteField(_places(scenario, landscape), power_w, power_of, persistent)
    assert isinstance(landscape.pathloss, PowerLaw)
    return PoissonField(
        density_per_m2=landscape.deployment.density_per_m2,
        law=scenario.interferer_law,
        pathloss=landscape.pathloss,
        power_w=power_w,
        antenna_gain=landscape.antenna_gain,
        power_of=power_of,
        persistent=persistent,
    )


def _power_of(
    controlled_w: TransmitPower,
    bandwidth_hz: float,
    gain: FloatArray,
) -> FloatArray:
    """Power of interferers by the gain to their own gNBs, in a band like that of a UE's share."""
    return controlled_w(gain, np.array(bandwidth_hz))


def _places(scenario: Scenario, landscape: Landscape) -> CellPlaces:
    """Places in all cells, and their gains to all sites."""
    if landscape.association == "strongest":
        places_m = places_where_strongest(landscape, PER_CELL, scenario.seed)
    else:
        places_m = places_in_cells(landscape.deployment, PER_CELL, scenario.seed)
    sites, each, _ = places_m.shape
    all_m = places_m.reshape(-1, 2)

    def gain_at_home() -> FloatArray:
        return landscape.link_gain(all_m, np.repeat(np.arange(sites), each)).reshape(sites, each)

    return CellPlaces(
        sites=sites,
        per_cell=each,
        gain_to=lambda site: landscape.column(all_m, site).reshape(sites, each),
        gain_at_home=gain_at_home,
    )
