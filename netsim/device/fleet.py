"""Hardware and data of the UEs of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from netsim.device.power import UePower
from netsim.protocols import HeldRows, Training
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Fleet:
    """Hardware and data of the K UEs, the same for the whole run."""

    device_class: list[str]  # [K]
    cpu_hz: FloatArray  # [K]
    energy_coefficient: FloatArray  # [K]
    cycles: FloatArray  # [K] of one module's local training
    compute_s: FloatArray  # [K]
    compute_energy_j: FloatArray  # [K]
    samples: IntArray  # [K] D_k
    label_counts: IntArray  # [K, class]
    name: tuple[str, ...] | None = None  # [K] in the trace that is replayed
    held: HeldRows | None = None  # what is told of the rows they hold
    power: UePower = field(default_factory=UePower)
    battery_j: float | None = None  # at the start; None: without end
    training: Training | None = None  # what their work was made from; None: it is not known

    def __len__(self) -> int:
        return len(self.cpu_hz)

    @property
    def computing_w(self) -> FloatArray:
        """[K] while computing."""
        return self.compute_energy_j / self.compute_s
