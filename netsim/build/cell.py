"""The radio side of a scenario: sites, hardware, the learning cell, its uplink and success model."""

from __future__ import annotations

import numpy as np

from netsim.device.compute import compute_time_s, cycles_from_flops, cycles_from_sample_bits
from netsim.device.energy import compute_energy_j
from netsim.device.profiles import DeviceClass, Devices, draw_devices
from netsim.errors import ScenarioError
from netsim.learning.builtin import model_folder
from netsim.learning.partition import Partition
from netsim.learning.shape import read_shape
from netsim.protocols import SuccessModel
from netsim.radio.coverage import mean_interference_w
from netsim.radio.downlink import downlink_sinr
from netsim.radio.fading import coherence_time_s
from netsim.radio.interference import PoissonField
from netsim.radio.pathloss import PowerLaw
from netsim.radio.shadowing import shadowing_gain
from netsim.radio.success import ClosedForm
from netsim.scenario.model import Scenario
from netsim.simulation.state import Cell
from netsim.simulation.uplink import Uplink
from netsim.topology.association import drop_in_cell
from netsim.topology.deployment import Deployment, explicit_sites, hexagonal_sites, poisson_sites
from netsim.topology.files import read_sites
from netsim.units import FloatArray, dbm_to_w, from_db


def build_deployment(scenario: Scenario) -> Deployment:
    """Sites of the scenario."""
    topology = scenario.topology
    if topology.kind == "file":
        assert topology.path is not None  # held by the model
        return explicit_sites(read_sites(topology.path), learning_site=topology.learning_site)
    if topology.learning_site not in (None, 0):
        raise ScenarioError(
            "only a site file lets you choose; ppp and hex learn at the central site, 0",
            where="scenario: topology.learning_site",
            value=topology.learning_site,
        )
    if topology.kind == "hex":
        return hexagonal_sites(density_per_km2=topology.density_per_km2, window_km=topology.window_km)
    return poisson_sites(
        density_per_km2=topology.density_per_km2, window_km=topology.window_km, seed=scenario.seed
    )


def build_devices(scenario: Scenario) -> Devices:
    classes = [
        DeviceClass(
            d.name,
            d.share,
            (d.cpu_hz_min, d.cpu_hz_max),
            (d.samples_min, d.samples_max),
            d.energy_coefficient,
        )
        for d in scenario.devices
    ]
    return draw_devices(classes, scenario.ues.count, scenario.seed)


def build_cell(scenario: Scenario, deployment: Deployment, devices: Devices, partition: Partition) -> Cell:
    radio = scenario.radio
    pathloss = _pathloss(scenario)
    site = deployment.positions_m[deployment.learning_site]
    position = drop_in_cell(deployment, scenario.ues.count, scenario.seed)
    distance = np.maximum(np.sqrt(((position - site) ** 2).sum(axis=1)), radio.min_distance_m)
    shadowing = shadowing_gain(len(position), std_db=radio.shadowing_std_db, seed=scenario.seed)
    sinr = downlink_sinr(
        position,
        deployment.positions_m,
        deployment.learning_site,
        pathloss=pathloss,
        power_w=scenario.downlink.power_w,
        noise_w=downlink_hz(scenario) * dbm_to_w(radio.noise_psd_dbm_hz),
        signal_factor=shadowing,
    )
    interference = mean_interference_w(
        distance,
        density_per_m2=deployment.density_per_m2,
        interferer_power_w=radio.max_power_w,
        pathloss_exponent=radio.pathloss_exponent,
        law=radio.interferer_law,
        min_distance_m=radio.min_distance_m,
        reference_gain=from_db(-radio.reference_loss_db),
        capped=True,  # as the path loss, which takes shorter distances as min_distance_m
    )
    cycles = _cycles(scenario, devices)
    return Cell(
        gnb=deployment.learning_site,
        position_m=position,
        distance_m=distance,
        gain=pathloss.gain(distance) * shadowing,
        mean_interference_w=interference,
        downlink_efficiency=np.log2(1 + sinr),
        device_class=[devices.class_names[i] for i in devices.class_index.tolist()],
        cpu_hz=devices.cpu_hz,
        energy_coefficient=devices.energy_coefficient,
        cycles=cycles,
        compute_s=compute_time_s(cycles, devices.cpu_hz),
        compute_energy_j=compute_energy_j(cycles, devices.cpu_hz, devices.energy_coefficient),
        samples=devices.samples,
        label_counts=partition.counts,
    )


def _cycles(scenario: Scenario, devices: Devices) -> FloatArray:
    compute, steps = scenario.compute, scenario.learning.local_steps
    if compute.model == "sample_bits":
        return cycles_from_sample_bits(
            devices.samples,
            local_steps=steps,
            sample_bits=compute.sample_bits,
            cycles_per_bit=compute.cycles_per_bit,
        )
    if scenario.model.hub is not None:
        raise ScenarioError(
            "flops needs the model's config.json: give model.path",
            where="scenario: compute.model",
            value="flops",
        )
    shape = read_shape(scenario.model.path or model_folder())
    return cycles_from_flops(
        devices.samples,
        local_steps=steps,
        parameters=shape.layer_parameters,
        layers=shape.layers,
        hidden=shape.hidden,
        tokens=compute.tokens_per_sample,
        flops_per_cycle=compute.flops_per_cycle,
    )


def build_uplink(scenario: Scenario, deployment: Deployment) -> Uplink:
    radio = scenario.radio
    field = PoissonField(
        deployment.density_per_m2, radio.interferer_law, _pathloss(scenario), radio.max_power_w
    )
    coherence = coherence_time_s(radio.ue_speed_m_s, radio.carrier_hz) if radio.fading == "block" else None
    return Uplink(
        seed=scenario.seed,
        bandwidth_hz=radio.bandwidth_hz,
        noise_psd_w_hz=dbm_to_w(radio.noise_psd_dbm_hz),
        threshold=from_db(radio.sinr_threshold_db),
        field=field,
        interferers_follow=scenario.interferers_follow,
        coherence_s=coherence,
    )


def build_success(scenario: Scenario, deployment: Deployment) -> SuccessModel:
    radio = scenario.radio
    return ClosedForm(
        density_per_m2=deployment.density_per_m2,
        threshold=from_db(radio.sinr_threshold_db),
        pathloss=_pathloss(scenario),
        noise_psd_w_hz=dbm_to_w(radio.noise_psd_dbm_hz),
        interferer_power_w=None if scenario.interferers_follow else radio.max_power_w,
        law=radio.interferer_law,
        form=scenario.success_form,
    )


def _pathloss(scenario: Scenario) -> PowerLaw:
    radio = scenario.radio
    return PowerLaw(radio.pathloss_exponent, radio.reference_loss_db, radio.min_distance_m)


def downlink_hz(scenario: Scenario) -> float:
    return scenario.downlink.bandwidth_hz or scenario.radio.bandwidth_hz
