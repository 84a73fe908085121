"""Work of local training, as models of computing are told of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class ModelShape:
    """Layers of width `hidden`, with `layer_parameters` weights in all layers together."""

    layers: int
    hidden: int
    layer_parameters: int

    @property
    def feed_forward_share(self) -> float:
        """Part of a layer's weights that is not the attention's, 4 h^2."""
        return 1.0 - 4 * self.hidden**2 * self.layers / self.layer_parameters


@dataclass(frozen=True)
class Training:
    """Local training of one LoRA module in one round."""

    samples: IntArray  # [K] D_k
    local_steps: int  # tau
    model_bits: float  # G^w, size of the foundation model on the air
    shape: Callable[[], ModelShape]  # of the foundation model, read when asked for
    cycles: FloatArray | None = None  # [K] in a round, once a model of computing has told them
    # (round, UEs [M]) -> tokens of all their samples of the round [M]; None: nothing is learnt
    tokens: Callable[[int, IntArray], IntArray] | None = None


class ComputeModel(Protocol):
    """What the work of local training is proportional to. Entry point group `netsim.compute`."""

    @abstractmethod
    def cycles(self, training: Training) -> FloatArray:
        """Processor cycles of each UE. [K]."""
        ...
