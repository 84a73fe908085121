"""JCPBA, pruning with bandwidth: Z. Pang, K. Wei, L. Shi, Z. Wang, J. Li, F. Shu, "Low-latency
federated LLM fine-tuning over wireless networks", 2026, arXiv:2602.01024, with one LoRA adapter.

1. each UE prunes the frozen model by a part rho_k of its own, which shortens its computing, and
   trains the adapter on the smaller model;
2. it sends its adapter in a part delta_k of the band;
3. rho and delta are chosen together so that the round is as short as possible, with a bound on what
   is pruned, since pruning slows convergence (netsim/allocation/pruning.py);
4. the server averages, weighted by samples.

Known of the paper to us are its problem (latency, by pruning and bandwidth of each client, subject
to convergence) and its method (block coordinate descent, in place of which both are solved for at
once). Ours is the rest: what is pruned are
neurons of the feed-forward layers, those of least |w_up| |w_down| first, so that a part rho of them
saves the part phi rho of the computing, phi being those layers' part of a layer's weights; the
bound is on the mean of rho by samples, the form to which a bound linear in the error of pruning,
|w - w (.) m|^2 <= rho |w|^2, comes. The adapter is not pruned, so that all uploads are of one size;
the whole frozen model is on every UE. UEs that would be late even so do not take part: the deadline
is the scenario's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from netsim.allocation.cell_view import CellView
from netsim.allocation.pruning import (
    PrunedAllocation,
    PruningTask,
    allocate_with_pruning,
    can_finish,
)
from netsim.errors import RunError
from netsim.plugins import Limited, parameter
from netsim.protocols import Exchange, Observation, RoundPlan, Scheme
from netsim.schemes.radio import BELOW_ONE, LONG_S, gnb_ues, join
from netsim.units import FloatArray, IntArray


@dataclass
class Jcpba(Limited, Scheme):
    """Who computes slowly, or is heard badly, prunes more, and gets more of the band."""

    rank: int = parameter(8, "rank of the common adapter", ge=1)
    mean_pruned: float = parameter(
        0.2, "part of the neurons that is pruned, on average by samples, at most", ge=0, lt=1
    )
    most_pruned: float = parameter(0.5, "part that a UE prunes, at most", ge=0, lt=1)

    name: ClassVar[str] = "jcpba"
    citation: ClassVar[str] = "Pang et al., arXiv:2602.01024, 2026"

    @property
    def reckons_rates(self) -> bool:
        """Who takes part follows from how long uploads would take."""
        return True

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter, whatever is configured."""
        return (self.rank,)

    def plan(self, observation: Observation) -> RoundPlan:
        """Pruning and shares of each gNB's UEs."""
        if observation.training is None:
            raise RunError("jcpba must know the model that is pruned")
        prunable = observation.training.shape().feed_forward_share
        view = CellView.of(observation)
        parts = []
        pruned = np.zeros(len(observation.gnb))
        for mine in gnb_ues(observation):
            ue, found = self._divide(observation, view, mine, prunable)
            pruned[ue] = found.pruned
            parts.append(
                RoundPlan(
                    ue=ue,
                    module=np.zeros_like(ue),
                    share=observation.free_share[ue] * found.shares,
                    power_w=np.full(len(ue), observation.max_power_w),
                )
            )
        plan = join(parts)
        own = pruned[plan.ue]
        return replace(plan, exchange=Exchange(pruned=own, work=1.0 - prunable * own))

    def _divide(
        self,
        observation: Observation,
        view: CellView,
        ue: IntArray,
        prunable: float,
    ) -> tuple[IntArray, PrunedAllocation]:
        """UEs of one gNB that take part, and what each gets.

        In the order in which each would end alone, after as much pruning as a UE may do, as many as
        have all ended by the deadline.
        """
        task = self._task(observation, view, ue, prunable)
        alone_s = _alone_s(task, view.select(ue).rate_hz)
        order = np.argsort(alone_s, kind="stable")[: int(np.isfinite(alone_s).sum())]
        deadline_s = min(observation.deadline_s, LONG_S) * BELOW_ONE
        fits, too_many = 0, len(order) + 1
        while too_many - fits > 1:
            count = (fits + too_many) // 2
            if can_finish(_select(task, np.sort(order[:count])), deadline_s):
                fits = count
            else:
                too_many = count
        kept = np.sort(order[:fits])
        if not len(kept):
            nothing = np.empty(0)
            return kept, PrunedAllocation(nothing, nothing, 0.0)
        return ue[kept], allocate_with_pruning(_select(task, kept))

    def _task(
        self,
        observation: Observation,
        view: CellView,
        ue: IntArray,
        prunable: float,
    ) -> PruningTask:
        """All UEs of one gNB.

        Times are asked for with as much pruning as a UE may do, with which more of them are ready;
        who is not even then never has what it needs.
        """
        module = np.zeros_like(ue)
        least = 1.0 - prunable * self.most_pruned
        computed_s, _ = observation.computed(ue, module, None, Exchange(heard=0, work=least))
        ready_s, ready = observation.computed(ue, module, None, Exchange(work=least))
        cell = view.select(ue)
        signal, interference, noise = cell.link(np.full(len(ue), observation.max_power_w))
        samples = observation.samples[ue].astype(np.float64)
        return PruningTask(
            signal_w=signal,
            interference_w=interference,
            noise_psd_w_hz=np.broadcast_to(noise, len(ue)),
            bandwidth_hz=cell.rate_hz,
            payload_bits=observation.payload_bits[module],
            heard_s=np.where(ready, ready_s - computed_s, np.inf),
            computing_s=computed_s / least,
            prunable=prunable,
            weight=samples,
            mean_pruned=self.mean_pruned,
            most_pruned=self.most_pruned,
            barrier=observation.barrier,
        )


def _select(task: PruningTask, rows: IntArray) -> PruningTask:
    """Some UEs, with weights that sum to 1."""
    weight = task.weight[rows]
    return replace(
        task,
        signal_w=task.signal_w[rows],
        interference_w=task.interference_w[rows],
        noise_psd_w_hz=task.noise_psd_w_hz[rows],
        payload_bits=task.payload_bits[rows],
        heard_s=task.heard_s[rows],
        computing_s=task.computing_s[rows],
        weight=weight / weight.sum() if len(rows) else weight,
    )


def _alone_s(task: PruningTask, rate_hz: float) -> FloatArray:
    """When each UE would end with the whole band and the most pruning; inf: never. [K]."""
    noise_w = rate_hz * task.noise_psd_w_hz
    rate = rate_hz * np.log2(1.0 + task.signal_w / (task.interference_w + noise_w))
    with np.errstate(divide="ignore"):
        upload_s = task.payload_bits / rate
    least = 1.0 - task.prunable * task.most_pruned
    end_s = task.heard_s + task.computing_s * least + upload_s
    return np.where(np.isfinite(end_s), end_s, np.inf)
