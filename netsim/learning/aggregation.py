"""Rules that turn the uploads of a round into new modules, apart from the schemes that name them.

Uploads are folded in one by one and dropped, chunk by chunk in the order of the tickets, so memory holds one
partial sum per module and not one upload per UE. Outside packages add rules by the entry point group
`netsim.aggregations`: a class without arguments that does what `Rule` says.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.learning.adapters import Vector
from netsim.learning.gradients import Upload

GROUP = "netsim.aggregations"
Partial = dict[str, NDArray[np.float64]]
"""What a rule remembers of the uploads of one module so far."""


class Rule(Protocol):
    """One way to aggregate."""

    def add(self, partial: Partial | None, upload: Upload) -> Partial:
        """Fold in one upload; None before the first of a chunk."""
        ...

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join the partial results of an earlier and a later chunk."""
        ...

    def apply(self, state: Vector, partial: Partial, rate: float) -> Vector:
        """The new module. `rate` multiplies the aggregated upload, which is taken off the module."""
        ...


class Average:
    """Weighted by samples: w <- w - rate sum_k D_k u_k / sum_k D_k (eq. 1)."""

    def add(self, partial: Partial | None, upload: Upload) -> Partial:
        """Fold in one upload."""
        update = upload.samples * upload.update.astype(np.float64)
        samples = np.array([float(upload.samples)])
        if partial is None:
            return {"sum": update, "samples": samples}
        return self.merge(partial, {"sum": update, "samples": samples})

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join two partial sums."""
        return {name: left[name] + right[name] for name in left}

    def apply(self, state: Vector, partial: Partial, rate: float) -> Vector:
        """The new module; tensors that were not sent (a frozen head) stay as they are."""
        mean = partial["sum"] / partial["samples"]
        new = state.copy()
        new[: len(mean)] = state[: len(mean)] - rate * mean
        return new


BUILT_IN: dict[str, type[Rule]] = {"average": Average}


def find_rule(name: str) -> Rule:
    """The rule called `name`: built in, or registered by an outside package."""
    if name in BUILT_IN:
        return BUILT_IN[name]()
    registered = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in registered:
        known = ", ".join(sorted({*BUILT_IN, *registered}))
        raise InputError(f"the aggregation must be one of {known}", value=name)
    return cast("Rule", registered[name].load()())
