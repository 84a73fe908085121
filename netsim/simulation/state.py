"""What the simulation knows: the cell (fixed), the rules (fixed), and one round in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from simpy.events import Event

from netsim.protocols import Redeemed, RoundPlan
from netsim.records import ABORTED, LATE, ON_TIME, OUTAGE
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Cell:
    """The learning gNB and its K UEs."""

    gnb: int
    position_m: FloatArray  # [K, 2]
    distance_m: FloatArray  # [K]
    gain: FloatArray  # [K] mean channel gain, shadowing included
    mean_interference_w: FloatArray  # [K]
    downlink_efficiency: FloatArray  # [K] bit/s/Hz
    device_class: list[str]  # [K]
    cpu_hz: FloatArray  # [K]
    energy_coefficient: FloatArray  # [K]
    cycles: FloatArray  # [K] of one module's local training
    compute_s: FloatArray  # [K]
    compute_energy_j: FloatArray  # [K]
    samples: IntArray  # [K] D_k
    label_counts: IntArray  # [K, class]

    def __len__(self) -> int:
        return len(self.distance_m)


@dataclass(frozen=True)
class Rules:
    """How rounds go."""

    deadline_s: float
    barrier: bool  # uploads start together
    compute_limit_s: float  # from the round's start; at most deadline_s
    aggregation_s: float
    w0_every_round: bool
    downlink_hz: float
    foundation_bits: float
    payload_emulated: BoolArray  # [N]


class Errand(NamedTuple):
    """One UE's part in a round; its rows are first, ..., stop - 1."""

    downloaded_s: float
    computed_s: float
    ready: bool
    first: int
    stop: int


@dataclass
class RoundState:
    """One round. Rows are the plan's (UE, module) pairs, in its order; M rows over U UEs."""

    number: int
    start_s: float
    deadline_s: float
    plan: RoundPlan
    payload_bits: FloatArray  # [M]
    granted: Event  # barrier: all uploads start
    computed: Event  # every scheduled UE is ready or has given up
    finished: Event  # every upload is over
    slot_start_s: FloatArray  # [M] the module's broadcast
    slot_end_s: FloatArray  # [M]
    slot_bits: FloatArray  # [M]
    compute_start_s: FloatArray  # [M]
    compute_end_s: FloatArray  # [M] stopped at the limit
    compute_done: FloatArray  # [M] fraction of the work done
    ready: BoolArray  # [M] the UE had all its modules computed in time
    upload_start_s: FloatArray  # [M]
    finish_s: FloatArray = field(init=False)  # [M] of the whole payload; inf if never
    upload_end_s: FloatArray = field(init=False)  # [M] min(finish, deadline)
    sinr: FloatArray = field(init=False)  # [M]
    rate_bps: FloatArray = field(init=False)  # [M] mean over the airtime
    bits_sent: FloatArray = field(init=False)  # [M]
    in_outage: BoolArray = field(init=False)  # [M]
    redeemed: Redeemed | None = None
    end_s: float = np.nan
    computing: int = 0  # scheduled UEs that have not reported their computing
    sending: int = 0  # uploads that have not ended

    @cached_property
    def ues(self) -> IntArray:
        """Scheduled UEs, ascending."""
        return np.unique(self.plan.ue)

    @cached_property
    def agenda(self) -> dict[int, Errand]:
        """What each scheduled UE has to do."""
        ues, first = np.unique(self.plan.ue, return_index=True)
        stop = np.append(first[1:], len(self.plan.ue))
        last = stop - 1
        errands = zip(
            self.compute_start_s[first].tolist(),
            self.compute_end_s[last].tolist(),
            self.ready[last].tolist(),
            first.tolist(),
            stop.tolist(),
            strict=True,
        )
        return {ue: Errand(*errand) for ue, errand in zip(ues.tolist(), errands, strict=True)}

    @cached_property
    def upload_ends(self) -> list[float]:
        """`upload_end_s` as Python numbers, for the clock."""
        ends: list[float] = self.upload_end_s.tolist()
        return ends

    @property
    def outcome(self) -> IntArray:
        """[M] outcome codes; -1 where the UE was not ready. Outage outranks late."""
        outcome = np.where(self.finish_s <= self.deadline_s, ON_TIME, LATE)
        outcome = np.where(self.in_outage, OUTAGE, outcome)
        return np.where(self.ready, outcome, -1)

    @property
    def compute_outcome(self) -> IntArray:
        """[M] outcome codes of the computing."""
        return np.where(self.compute_done >= 1.0, ON_TIME, ABORTED)
