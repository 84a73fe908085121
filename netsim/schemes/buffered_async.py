"""Buffered asynchronous aggregation: J. Nguyen et al., "Federated learning with buffered
asynchronous aggregation" (FedBuff), AISTATS 2022, extended to N adapters, dealt out in turn.

1. at most `concurrency` UEs of a gNB are at work, drawn uniformly from those that are free; each
   downloads the present version of its adapter, trains, and uploads when it is ready: nobody waits
   for anybody;
2. uploads go into a buffer, weighted by 1 / sqrt(1 + versions made since the download);
3. when `buffer` of them have arrived, the server makes a new version of their adapters, and other
   UEs take the places of those that are done. Such a step is a round here.

The paper's server is the gNB of a cell, or each gNB where several learn. The paper has no radio:
here each UE at work holds 1 / `concurrency` of the band, at P_max. The deadline closes a round
whose buffer is not full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.plugins import Limited, parameter
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.radio import gnb_ues, join
from netsim.units import FloatArray, IntArray


@dataclass
class BufferedAsync(Limited, Scheme):
    """Nobody waits: every few arrivals make a new version; old uploads count less."""

    concurrency: int = parameter(
        10, "UEs of a gNB at work at a time, each on as large a part of the band", ge=1
    )
    buffer: int = parameter(
        5, "arrivals at a gNB that make a new version; at most concurrency", ge=1
    )

    name: ClassVar[str] = "buffered_async"
    citation: ClassVar[str] = "Nguyen et al., AISTATS 2022"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.buffer > self.concurrency:
            rule = f"must be at most scheme.concurrency, {self.concurrency}"
            raise ScenarioError(
                rule,
                where="scenario: scheme.buffer",
                value=self.buffer,
            )

    @property
    def asynchronous(self) -> bool:
        """Nobody waits for anybody."""
        return True

    def plan(self, observation: Observation) -> RoundPlan:
        """As many new UEs at each gNB as there are free places."""
        draws = rng.stream(observation.seed, "buffered_async", observation.round)
        mark = draws.random(len(observation.gnb))
        parts = [self._start(observation, mine, mark[mine]) for mine in gnb_ues(observation)]
        return replace(
            join(parts),
            aggregation="staleness_weighted",
            close_after=self.buffer,
        )

    def _start(
        self,
        observation: Observation,
        mine: IntArray,
        mark: FloatArray,
    ) -> RoundPlan:
        """Of the UEs of one gNB, those with the lowest marks, as many as there are free places."""
        free = observation.free_share[mine[0]]
        places = int(free * self.concurrency + 1e-9)
        order = np.argsort(mark, kind="stable")
        ue = np.sort(mine[order[:places]])
        return RoundPlan(
            ue=ue,
            module=adapter_in_turn(observation, ue),
            share=np.full(len(ue), 1.0 / self.concurrency),
            power_w=np.full(len(ue), observation.max_power_w),
        )
