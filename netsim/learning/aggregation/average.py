"""The average of uploads, weighted by samples (eq. 1)."""

from __future__ import annotations

import numpy as np

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import Partial, Upload


class Average:
    """w <- w - rate sum_k D_k u_k / sum_k D_k; ranks that were not sent count as 0."""

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        update = layout.pad(upload.update, upload.rank).astype(np.float64)
        update *= upload.samples
        if partial is None:
            return {"sum": update, "samples": np.array([float(upload.samples)])}
        partial["sum"] += update
        partial["samples"] += upload.samples
        return partial

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join two partial sums."""
        return {name: left[name] + right[name] for name in left}

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module."""
        mean = partial["sum"] / partial["samples"]
        sent = len(mean)
        new = state.copy()
        new[:sent] = state[:sent] - rate * mean
        return new
