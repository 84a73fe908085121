"""Hardware and data of the UEs of a scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from netsim.assembly.partition import held_rows
from netsim.device.compute import ENTRY_POINTS, FULL_WORK, compute_time_s
from netsim.device.energy import compute_energy_j
from netsim.device.fleet import Fleet
from netsim.device.power import GnbPower, UePower
from netsim.device.profiles import DeviceClass, Devices, draw_devices
from netsim.errors import ScenarioError
from netsim.learning.builtin import model_folder
from netsim.learning.data.partition import Partition
from netsim.learning.model_shape import read_shape
from netsim.plugins import plugin_class
from netsim.protocols import ComputeModel, Learner, ModelShape, Training
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters


def build_devices(scenario: Scenario) -> Devices:
    """Hardware drawn for every UE."""
    classes = [
        DeviceClass(
            device.name,
            device.share,
            (device.cpu_hz_min, device.cpu_hz_max),
            (device.samples_min, device.samples_max),
            device.energy_coefficient,
        )
        for device in scenario.devices
    ]
    return draw_devices(classes, scenario.ue_count, scenario.seed)


def build_fleet(
    scenario: Scenario,
    devices: Devices,
    partition: Partition,
    *,
    full: bool,
    foundation_bits: float,
    names: tuple[str, ...] | None,
    learner: Learner | None,
) -> Fleet:
    """What the simulation is told of the UEs.

    full: they train every weight. names: theirs in the trace that is replayed. learner: knows the
    texts; None: nothing is learnt.
    """
    training = Training(
        devices.samples,
        scenario.learning.local_steps,
        foundation_bits,
        lambda: _model_shape(scenario),
        tokens=None if learner is None else learner.tokens,
    )
    cycles = _compute_model(scenario).cycles(training) * (FULL_WORK if full else 1.0)
    energy_j = compute_energy_j(cycles, devices.cpu_hz, devices.energy_coefficient)
    return Fleet(
        device_class=[devices.class_names[index] for index in devices.class_index.tolist()],
        cpu_hz=devices.cpu_hz,
        energy_coefficient=devices.energy_coefficient,
        cycles=cycles,
        compute_s=compute_time_s(cycles, devices.cpu_hz),
        compute_energy_j=energy_j,
        samples=devices.samples,
        label_counts=partition.counts,
        held=held_rows(partition),
        name=names,
        power=_ue_power(scenario),
        battery_j=scenario.device.battery_j,
        training=replace(training, cycles=cycles),
    )


def _ue_power(scenario: Scenario) -> UePower:
    """What the states of a UE draw."""
    device = scenario.device
    if device.power == "transmit_only":
        return UePower()
    return UePower(
        efficiency=device.pa_efficiency,
        circuit_w=device.circuit_w,
        receive_w=device.receive_w,
        awake_w=device.awake_w,
        sleep_w=device.sleep_w,
        idle_w=device.idle_w,
        inactivity_s=device.inactivity_s,
    )


def build_gnb_power(scenario: Scenario) -> GnbPower | None:
    """What a gNB draws; None where it is not accounted for."""
    device = scenario.device
    if device.gnb_power == "none":
        return None
    return GnbPower(
        static_w=device.gnb_static_w,
        slope=device.gnb_slope,
        radiated_w=scenario.downlink.power_w,
    )


def _compute_model(scenario: Scenario) -> ComputeModel:
    """The model of computing with its parameters."""
    chosen = scenario.compute
    found = plugin_class(ENTRY_POINTS, chosen.model, "scenario: compute.model")
    parameters = typed_parameters(found, chosen.parameters, "scenario: compute")
    return cast(ComputeModel, found(**parameters))


def _model_shape(scenario: Scenario) -> ModelShape:
    """Layers and sizes of the foundation model, from its config.json."""
    if scenario.model.hub is not None:
        raise ScenarioError(
            "the layers of the foundation model must be known here, so its folder must be given",
            where="scenario: model.path",
            value=scenario.model.hub,
        )
    return read_shape(scenario.model.path or model_folder())
