"""Power-of-choice: Y. J. Cho, J. Wang, G. Joshi, "Client selection in federated learning:
convergence analysis and power-of-choice selection strategies", 2020, arXiv:2010.01243, extended to
N adapters, dealt out in turn.

1. at each gNB d candidates are drawn without replacement, in proportion to their samples;
2. they get the model, measure its loss on their samples and report it;
3. the m candidates with the largest losses train and upload. Ties go to the first.

What learning the losses costs is paid in rounds of their own: in one, candidates hear their
adapter, take the time and energy of a forward pass, and send a loss of 32 bit; in the next, the
chosen ones, who hold the adapter already, train. A candidate whose report is lost can't be chosen.
A round of the paper is two of the run's, so compare by seconds and joules.

With `losses = "reported"` it is the paper's rpow-d: nobody measures; a UE counts with the mean loss
of its last upload that arrived, which carried it, and one that has not been heard as infinitely
bad.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.plugins import Limited, parameter, part
from netsim.protocols import WHOLE, Exchange, Observation, RoundOutcome, RoundPlan, Scheme
from netsim.schemes.base import adapter_in_turn
from netsim.schemes.group import GroupSize
from netsim.schemes.one_adapter import seen_with
from netsim.schemes.radio import SharedBand, gnb_ues
from netsim.schemes.sampling import LOSS_BITS, drawn_by_weight
from netsim.units import BoolArray, FloatArray, IntArray

MEASURE = Exchange(trained=0, more_up_bits=LOSS_BITS)
TRAIN_AND_REPORT = Exchange(more_up_bits=LOSS_BITS)


@dataclass
class PowerOfChoice(Limited, Scheme):
    """Of some candidates, those whose losses are largest."""

    candidates: int = parameter(20, "d, UEs of a gNB whose losses are asked for", ge=1)
    group: GroupSize = part(GroupSize)
    losses: Literal["measured", "reported"] = parameter(
        "measured", "by candidates in a round of its own, or those of their last uploads"
    )
    band: SharedBand = part(SharedBand)

    name: ClassVar[str] = "power_of_choice"
    citation: ClassVar[str] = "Cho et al., arXiv:2010.01243, 2020"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.candidates < (self.group.ues_per_round or 1):
            rule = f"must be at least scheme.ues_per_round, {self.group.ues_per_round}"
            raise ScenarioError(rule, where="scenario: scheme.candidates", value=self.candidates)
        self._loss: FloatArray | None = None  # [K] last reported

    @property
    def needs_learning(self) -> bool:
        """It selects by losses."""
        return True

    def plan(self, observation: Observation) -> RoundPlan:
        """Ask, or train."""
        previous = observation.previous
        if self.losses == "reported":
            self._take_reports(observation)
            return self._train_worst_reported(observation)
        if previous is not None and _reports(previous).any():
            return self._train_worst_measured(observation, previous)
        ue = self._candidates(observation)
        plan = self.band.plan(
            seen_with(observation, MEASURE),
            ue,
            adapter_in_turn(observation, ue),
        )
        return replace(plan, exchange=MEASURE)

    def _candidates(self, observation: Observation) -> IntArray:
        """Step 1."""
        draws = rng.stream(observation.seed, "power_of_choice", observation.round)
        mark = draws.exponential(size=len(observation.gnb))
        chosen = [np.empty(0, dtype=np.int64)]
        for ue in gnb_ues(observation):
            weight = observation.samples[ue].astype(np.float64)
            chosen.append(ue[drawn_by_weight(mark[ue], weight, self.candidates)])
        return np.sort(np.concatenate(chosen))

    def _train_worst_measured(self, observation: Observation, previous: RoundOutcome) -> RoundPlan:
        """Step 3, on the adapters that were measured."""
        rows = np.flatnonzero(_reports(previous))
        ue, module = previous.plan.ue[rows], previous.plan.module[rows]
        assert observation.local_loss is not None
        measured = observation.local_loss(ue, round=observation.round - 1)
        loss = np.full(len(observation.gnb), -np.inf)
        loss[ue] = measured[np.arange(len(ue)), module]
        adapter = np.zeros_like(observation.gnb)
        adapter[ue] = module
        chosen = self.group.largest(observation, loss)
        chosen = chosen[np.isfinite(loss[chosen])]
        unchanged = not (previous.on_time & ~_reports(previous)).any()
        exchange = Exchange(heard=0 if unchanged else WHOLE)
        plan = self.band.plan(seen_with(observation, exchange), chosen, adapter[chosen])
        return replace(plan, exchange=exchange)

    def _train_worst_reported(self, observation: Observation) -> RoundPlan:
        """Step 3 with losses as they are known."""
        assert self._loss is not None
        candidate = np.zeros(len(self._loss), dtype=np.bool_)
        candidate[self._candidates(observation)] = True
        loss = np.where(candidate, self._loss, -np.inf)
        ue = self.group.largest(observation, loss)
        ue = ue[candidate[ue]]
        seen = seen_with(observation, TRAIN_AND_REPORT)
        plan = self.band.plan(seen, ue, adapter_in_turn(observation, ue))
        return replace(plan, exchange=TRAIN_AND_REPORT)

    def _take_reports(self, observation: Observation) -> None:
        """Losses that came with the uploads of the previous round."""
        if self._loss is None:
            self._loss = np.full(len(observation.gnb), np.inf)
        previous = observation.previous
        if previous is not None and previous.train_loss is not None:
            known = np.isfinite(previous.train_loss)
            self._loss[previous.plan.ue[known]] = previous.train_loss[known]

    def state(self) -> dict[str, Any]:
        """Losses that were reported, once there are any."""
        return {} if self._loss is None else {"loss": self._loss.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._loss = np.array(state["loss"]) if state else None


def _reports(previous: RoundOutcome) -> BoolArray:
    """Rows that measured, and whose report has arrived. [M]."""
    return np.asarray(previous.on_time & np.equal(previous.plan.exchange.trained, 0))
