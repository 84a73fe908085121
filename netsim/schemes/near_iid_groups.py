"""Near-IID groups: J. Liu et al., "Resource-efficient federated fine-tuning large language models
for heterogeneous data", 2025, arXiv:2503.21213 ([8] of the paper), carried over to N adapters.

UEs are divided once into groups whose label mixture is near the population's. In each round every
adapter is trained by one group, in turn: group g works on adapter (g + t) mod N in round t. The
aggregation frequency and the fine-tuning depth, which [8] also sets per group, stay the scenario's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from netsim.plugins import Limited, parameter, part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.radio import SharedBand
from netsim.units import IntArray


@dataclass
class NearIidGroups(Limited, Scheme):
    """Groups that each hold the population's label mixture; adapters rotate between groups."""

    groups: int | None = parameter(None, "number of groups; if not set, as many as adapters", ge=1)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "near_iid_groups"
    citation: ClassVar[str] = "Liu et al., arXiv:2503.21213, 2025"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._group: IntArray | None = None

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, each with the adapter of its group."""
        if self._group is None:
            count = self.groups or len(observation.payload_bits)
            self._group = near_iid_groups(observation.label_counts, observation.samples, count)
        ue = np.arange(len(self._group))
        adapter = adapter_in_turn(observation, self._group)
        return self.band.plan(observation, ue, adapter)

    def state(self) -> dict[str, Any]:
        """The groups, once they are made."""
        if self._group is None:
            return {}
        return {"group": self._group}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._group = state.get("group")


def near_iid_groups(
    label_counts: IntArray,
    samples: IntArray,
    groups: int,
) -> IntArray:
    """Group of each UE, [K]; groups have at most ceil(K / groups) members.

    label_counts: rows of each class that each UE holds, [K, C]. samples: D_k, rows trained on per
    round, [K]. The sum of squares of what each group lacks or has too much of each class, compared
    with the population's mixture, is kept small: the most skewed UEs choose first, and each takes
    the group that it balances best.
    """
    ues, classes = label_counts.shape
    mixture = label_counts / label_counts.sum(axis=1, keepdims=True)
    per_round = samples[:, np.newaxis]
    rows = per_round * mixture
    population = rows.sum(axis=0) / samples.sum()
    excess = rows - per_round * population  # [K, C]
    most = -(-ues // groups)
    group = np.empty(ues, dtype=np.int64)
    size = np.zeros(groups, dtype=np.int64)
    balance = np.zeros((groups, classes))
    skew = (excess**2).sum(axis=1)
    for ue in np.argsort(-skew, kind="stable"):
        # half of the growth of the sum of squares
        growth = np.where(size < most, balance @ excess[ue], np.inf)
        chosen = int(np.lexsort((size, growth))[0])
        group[ue] = chosen
        size[chosen] += 1
        balance[chosen] += excess[ue]
    return group
