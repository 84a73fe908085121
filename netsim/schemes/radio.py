"""Radio policy that schemes share: who is admitted, and how baselines divide a gNB's band at P_max.

The paper does not say in which shares its baselines transmit, so each runs in both settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from netsim.allocation.admission import admit
from netsim.allocation.cell_view import CellView
from netsim.allocation.needs import Needs
from netsim.allocation.superposed import airtime_s
from netsim.plugins import parameter
from netsim.protocols import Observation, RoundPlan
from netsim.radio.superposition import ANALOG
from netsim.schemes.sizes import upload_bits
from netsim.units import BoolArray, FloatArray, IntArray

LONG_S = 1e9  # stands for an infinite deadline
BELOW_ONE = 1 - 1e-9
"""Part of the time to a deadline that is planned for: a full band would end an ulp late."""


def gnb_ues(observation: Observation) -> Iterator[IntArray]:
    """The available UEs of each gNB, ascending."""
    available = observation.available
    for gnb in np.bincount(observation.gnb[available]).nonzero()[0].tolist():
        yield ((observation.gnb == gnb) & available).nonzero()[0]


def join(parts: Sequence[RoundPlan]) -> RoundPlan:
    """One plan of the rows of several gNBs' plans, in order."""
    if not parts:
        nobody = np.empty(0, dtype=np.int64)
        return RoundPlan(
            ue=nobody,
            module=nobody,
            share=np.empty(0),
            power_w=np.empty(0),
        )
    ue = np.concatenate([part.ue for part in parts])
    module = np.concatenate([part.module for part in parts])
    share = np.concatenate([part.share for part in parts])
    power_w = np.concatenate([part.power_w for part in parts])
    order = np.lexsort((module, ue))
    ranks = [part.rank for part in parts if part.rank is not None]
    rank = None
    if len(ranks) == len(parts):
        rank = np.concatenate(ranks)[order]
    return RoundPlan(
        ue=ue[order],
        module=module[order],
        share=share[order],
        power_w=power_w[order],
        rank=rank,
    )


@dataclass(frozen=True)
class Admission:
    """Which UEs of one gNB may upload in a round (docs/model/bandwidth.md)."""

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
    """Admission to one gNB of uploads (ue, module), [M]: UEs that are ready and whose needs fit.

    view: what the allocator knows of all UEs. rank: [M], None: the modules' own. known: the channel
    is known as it will be, so an SINR below the threshold fails whatever the share. Of uploads that
    add up on the air (rate_model = analog) all fit, or none does.
    """
    ues = len(observation.distance_m)
    candidates = _ready(observation, ue, module, rank)
    time_left = _TimeLeft(observation, ue, module, rank)
    budget_s = time_left.of(candidates)
    if not len(candidates) or budget_s <= 0:
        return Admission(np.zeros(ues, dtype=np.bool_), LONG_S)
    bits = upload_bits(observation, ue, module, rank)
    if observation.rate_model == ANALOG:
        ready = _marked(candidates, ues)
        return _all_or_none(ready, ready[ue], module, bits, view.rate_hz, budget_s)
    payload = np.zeros(ues)
    np.add.at(payload, ue, bits)
    needs = Needs(
        view=view.select(candidates),
        payload_bits=payload[candidates, np.newaxis],
        fails_below=observation.sinr_threshold if known else None,
    )
    chosen = admit(needs.in_time(budget_s))
    while not chosen.all():
        # what nobody is to hear is not sent, which leaves the others more time
        longer_s = time_left.of(candidates[chosen])
        if longer_s <= budget_s:
            break
        more = admit(needs.in_time(longer_s))
        budget_s = longer_s
        if not (more & ~chosen).any() or time_left.of(candidates[more]) < longer_s:
            break
        chosen = more
    return Admission(_marked(candidates[chosen], ues), budget_s)


def _all_or_none(
    those: BoolArray,
    rows: BoolArray,
    module: IntArray,
    bits: FloatArray,
    rate_hz: float,
    budget_s: float,
) -> Admission:
    """Sums of the uploads `rows` take the same time, whoever is in them."""
    takes_s = airtime_s(module[rows], bits[rows], rate_hz)
    return Admission(those & (takes_s <= budget_s), budget_s)


def _marked(ue: IntArray, ues: int) -> BoolArray:
    """True of the UEs named. [K]."""
    found = np.zeros(ues, dtype=np.bool_)
    found[ue] = True
    return found


@dataclass(frozen=True)
class _TimeLeft:
    """Time for uploads (ue, module) of one gNB, by who of the UEs takes part."""

    observation: Observation
    ue: IntArray
    module: IntArray
    rank: IntArray | None

    def of(self, those: IntArray) -> float:
        """From the last start to the deadline, s. The barrier does not wait for others."""
        chosen = np.isin(self.ue, those)
        if not chosen.any():
            return LONG_S
        computed_s, _ = self.observation.computed(
            self.ue[chosen],
            self.module[chosen],
            select(self.rank, chosen),
        )
        left_s = min(self.observation.deadline_s - float(computed_s.max()), LONG_S)
        return left_s * BELOW_ONE


def _ready(
    observation: Observation,
    ue: IntArray,
    module: IntArray,
    rank: IntArray | None,
) -> IntArray:
    """UEs of the rows that will have computed in time, ascending."""
    if not len(ue):
        return ue
    _, ready = observation.computed(ue, module, rank)
    return np.unique(ue[ready])


def select(rank: IntArray | None, rows: BoolArray | IntArray) -> IntArray | None:
    """Ranks of some rows, where ranks are given."""
    if rank is None:
        return None
    return np.asarray(rank[rows])


@dataclass
class SharedBand:
    """How a baseline divides the band of each gNB; everybody transmits at P_max."""

    bandwidth: Literal["equal", "algorithm1"] = parameter(
        "equal", "shares at P_max: equal, or Algorithm 1 over those it can admit"
    )

    def plan(
        self,
        observation: Observation,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None = None,
    ) -> RoundPlan:
        """Uploads (ue, module), [M], ordered by (ue, module), of the modules' first `rank` ranks.

        UEs that are not available are left out.
        """
        if self.bandwidth == "equal":
            return equal_share_plan(observation, ue, module, rank)
        view = CellView.of(observation)
        parts = []
        for mine in gnb_ues(observation):
            rows = np.flatnonzero(np.isin(ue, mine))
            parts.append(
                _algorithm_1(
                    observation,
                    view,
                    ue[rows],
                    module[rows],
                    select(rank, rows),
                )
            )
        return join(parts)

    def plan_all(self, observation: Observation, rank: IntArray | None = None) -> RoundPlan:
        """Everybody on module 0, at the module's rank or at `rank` [K]."""
        ue = np.arange(len(observation.gnb))
        return self.plan(observation, ue, np.zeros_like(ue), rank)


def _algorithm_1(
    observation: Observation,
    view: CellView,
    ue: IntArray,
    module: IntArray,
    rank: IntArray | None,
) -> RoundPlan:
    """One gNB's admitted rows in the shares of Algorithm 1, a UE's share divided by payload."""
    admission = admit_uploads(
        observation,
        view,
        ue,
        module,
        rank,
    )
    kept = admission.admitted[ue]
    ue = ue[kept]
    module = module[kept]
    rank = select(rank, kept)
    own, row = np.unique(ue, return_inverse=True)
    bits = upload_bits(observation, ue, module, rank)
    total = np.zeros(len(own))
    np.add.at(total, row, bits)
    power = np.full(len(own), observation.max_power_w)
    whole = view.select(own).allocate(power, total)
    shares = whole.shares[row] * bits / total[row]
    shares = shares * observation.free_share[ue]
    return RoundPlan(
        ue=ue,
        module=module,
        share=shares,
        power_w=split_power(observation.max_power_w, ue, shares),
        rank=rank,
    )


def equal_share_plan(
    observation: Observation,
    ue: IntArray,
    module: IntArray,
    rank: IntArray | None = None,
) -> RoundPlan:
    """Every (UE, module) row gets an equal share of the free part of its gNB's band.

    A UE's powers sum to P_max. Rows of UEs that are not available are left out.
    """
    here = observation.available[ue]
    ue = ue[here]
    gnb = observation.gnb[ue]
    rows_of_gnb = np.bincount(gnb)
    shares = observation.free_share[ue] / rows_of_gnb[gnb]
    return RoundPlan(
        ue=ue,
        module=module[here],
        share=shares,
        power_w=split_power(observation.max_power_w, ue, shares),
        rank=select(rank, here),
    )


def split_power(
    power_w: float,
    ue: IntArray,
    shares: FloatArray,
) -> FloatArray:
    """`power_w` of each UE divided over its rows by share (docs/model/algorithm2.md). [M]."""
    total = np.bincount(ue, shares)
    return np.asarray(power_w * (shares / total[ue]))
