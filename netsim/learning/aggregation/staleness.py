"""Staleness-weighted averaging for uploads that arrive rounds later.

J. Nguyen et al., "Federated learning with buffered asynchronous aggregation" (FedBuff), AISTATS
2022:

    w <- w - rate sum_k D_k s(a_k) u_k / sum_k D_k,   s(a) = (1 + a)^(-1/2)

with a_k the versions of the module made since UE k downloaded it. The weights do not sum to 1: a
buffer of old uploads takes a shorter step. Without staleness this is `average`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.rule import Partial, Upload


def staleness_weight(age: int) -> float:
    """s(a) = 1 / sqrt(1 + a)."""
    return float((1.0 + age) ** -0.5)


class StalenessWeighted(Average):
    """Average by samples, in which an upload counts for less the older it is."""

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        damped = np.float32(staleness_weight(upload.staleness)) * upload.update
        return super().add(partial, replace(upload, update=damped), layout)


@dataclass
class AverageAndPersonal(StalenessWeighted):
    """The same, while each UE trains a module of its own beside the common one (Ditto).

    T. Li, S. Hu, A. Beirami, V. Smith, ICML 2021: v_k goes down F_k(v) + weight / 2 |v - w|^2 with
    w the common module as downloaded. It is never sent.
    """

    weight: float = 0.1  # lambda

    @property
    def personal_weight(self) -> float:
        """As PersonalRule."""
        return self.weight
