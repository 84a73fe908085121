"""Hardware and data of the UEs of a scenario."""

from __future__ import annotations

from netsim.device.compute import compute_time_s, cycles_from_flops, cycles_from_sample_bits
from netsim.device.energy import compute_energy_j
from netsim.device.profiles import DeviceClass, Devices, draw_devices
from netsim.errors import ScenarioError
from netsim.learning.builtin import model_folder
from netsim.learning.partition import Partition
from netsim.learning.shape import read_shape
from netsim.scenario.model import Scenario
from netsim.simulation.state import Fleet
from netsim.units import FloatArray


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
    return draw_devices(classes, scenario.ues.count, scenario.seed)


FULL_WORK = 1.5  # of training every weight, to that of a LoRA module: the weight gradients (10.9)


def build_fleet(scenario: Scenario, devices: Devices, partition: Partition, *, full: bool) -> Fleet:
    """What the simulation is told of the UEs. `full`: they train every weight."""
    cycles = _cycles(scenario, devices) * (FULL_WORK if full else 1.0)
    return Fleet(
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
