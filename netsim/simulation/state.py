"""What the rooms share: links, rules and payloads, and one round in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from netsim.device.idle import Idle
from netsim.device.power import GnbPower
from netsim.protocols import (
    PayloadSize,
    Redeemed,
    RoundPlan,
    WorkShare,
    all_work,
)
from netsim.radio.downlink import Downlink
from netsim.radio.nr.access import Access
from netsim.simulation.uploads.table import Uploads
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Links:
    """The K UEs at one time: where they are, and their links without fast fading."""

    position_m: FloatArray  # [K, 2]
    gnb: IntArray  # [K] serving gNB
    distance_m: FloatArray  # [K] to it, at least the path loss' least distance
    gain: FloatArray  # [K] mean channel gain to it, shadowing and antennas included
    interference_w: FloatArray  # [K] expected, where interferers are aligned with the UE's band
    noise_psd_w_hz: FloatArray  # [K] with the interference expected where all cells are simulated
    downlink_efficiency: FloatArray  # [K] bit/s/Hz
    pace: FloatArray  # [K] speed over that of a UE that stands, which is moved around; at least 1
    site_gain: FloatArray | None = None  # [K, S] to every site, where all cells are simulated
    heard_gain: FloatArray | None = None  # [P, S] of UEs present, by how much they are on the air
    present: BoolArray | None = None  # [K] None: all; others are at their last place
    served: BoolArray | None = None  # [K] by a gNB that learns; None: all

    def __len__(self) -> int:
        return len(self.gnb)

    @cached_property
    def gnbs(self) -> IntArray:
        """Those that serve UEs, ascending; one where nobody is left."""
        here = self.gnb if self.present is None else self.gnb[self.present]
        return np.unique(here if len(here) else self.gnb[:1])

    @cached_property
    def gain_of_sites(self) -> FloatArray:
        """[S, K] `site_gain`, site by site."""
        gain = self.site_gain
        assert gain is not None
        by_site = gain.T
        return np.ascontiguousarray(by_site)

    @cached_property
    def available(self) -> BoolArray:
        """[K] may be scheduled."""
        if self.served is None:
            return np.ones(len(self.gnb), dtype=bool)
        return self.served

    @property
    def ues_present(self) -> IntArray:
        """Numbers of the UEs that are there, ascending."""
        if self.present is None:
            return np.arange(len(self))
        return np.flatnonzero(self.present)


@dataclass(frozen=True)
class Rules:
    """How rounds go."""

    deadline_s: float  # from the start at the gNB
    barrier: bool  # uploads of a gNB start together
    compute_limit_s: float  # from the start at the gNB; at most deadline_s
    aggregation_s: float  # at a gNB and at the core
    foundation_every_round: bool  # the foundation model is sent in every round, not once
    downlink: Downlink
    access: Access = field(default_factory=Access)
    caches: bool = False  # UEs keep the modules they hear
    stale: bool = False  # late uploads go on into the following rounds
    gnb_power: GnbPower | None = None  # None: not accounted for

    @property
    def last_compute_s(self) -> float:
        """Computing stops here, from the start at the gNB."""
        if self.barrier:
            return self.compute_limit_s
        return np.inf if self.stale else self.deadline_s


@dataclass(frozen=True)
class Payloads:
    """What goes over the air, in bits: N modules and the foundation model."""

    bits: FloatArray  # [N] upload size at the modules' own ranks
    size_of: PayloadSize  # upload size at any rank
    down_of: PayloadSize  # what UEs download for it
    emulated: BoolArray  # [N] the size was set by hand, or scaled
    foundation_bits: float
    work_of: WorkShare = all_work  # of training parts of modules
    unencoded_of: PayloadSize | None = None  # upload size of the tensors; None: as they are sent


@dataclass(frozen=True)
class RoundSpan:
    """The times of a round that are known when it opens."""

    number: int
    start_s: float  # at the core
    deadline_s: float  # last of its gNBs'
    horizon_s: float  # up to which uploads are followed ahead


@dataclass
class Cells:
    """What the G gNBs of a round do and when; times in s."""

    gnb: IntArray  # [G] those that serve somebody, ascending
    open_s: FloatArray  # [G] the modules are there
    model_bits: FloatArray  # [G] of the modules that its UEs are to hear
    cut_s: FloatArray = field(init=False)  # [G] it stopped collecting uploads; inf: not yet
    close_s: FloatArray = field(init=False)  # [G] it has aggregated
    aggregate_bits: FloatArray = field(init=False)  # [G]
    arrive_s: FloatArray = field(init=False)  # [G] its aggregate is at the core

    def __post_init__(self) -> None:
        self.cut_s = np.full(len(self.gnb), np.inf)
        self.close_s, self.aggregate_bits, self.arrive_s = np.full((3, len(self.gnb)), np.nan)

    def __len__(self) -> int:
        return len(self.gnb)

    def index_of(self, gnb: IntArray) -> IntArray:
        """Positions [R] of gNBs [R] in `gnb`."""
        if len(self) == 1:
            return np.zeros(len(gnb), dtype=np.int64)
        return np.searchsorted(self.gnb, gnb)


@dataclass
class Round:
    """One round in progress or over."""

    number: int
    start_s: float  # at the core
    plan: RoundPlan
    links: Links
    cells: Cells
    uploads: Uploads  # of its plan, and those under way when it opened
    end_s: float = np.nan
    redeemed: Redeemed | None = None
    idle: Idle | None = None  # None: costs nothing

    @cached_property
    def cell(self) -> IntArray:
        """[M] position of the row's gNB among the round's."""
        return self.cells.index_of(self.uploads.gnb)

    @cached_property
    def own(self) -> BoolArray:
        """[M] is of this round's plan."""
        return np.asarray(self.uploads.begun_round == self.number)

    @property
    def merges(self) -> bool:
        """The core takes part in its end, where there is one."""
        return self.plan.to_core_bits != 0

    def per_cell(self, rows: BoolArray | IntArray) -> IntArray:
        """How many of some rows belong to each gNB. [G]."""
        return np.bincount(self.cell[rows], minlength=len(self.cells))
