"""Radio policy that schemes share: who is admitted, and how baselines divide a gNB's band at P_max.

The paper does not say with which shares its baselines transmit; each of them runs in both settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from netsim.allocation.admission import admit
from netsim.allocation.wireless import CellView
from netsim.plugins import parameter
from netsim.protocols import Observation, RoundPlan
from netsim.units import BoolArray, FloatArray, IntArray

LONG_S = 1e9  # stands for an infinite deadline


def gnb_ues(observation: Observation) -> Iterator[IntArray]:
    """The available UEs of each gNB, ascending."""
    for gnb in np.unique(observation.gnb[observation.available]):
        yield np.flatnonzero((observation.gnb == gnb) & observation.available)


def join(parts: Sequence[RoundPlan]) -> RoundPlan:
    """One plan of the rows of several gNBs' plans, in order."""
    if not parts:
        nobody = np.empty(0, dtype=np.int64)
        return RoundPlan(nobody, nobody, np.empty(0), np.empty(0))
    ue, module = (np.concatenate([getattr(p, name) for p in parts]) for name in ("ue", "module"))
    order = np.lexsort((module, ue))
    share, power = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("share", "power_w")
    )
    ranks = [p.rank for p in parts if p.rank is not None]
    rank = np.concatenate(ranks)[order] if len(ranks) == len(parts) else None
    return RoundPlan(ue[order], module[order], share[order], power[order], rank)


@dataclass(frozen=True)
class Admission:
    """Which UEs of one gNB may upload in a round (model-spec 10.2)."""

    admitted: BoolArray  # [K] of all UEs
    budget_s: float  # left for uploads, from the last start to the deadline


def admit_uploads(
    observation: Observation,
    view: CellView,
    ue: IntArray,
    module: IntArray,
    rank: IntArray | None = None,
    *,
    known: bool = False,
) -> Admission:
    """Of one gNB's uploads (ue, module), [M], those of UEs that are ready and whose needs fit the
    band.

    view: what the allocator knows of all UEs. rank: [M], None: the modules' own. known: the channel
    is known as it will be, so an SINR below the threshold fails whatever the share.
    """
    admitted = np.zeros(len(observation.distance_m), dtype=np.bool_)
    nobody = Admission(admitted, LONG_S)
    if not len(ue):
        return nobody
    _, ready = observation.computed(ue, module, rank)
    candidates = np.unique(ue[ready])
    if not len(candidates):
        return nobody
    # who cannot be ready is left out, and the barrier does not wait for them
    chosen = np.isin(ue, candidates)
    lower = None if rank is None else rank[chosen]
    computed_s, _ = observation.computed(ue[chosen], module[chosen], lower)
    # short of the deadline by rounding's width: a full band would end an ulp late
    budget_s = min(observation.deadline_s - float(computed_s.max()), LONG_S) * (1 - 1e-9)
    if budget_s <= 0:
        return nobody
    able = view.select(candidates)
    power = np.full(len(candidates), able.max_power_w)
    payload = np.zeros(len(admitted))
    np.add.at(payload, ue, observation.payload_of(module, rank))
    need = able.shares_for(power, payload[candidates, np.newaxis], budget_s)[:, 0]
    if known:
        noise_w = able.noise_psd_w_hz * able.bandwidth_hz * np.where(np.isfinite(need), need, 1.0)
        fails = power * able.gain < observation.sinr_threshold * (able.interference_w + noise_w)
        need = np.where(fails, np.inf, need)
    admitted[candidates] = admit(need)
    return Admission(admitted, budget_s)


@dataclass
class SharedBand:
    """How a baseline divides the band of each gNB; everybody transmits at P_max."""

    bandwidth: Literal["equal", "algorithm1"] = parameter(
        "equal", "shares at P_max: equal, or Algorithm 1 over those it can admit"
    )

    def plan(
        self, observation: Observation, ue: IntArray, module: IntArray, rank: IntArray | None = None
    ) -> RoundPlan:
        """Uploads (ue, module), [M], ordered by (ue, module), of the modules' first `rank` ranks.

        UEs that are not available are left out.
        """
        if self.bandwidth == "equal":
            return equal_share_plan(observation, ue, module, rank)
        view, parts = CellView.of(observation), []
        for mine in gnb_ues(observation):
            rows = np.flatnonzero(np.isin(ue, mine))
            parts.append(
                _algorithm_1(
                    observation, view, ue[rows], module[rows], None if rank is None else rank[rows]
                )
            )
        return join(parts)


def _algorithm_1(
    observation: Observation, view: CellView, ue: IntArray, module: IntArray, rank: IntArray | None
) -> RoundPlan:
    """One gNB's admitted rows, in the shares of Algorithm 1; a UE's rows divide its share by
    payload.
    """
    kept = admit_uploads(observation, view, ue, module, rank).admitted[ue]
    ue, module, rank = ue[kept], module[kept], None if rank is None else rank[kept]
    own, row = np.unique(ue, return_inverse=True)
    bits = observation.payload_of(module, rank)
    total = np.zeros(len(own))
    np.add.at(total, row, bits)
    power = np.full(len(own), observation.max_power_w)
    shares = view.select(own).allocate(power, total).shares[row] * bits / total[row]
    shares = shares * observation.free_share[ue]
    return RoundPlan(ue, module, shares, split_power(observation.max_power_w, ue, shares), rank)


def equal_share_plan(
    observation: Observation, ue: IntArray, module: IntArray, rank: IntArray | None = None
) -> RoundPlan:
    """Every (UE, module) row gets the same share of what is free of its gNB's band, at P_max in
    total.

    Rows of UEs that are not available are left out.
    """
    here = observation.available[ue]
    ue, module, rank = ue[here], module[here], None if rank is None else rank[here]
    gnb = observation.gnb[ue]
    shares = observation.free_share[ue] / np.bincount(gnb)[gnb]
    return RoundPlan(ue, module, shares, split_power(observation.max_power_w, ue, shares), rank)


def split_power(power_w: float, ue: IntArray, shares: FloatArray) -> FloatArray:
    """`power_w` of each UE divided over its rows by share (model-spec 10.7). [M]."""
    return np.asarray(power_w * (shares / np.bincount(ue, shares)[ue]))
