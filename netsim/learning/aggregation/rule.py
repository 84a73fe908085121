"""What turns the uploads of a round into new modules: the interface of a rule, and the average.

Uploads are folded in one by one and dropped, chunk by chunk in the order of the tickets, so memory
holds what a rule makes of them and not one upload per UE. Rules have names, which schemes give
(`rules.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netsim.learning.adapters import Layout, Vector

Partial = dict[str, NDArray[Any]]
"""What a rule remembers of the uploads of one module so far."""


@dataclass(frozen=True)
class Upload:
    """What one UE sends of one module: the trained tensors of its first `rank` ranks.

    Its tensors by name: plan.at_rank(rank).views(torch.from_numpy(vector)), of `start`, `update` or
    `end`.
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
    """One way to aggregate. `plan` is the module's layout at its own rank."""

    def add(self, partial: Partial | None, upload: Upload, plan: Layout) -> Partial:
        """Fold in one upload; None before the first of a chunk."""
        ...

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join the partial results of an earlier and a later chunk."""
        ...

    def apply(self, state: Vector, partial: Partial, plan: Layout, rate: float) -> Vector:
        """The new module [plan.size] from the present one; what was not sent (a frozen head) stays.

        `rate` turns an averaged update into a step: the learning rate of sgd, 1 for adam.
        """
        ...


class Average:
    """Weighted by samples: w <- w - rate sum_k D_k u_k / sum_k D_k (eq. 1); ranks not sent count as
    0.
    """

    def add(self, partial: Partial | None, upload: Upload, plan: Layout) -> Partial:
        """Fold in one upload."""
        update = plan.pad(upload.update, upload.rank).astype(np.float64)
        update *= upload.samples
        if partial is None:
            return {"sum": update, "samples": np.array([float(upload.samples)])}
        partial["sum"] += update
        partial["samples"] += upload.samples
        return partial

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join two partial sums."""
        return {name: left[name] + right[name] for name in left}

    def apply(self, state: Vector, partial: Partial, plan: Layout, rate: float) -> Vector:
        """The new module."""
        mean = partial["sum"] / partial["samples"]
        new = state.copy()
        new[: len(mean)] = state[: len(mean)] - rate * mean
        return new
