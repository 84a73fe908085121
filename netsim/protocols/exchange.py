"""What a UE trains of a module, and what goes down and up for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from netsim.units import BoolArray, FloatArray, IntArray

LORA_A, LORA_B, HEAD = 1, 2, 4
"""Parts of a module: the A of all its layers, their B, the classification head. Parts add up."""
WHOLE = LORA_A | LORA_B | HEAD
PARTS = np.array([LORA_A, LORA_B, HEAD])
BASE = 8
"""Not of a module, but of the model: the frozen weights of the layers that it adapts."""


class PayloadSize(Protocol):
    """Size of what goes over the air: of the tensors sent, which depend on the UE's rank."""

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """Size, bit, of some `parts` of `module` [M] at `rank` [M]; None: the modules' own. [M]."""
        ...


WorkShare = Callable[[IntArray, IntArray | None, IntArray | int], FloatArray | float]
"""(module [M], rank [M], trained) -> work of training these parts over that of the whole. [M]."""


def all_work(module: IntArray, rank: IntArray | None, trained: IntArray | int) -> float:
    """Where nobody knows what the parts of a module are, they take the time of the whole."""
    return 1.0


@dataclass(frozen=True)
class Needs:
    """What M rows need before they can send."""

    down_bits: FloatArray  # [M] of what all rows of a module hear alike
    own_down_bits: FloatArray  # [M] of what only the row's UE hears
    work: FloatArray  # [M] over that of training the whole module once
    server_s: FloatArray  # [M] that the UE waits for its gNB besides

    @classmethod
    def of_modules(cls, down_bits: FloatArray) -> Needs:
        """Downloads of so many bits, and the training of whole modules."""
        nothing = np.zeros(len(down_bits))
        return cls(down_bits, nothing, np.ones(len(down_bits)), nothing)


@dataclass(frozen=True)
class Exchange:
    """What rows of a plan train, send and hear: one value for all rows, or one for each, [M].

    Parts are sums of LORA_A, LORA_B and HEAD. What is not trained is frozen: it has no gradient,
    and takes neither bits on the uplink nor work. What is trained but not sent stays at the UE,
    which goes on from its own when it trains again. What a UE holds already it need not hear again
    (schemes/held.py). Further bits are of what is no part of the module: residuals, masks, control
    variates.

    Where nothing is trained (0), and so nothing sent, the UE measures the loss of what it hears, by
    one forward pass, and sends the further bits. Nothing is aggregated of such a row.
    """

    trained: IntArray | int = WHOLE
    sent: IntArray | int | None = None  # parts that go up; None: those that are trained
    heard: IntArray | int = WHOLE  # parts that come down
    more_up_bits: FloatArray | float = 0.0
    more_down_bits: FloatArray | float = 0.0
    work: FloatArray | float = 1.0  # times that of training these parts once, as configured
    # bits for this UE alone, which no other row shares
    own_down_bits: FloatArray | float = 0.0
    # of the parts that are heard and sent, what goes over the air; the rest of them is at the gNB
    on_air: FloatArray | float = 1.0
    server_s: FloatArray | float = 0.0  # it waits so long for its gNB's computing
    # part of the neurons of each feed-forward layer of the model, 0 to 1, that the UE leaves out;
    # what that saves is said by `work`
    pruned: FloatArray | float = 0.0

    @property
    def sent_parts(self) -> IntArray | int:
        """Parts that go up."""
        return self.trained if self.sent is None else self.sent

    def up_bits(
        self,
        size_of: PayloadSize,
        module: IntArray,
        rank: IntArray | None,
    ) -> FloatArray:
        """Size of the uploads, bit. [M]."""
        return size_of(module, rank, self.sent_parts) * self.on_air + self.more_up_bits

    def needs(
        self,
        size_of: PayloadSize,
        share_of: WorkShare,
        module: IntArray,
        rank: IntArray | None,
    ) -> Needs:
        """What goes before the uploads; sizes of downloads and work are those of all parts. [M]."""
        each = np.ones(len(module))
        share = share_of(module, rank, self.trained)
        return Needs(
            down_bits=size_of(module, rank, self.heard) * self.on_air + self.more_down_bits,
            own_down_bits=each * self.own_down_bits,
            work=each * self.work * share,
            server_s=each * self.server_s,
        )

    def columns(self) -> list[NDArray[Any]]:
        """What is given row by row, [M] each."""
        return [value for value in self.__dict__.values() if isinstance(value, np.ndarray)]

    def select(self, rows: BoolArray | IntArray) -> Self:
        """Of some rows."""
        chosen = {name: _of(value, rows) for name, value in self.__dict__.items()}
        return replace(self, **chosen)


WHOLE_MODULES = Exchange()
"""They are trained, and go down and up, as a whole."""


def _of(value: Any, rows: BoolArray | IntArray) -> Any:
    return value[rows] if isinstance(value, np.ndarray) else value
