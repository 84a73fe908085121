"""What a gNB passes to the core of the uploads that it has received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netsim.errors import InputError
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Stacked:
    """Factors of all uploads, where the rule needs the sum of their products.

    Or that sum itself, with what is needed beside it, where these are fewer bits. Only where there
    is one module.
    """

    averaged_bits: float  # in each upload, of what is averaged at the gNB: the head
    most_bits: float  # of the sum

    def __post_init__(self) -> None:
        for bits in (self.averaged_bits, self.most_bits):
            if not 0 <= bits < float("inf"):
                raise InputError("bits of the backhaul must be finite and not negative", value=bits)

    def bits_of(self, upload_bits: FloatArray) -> float:
        """Of uploads [n]."""
        factors = float((upload_bits - self.averaged_bits).sum())
        return self.averaged_bits + min(factors, self.most_bits)


@dataclass(frozen=True)
class Averages:
    """An average of each module that has arrived, where it is not as large as an upload."""

    of_module: Sequence[float]  # [N] bits


ToCore = float | Stacked | Averages | None
"""So many bits, a stack, or an average of each module: (None) as large as an upload of it."""


def bits_to_core(planned: ToCore, module: IntArray, upload_bits: FloatArray) -> float:
    """What one gNB passes on of the uploads [n] that have arrived there."""
    if isinstance(planned, float | int):
        return planned
    if not len(module):
        return 0.0
    if isinstance(planned, Averages):
        return float(sum(planned.of_module[one] for one in np.unique(module).tolist()))
    if planned is not None:
        return planned.bits_of(upload_bits)
    largest = np.zeros(int(module.max()) + 1)
    np.maximum.at(largest, module, upload_bits)
    return float(largest[largest > 0].sum())


def restored_to_core(state: float | Mapping[str, Any] | None) -> ToCore:
    """What `dataclasses.asdict` gave, as it was."""
    if not isinstance(state, Mapping):
        return state
    return Averages(**state) if "of_module" in state else Stacked(**state)
