"""Work, time and energy of the specification's table, and the drawing of device classes."""

from __future__ import annotations

import numpy as np
import pytest

from netsim.device.compute import (
    Flops,
    ModelBits,
    SampleBits,
    compute_time_s,
    cycles_from_flops,
    cycles_from_sample_bits,
)
from netsim.device.energy import compute_energy_j, transmit_energy_j
from netsim.device.profiles import DeviceClass, draw_devices
from netsim.protocols import ModelShape, Training

CLASSES = (
    DeviceClass("fast", 1.0, (2e9, 3e9), (10, 20), 1e-27),
    DeviceClass("slow", 3.0, (1e8, 2e8), (4, 4), 2e-27),
)


@pytest.mark.parametrize(("bits", "seconds", "joules"), [(4096, 0.258, 0.87), (1024, 0.064, 0.22)])
def test_sample_bits_table(bits: float, seconds: float, joules: float) -> None:
    cycles = cycles_from_sample_bits(
        np.array([32]), local_steps=4, sample_bits=bits, cycles_per_bit=737.5
    )
    cpu_hz = np.array([1.5e9])
    assert compute_time_s(cycles, cpu_hz)[0] == pytest.approx(seconds, rel=0.01)
    assert compute_energy_j(cycles, cpu_hz, np.array([1e-27]))[0] == pytest.approx(joules, rel=0.02)


@pytest.mark.parametrize(("flops_per_cycle", "seconds"), [(32, 29.0), (1024, 0.91)])
def test_flops_of_roberta_base(flops_per_cycle: float, seconds: float) -> None:
    cycles = cycles_from_flops(
        np.array([32]),
        local_steps=4,
        parameters=85.05e6,
        layers=12,
        hidden=768,
        tokens=32,
        flops_per_cycle=flops_per_cycle,
    )
    assert compute_time_s(cycles, np.array([1.5e9]))[0] == pytest.approx(seconds, rel=0.01)


def test_transmit_energy() -> None:
    assert transmit_energy_j(np.array([0.2]), np.array([0.5]))[0] == 0.1


def test_classes_come_in_their_shares_and_bounds() -> None:
    devices = draw_devices(CLASSES, 20_000, seed=1)
    slow = devices.class_index == 1
    assert slow.mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 20_000))
    assert devices.cpu_hz[slow].min() >= 1e8
    assert devices.cpu_hz[slow].max() <= 2e8
    assert set(devices.samples[~slow].tolist()) == set(range(10, 21))
    assert (devices.samples[slow] == 4).all()


def test_more_ues_leave_the_earlier_devices() -> None:
    few, many = draw_devices(CLASSES, 10, 1), draw_devices(CLASSES, 100, 1)
    assert np.array_equal(few.cpu_hz, many.cpu_hz[:10])
    assert np.array_equal(few.samples, many.samples[:10])


def test_models_of_the_work() -> None:
    work = Training(np.array([1, 32]), 4, 4e9, lambda: ModelShape(12, 768, 85_054_464))
    assert SampleBits().cycles(work) / 1.5e9 == pytest.approx([0.258 / 32, 0.258], rel=0.01)
    assert ModelBits().cycles(work) / 1.5e9 == pytest.approx(
        [7.9e3, 2.5e5], rel=0.01
    )  # 2.2 h, 2.9 days
    assert Flops(32, 32).cycles(work)[1] / 1.5e9 == pytest.approx(29.0, rel=0.02)
