"""Ranks that belong to UEs, not to adapters: one parameter that HetLoRA and FlexLoRA share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import ScenarioError
from netsim.plugins import parameter
from netsim.units import IntArray


@dataclass
class UeRanks:
    """Ranks over which the UEs cycle."""

    ue_ranks: tuple[int, ...] = parameter(
        (4, 8, 16, 32), "rank of UE k is entry k mod their number"
    )

    def __post_init__(self) -> None:
        if not self.ue_ranks or min(self.ue_ranks) < 1:
            rule = "must be one or more ranks, each at least 1"
            raise ScenarioError(
                rule,
                where="scenario: scheme.ue_ranks",
                value=list(self.ue_ranks),
            )

    def of(self, ues: int) -> IntArray:
        """Rank of each of `ues` UEs, [K]."""
        ranks = np.array(self.ue_ranks, dtype=np.int64)
        return np.resize(ranks, ues)
