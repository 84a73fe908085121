"""What aggregation has added to the frozen weights, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.adapters import PREFIX, A

Deltas = dict[str, NDArray[np.float32]]
"""Path of a layer in the model -> [out, in]."""


@dataclass
class BaseDelta:
    """Sum of the changes so far. Empty for most schemes."""

    deltas: Deltas = field(default_factory=dict)
    version: int = 0  # round of the last change; 0: none yet

    def add(
        self,
        round: int,
        changes: Mapping[str, NDArray[Any]],
    ) -> None:
        """Take up the changes of a round, by the names of the layers' A."""
        new = dict(self.deltas)  # jobs may still hold the former
        for name, change in changes.items():
            path = name.removeprefix(PREFIX).removesuffix(A)
            former = new.get(path, np.float32(0.0))
            new[path] = (former + change).astype(np.float32)
        self.deltas = new
        self.version = round

    @property
    def finite(self) -> bool:
        """Are all of its numbers?"""
        return all(np.isfinite(delta).all() for delta in self.deltas.values())


def put_on(
    model: Any,
    deltas: Deltas,
    originals: dict[str, torch.Tensor],
    *,
    transposed: bool,
) -> None:
    """Set the weights of the layers to what they were and the deltas.

    `originals` keeps what they were, from the first time on. transposed: the model stores
    [in, out].
    """
    with torch.no_grad():
        for path, delta in deltas.items():
            weight = model.get_parameter(f"{path}.weight")
            if path not in originals:
                originals[path] = weight.detach().clone()
            change = torch.from_numpy(delta).to(weight.device)
            moved = originals[path].float() + (change.t() if transposed else change)
            weight.copy_(moved)
