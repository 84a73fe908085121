"""Hardware and data of the UEs of a scenario."""

from __future__ import annotations

from typing import cast

from netsim.build.partition import held_rows
from netsim.device.compute import ENTRY_POINTS, ComputeModel, ModelShape, Training, compute_time_s
from netsim.device.energy import compute_energy_j
from netsim.device.profiles import DeviceClass, Devices, draw_devices
from netsim.errors import ScenarioError
from netsim.learning.builtin import model_folder
from netsim.learning.data.partition import Partition
from netsim.learning.model_shape import read_shape
from netsim.plugins import plugin_class
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.simulation.state import Fleet


def build_devices(scenario: Scenario) -> Devices:
    """Hardware drawn for every UE."""
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
    return draw_devices(classes, scenario.ue_count, scenario.seed)


FULL_WORK = 1.5  # of training every weight, to that of a LoRA module: the weight gradients (10.9)


def build_fleet(
    scenario: Scenario,
    devices: Devices,
    partition: Partition,
    *,
    full: bool,
    foundation_bits: float,
) -> Fleet:
    """What the simulation is told of the UEs. `full`: they train every weight."""
    training = Training(
        devices.samples, scenario.learning.local_steps, foundation_bits, lambda: _shape(scenario)
    )
    cycles = _compute_model(scenario).cycles(training) * (FULL_WORK if full else 1.0)
    return Fleet(
        device_class=[devices.class_names[i] for i in devices.class_index.tolist()],
        cpu_hz=devices.cpu_hz,
        energy_coefficient=devices.energy_coefficient,
        cycles=cycles,
        compute_s=compute_time_s(cycles, devices.cpu_hz),
        compute_energy_j=compute_energy_j(cycles, devices.cpu_hz, devices.energy_coefficient),
        samples=devices.samples,
        label_counts=partition.counts,
        held=held_rows(partition),
    )


def _compute_model(scenario: Scenario) -> ComputeModel:
    found = plugin_class(ENTRY_POINTS, scenario.compute.model, "scenario: compute.model")
    return cast(
        ComputeModel,
        found(**typed_parameters(found, scenario.compute.parameters, "scenario: compute")),
    )


def _shape(scenario: Scenario) -> ModelShape:
    if scenario.model.hub is not None:
        raise ScenarioError(
            "this model of computing needs the foundation model's config.json: give model.path",
            where="scenario: compute.model",
            value=scenario.compute.model,
        )
    return read_shape(scenario.model.path or model_folder())
