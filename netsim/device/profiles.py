"""Device classes: what hardware a UE is, drawn by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netsim import rng
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class DeviceClass:
    """A kind of UE. Clock rates and samples per round are uniform between their bounds."""

    name: str
    share: float  # of the UEs, relative to the other classes
    cpu_hz: tuple[float, float]
    samples: tuple[int, int]  # D_k, inclusive
    energy_coefficient: float  # rho, J s^2 / cycle^3


@dataclass(frozen=True)
class Devices:
    """The hardware of K UEs."""

    class_index: IntArray  # [K]
    class_names: tuple[str, ...]
    cpu_hz: FloatArray  # [K]
    samples: IntArray  # [K]
    energy_coefficient: FloatArray  # [K]


def draw_devices(
    classes: Sequence[DeviceClass],
    count: int,
    seed: int,
) -> Devices:
    """Hardware of `count` UEs; adding UEs leaves the earlier ones as they were."""
    shares = np.array([c.share for c in classes])
    edges = np.cumsum(shares) / shares.sum()
    u = rng.stream(seed, "device_class").random(count)
    found = np.searchsorted(edges, u, side="right")
    index = np.minimum(found, len(classes) - 1).astype(np.int64)
    energy_coefficient = np.array([c.energy_coefficient for c in classes])
    return Devices(
        class_index=index,
        class_names=tuple(c.name for c in classes),
        cpu_hz=_clock_rates_hz(classes, index, seed),
        samples=_samples(classes, index, seed),
        energy_coefficient=energy_coefficient[index],
    )


def _clock_rates_hz(
    classes: Sequence[DeviceClass],
    index: IntArray,
    seed: int,
) -> FloatArray:
    """Uniform between the bounds of each UE's class. [K]."""
    low, high = np.array([c.cpu_hz for c in classes]).T
    u = rng.stream(seed, "cpu_hz").random(len(index))
    return np.asarray(low[index] + u * (high - low)[index])


def _samples(
    classes: Sequence[DeviceClass],
    index: IntArray,
    seed: int,
) -> IntArray:
    """Uniform between the bounds of each UE's class, both included. [K]."""
    low, high = np.array([c.samples for c in classes]).T
    u = rng.stream(seed, "round_samples").random(len(index))
    choices = (high - low + 1)[index]
    return np.asarray(low[index] + np.floor(u * choices).astype(np.int64))
