"""Random scheduling: H. H. Yang et al., "Scheduling policies for federated learning in wireless
networks", IEEE Trans. Commun. 68(1), 2020 ([11] of the paper), extended to N adapters, dealt out in
turn.

In each round, each gNB draws `ues_per_round` of its UEs uniformly without replacement.

With modules drawn too (`modules_per_ue`) and everybody taking part, it is the baseline that
isolates the mechanisms of model switching: an ensemble without a controller. Its modules may be of
equal rank, and each UE may train all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.plugins import Limited, parameter, part
from netsim.protocols import Observation, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.group import GroupSize
from netsim.schemes.radio import SharedBand
from netsim.units import BoolArray, IntArray


@dataclass
class Random(Limited, Scheme):
    """A group of UEs drawn anew in each round; adapters take turns, or are drawn."""

    group: GroupSize = part(GroupSize)
    modules_per_ue: int | None = parameter(
        None, "modules drawn anew for each UE and round; default: one, in turn", ge=1
    )
    equal_rank: int | None = parameter(None, "rank of all modules instead of their own", ge=1)
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "random"
    citation: ClassVar[str] = "Yang et al., IEEE Trans. Commun. 68(1), 2020"

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """As many modules as are configured, of their ranks or of one."""
        if self.modules_per_ue is not None and self.modules_per_ue > len(configured):
            raise ScenarioError(
                f"must be at most the number of modules, {len(configured)}",
                where="scenario: scheme.modules_per_ue",
                value=self.modules_per_ue,
            )
        if self.equal_rank is not None:
            return (self.equal_rank,) * len(configured)
        return tuple(configured)

    def plan(self, observation: Observation) -> RoundPlan:
        """The UEs with the largest marks, one mark drawn per UE in index order."""
        draws = rng.stream(observation.seed, "random_scheduling", observation.round)
        mark = draws.random(len(observation.gnb))
        ue = self.group.largest(observation, mark)
        if self.modules_per_ue is None:
            return self.band.plan(
                observation,
                ue,
                adapter_in_turn(observation, ue),
            )
        chosen = _drawn_modules(observation, self.modules_per_ue)
        row, module = np.nonzero(chosen[ue])
        return self.band.plan(observation, ue[row], module)


def _drawn_modules(observation: Observation, count: int) -> BoolArray:
    """`count` modules of each UE, drawn uniformly without replacement. [K, N]."""
    modules = len(observation.payload_bits)
    draws = rng.stream(observation.seed, "random_subscription", observation.round)
    mark = draws.random((len(observation.gnb), modules))
    order: IntArray = np.argsort(mark, axis=1)
    chosen = np.zeros(mark.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order[:, :count], True, axis=1)
    return chosen
