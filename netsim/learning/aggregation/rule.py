"""What turns the uploads of a round into new modules: the interface of a rule.

Uploads are folded in one by one and dropped, chunk by chunk in the order of the tickets. So memory
holds what a rule makes of them, and not one upload per UE.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netsim.learning.adapters import AdapterLayout, Vector

Partial = dict[str, NDArray[Any]]
"""What a rule remembers of the uploads of one module so far."""


@dataclass(frozen=True)
class Upload:
    """What one UE sends of one module: the trained tensors of its first `rank` ranks.

    Its tensors by name: layout.at_rank(rank).views(torch.from_numpy(vector)), of `start`, `update`
    or `end`.
    """

    module: int
    rank: int  # 0: a full module
    samples: int  # D_k
    staleness: int  # versions made since the UE downloaded
    start: Vector  # [sent] as downloaded
    update: Vector  # [sent] gradient (sgd) or start - end (adam)
    rate: float  # end = start - rate update

    @property
    def end(self) -> Vector:
        """The UE's tensors after its local steps. [sent]."""
        return self.start - np.float32(self.rate) * self.update


class Rule(Protocol):
    """One way to aggregate. `layout` is the module's layout at its own rank."""

    @abstractmethod
    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload; None before the first of a chunk."""
        ...

    @abstractmethod
    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join the partial results of an earlier and a later chunk."""
        ...

    @abstractmethod
    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module [layout.size] from the present one.

        What was not sent (a frozen head) stays. `rate` turns an averaged update into a step: the
        learning rate of sgd, 1 for adam.
        """
        ...
