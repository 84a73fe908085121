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


def draw_devices(classes: Sequence[DeviceClass], count: int, seed: int) -> Devices:
    """Hardware of `count` UEs; adding UEs leaves the earlier ones as they were."""
    shares = np.array([c.share for c in classes])
    edges = np.cumsum(shares) / shares.sum()
    index = np.searchsorted(edges, rng.stream(seed, "device_class").random(count), side="right")
    index = np.minimum(index, len(classes) - 1)
    low_hz, high_hz = np.array([c.cpu_hz for c in classes]).T
    cpu_hz = low_hz[index] + rng.stream(seed, "cpu_hz").random(count) * (high_hz - low_hz)[index]
    low, high = np.array([c.samples for c in classes]).T
    u = rng.stream(seed, "round_samples").random(count)
    samples = low[index] + np.floor(u * (high - low + 1)[index]).astype(np.int64)
    rho = np.array([c.energy_coefficient for c in classes])[index]
    return Devices(index.astype(np.int64), tuple(c.name for c in classes), cpu_hz, samples, rho)
