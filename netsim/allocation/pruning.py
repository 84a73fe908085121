"""Pruning and bandwidth together: the round of least length in which so much is pruned on average.

    min T   s.t.   a_k + c_k (1 - phi rho_k) + G_k / r_k(delta_k) <= T,   sum_k delta_k <= 1,
                   sum_k p_k rho_k <= rho_mean,   0 <= rho_k <= rho_most

a_k is when UE k has what it needs, c_k the time of computing the whole model, of which the part phi
can be pruned (Pang et al., arXiv:2602.01024).

The paper alternates between rho and delta. Ours is to solve for both at once: once all finish
together no change of one of them alone shortens the round, so that alternating stops there, short
of the optimum. For a given T the share that a UE needs is convex in its rho. So
the band that all need together is least if pruning goes, in small steps, where it saves most band
for its weight; and T is the least for which this band is there. Under a barrier uploads start with
the last one: pruning levels the computing, `level_by_pruning`, and Algorithm 1 divides the band.

Symbols: K UEs, J steps of pruning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.allocation.staggered import allocate_staggered
from netsim.allocation.uplinks import required_shares
from netsim.units import FloatArray

BISECTIONS = 40
STEPS = 50
"""J, into which the most that a UE may prune is cut; in between, shares are interpolated."""
TOO_MUCH = 1e3
"""Stands for a share with which nobody is in time, and more of it the more is missing."""


@dataclass(frozen=True)
class PruningTask:
    """What is to be divided."""

    signal_w: FloatArray  # [K]
    interference_w: FloatArray  # [K]
    noise_psd_w_hz: FloatArray  # [K]
    bandwidth_hz: float
    payload_bits: FloatArray  # [K]
    heard_s: FloatArray  # [K] a
    computing_s: FloatArray  # [K] c
    prunable: float  # phi
    weight: FloatArray  # [K] p, sums to 1
    mean_pruned: float
    most_pruned: float
    barrier: bool


@dataclass(frozen=True)
class PrunedAllocation:
    """How it is divided."""

    shares: FloatArray  # [K]
    pruned: FloatArray  # [K] rho
    finish_s: float  # T


def allocate_with_pruning(task: PruningTask) -> PrunedAllocation:
    """The shortest round. A finish of infinity means that some UE has no signal."""
    if task.barrier or not task.mean_pruned or not task.most_pruned:
        return _with_shares(task, _levelled(task))
    unpruned = _with_shares(task, np.zeros(len(task.weight)))
    if not np.isfinite(unpruned.finish_s):
        return unpruned
    low, high = 0.0, unpruned.finish_s
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        band, _ = _least_band(task, middle)
        low, high = (low, middle) if band <= 1 else (middle, high)
    _, pruned = _least_band(task, high)
    return _with_shares(task, pruned)


def can_finish(task: PruningTask, finish_s: float) -> bool:
    """Is there a choice with which all have finished by then?"""
    if task.barrier:
        return _with_shares(task, _levelled(task)).finish_s <= finish_s
    band, _ = _least_band(task, finish_s)
    return band <= 1


def _levelled(task: PruningTask) -> FloatArray:
    """rho with which the last UE has computed earliest. [K]."""
    return level_by_pruning(
        task.heard_s + task.computing_s,
        task.computing_s * task.prunable,
        task.weight,
        mean=task.mean_pruned,
        most=task.most_pruned,
    )


def _least_band(task: PruningTask, finish_s: float) -> tuple[float, FloatArray]:
    """(the least part of the band with which all finish in time, rho [K])."""
    part = np.linspace(0.0, task.most_pruned, STEPS + 1)[:, np.newaxis]
    left_s = finish_s - task.heard_s - task.computing_s * (1 - task.prunable * part)
    need = required_shares(
        task.signal_w,
        task.interference_w,
        task.payload_bits,
        np.maximum(left_s, 0.0),
        bandwidth_hz=task.bandwidth_hz,
        noise_psd_w_hz=task.noise_psd_w_hz,
    )
    missing = TOO_MUCH * TOO_MUCH * (1.0 - part)
    need = np.where(need < TOO_MUCH, need, TOO_MUCH + missing)  # [J + 1, K]
    price = np.broadcast_to(task.weight * task.most_pruned / STEPS, need[1:].shape).ravel()
    saved = (need[:-1] - need[1:]).ravel()
    order = np.argsort(-saved / price, kind="stable")
    spent = np.cumsum(price[order])
    taken = np.zeros(len(order))
    taken[order] = np.clip((task.mean_pruned - (spent - price[order])) / price[order], 0.0, 1.0)
    pruned = taken.reshape(STEPS, -1).sum(axis=0) * task.most_pruned / STEPS
    return float(need[0].sum() - saved @ taken), pruned


def _starts(task: PruningTask, pruned: FloatArray) -> FloatArray:
    """When the uploads start, s. [K]."""
    ready_s = task.heard_s + task.computing_s * (1 - task.prunable * pruned)
    return np.full(len(ready_s), ready_s.max()) if task.barrier else ready_s


def _with_shares(task: PruningTask, pruned: FloatArray) -> PrunedAllocation:
    """The shares for a given pruning."""
    found = allocate_staggered(
        task.signal_w,
        task.interference_w,
        task.payload_bits,
        _starts(task, pruned),
        bandwidth_hz=task.bandwidth_hz,
        noise_psd_w_hz=task.noise_psd_w_hz,
    )
    return PrunedAllocation(found.shares, pruned, float(found.finish_s))


def level_by_pruning(
    whole_s: FloatArray,
    saved_s: FloatArray,
    weight: FloatArray,
    *,
    mean: float,
    most: float,
) -> FloatArray:
    """rho that makes max_k (whole_k - rho_k saved_k) least, with sum_k p_k rho_k <= mean. [K].

    saved_s [K], above 0: saved if all is pruned. Whoever would end after the level T is pruned just
    so much that it ends at T; T is the least one that the mean allows.
    """

    def needed(level_s: float) -> FloatArray:
        return np.clip((whole_s - level_s) / saved_s, 0.0, most)

    low = float((whole_s - most * saved_s).max())
    high = float(whole_s.max())
    if weight @ needed(low) <= mean:
        return needed(low)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if weight @ needed(middle) <= mean:
            high = middle
        else:
            low = middle
    return needed(high)
