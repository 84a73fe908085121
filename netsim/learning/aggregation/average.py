"""The average of uploads, weighted by samples (eq. 1)."""

from __future__ import annotations

import numpy as np

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import Partial, Upload
from netsim.protocols import PARTS
from netsim.units import BoolArray, FloatArray


class Average:
    """w <- w - rate sum_k D_k u_k / sum_k D_k; ranks that were not sent count as 0.

    The sums of a part of the module (A, B, head) are over the UEs that sent it, as in HeteroFL
    (E. Diao, J. Ding, V. Tarokh, ICLR 2021); what nobody sent stays.
    """

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        update = layout.pad(upload.update, upload.rank).astype(np.float64)
        update *= upload.samples
        of_part = np.where(PARTS & upload.parts, float(upload.samples), 0.0)
        if partial is None:
            samples = np.array([float(upload.samples)])
            return {"sum": update, "samples": samples, "samples_of_part": of_part}
        partial["sum"] += update
        partial["samples"] += upload.samples
        partial["samples_of_part"] += of_part
        return partial

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join two partial sums."""
        return {name: left[name] + right[name] for name in left}

    def mean(
        self,
        partial: Partial,
        layout: AdapterLayout,
    ) -> tuple[FloatArray, BoolArray]:
        """(the average update [sent], 0 where there is none; which numbers were sent [sent])."""
        total = partial["sum"]
        of_part = partial["samples_of_part"]
        if (of_part == of_part[0]).all():
            return total / of_part[0], np.ones(len(total), dtype=np.bool_)
        of_number = layout.spread(of_part)[: len(total)]
        brought = of_number > 0
        mean = np.divide(total, of_number, out=np.zeros_like(total), where=brought)
        return mean, brought

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module."""
        mean, _ = self.mean(partial, layout)
        sent = len(mean)
        new = state.copy()
        new[:sent] = state[:sent] - rate * mean
        return new
