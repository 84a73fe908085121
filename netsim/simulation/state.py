"""What the simulation knows: hardware and rules (fixed), links (at a time), and one round in
progress.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from simpy.events import Event

from netsim.device.energy import compute_energy_j, transmit_energy_j
from netsim.protocols import HeldRows, Redeemed, RoundPlan
from netsim.records import ABORTED, LATE, ON_TIME, OUTAGE
from netsim.units import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from netsim.simulation.world import World


@dataclass(frozen=True)
class Fleet:
    """Hardware and data of the K UEs, the same for the whole run."""

    device_class: list[str]  # [K]
    cpu_hz: FloatArray  # [K]
    energy_coefficient: FloatArray  # [K]
    cycles: FloatArray  # [K] of one module's local training
    compute_s: FloatArray  # [K]
    compute_energy_j: FloatArray  # [K]
    samples: IntArray  # [K] D_k
    label_counts: IntArray  # [K, class]
    name: tuple[str, ...] | None = None  # [K] in the trace that is replayed
    held: HeldRows | None = None

    def __len__(self) -> int:
        return len(self.cpu_hz)


@dataclass(frozen=True)
class Links:
    """Large scale at one time: where the K UEs are and what their links are worth."""

    position_m: FloatArray  # [K, 2]
    gnb: IntArray  # [K] serving gNB
    distance_m: FloatArray  # [K] to it, at least the path loss' least distance
    gain: FloatArray  # [K] mean channel gain to it, shadowing and antennas included
    interference_w: FloatArray  # [K] expected, where interferers are aligned with the UE's band
    noise_psd_w_hz: (
        FloatArray  # [K] with the interference density expected, where all cells are simulated
    )
    downlink_efficiency: FloatArray  # [K] bit/s/Hz
    site_gain: FloatArray | None = None  # [K, S] to every site, where all cells are simulated
    present: BoolArray | None = None  # [K] None: all; of others there is the last place
    served: BoolArray | None = None  # [K] by a gNB that learns; None: all

    def __len__(self) -> int:
        return len(self.gnb)

    @cached_property
    def gnbs(self) -> IntArray:
        """Those that serve UEs, ascending; one where nobody is left."""
        here = self.gnb if self.present is None else self.gnb[self.present]
        return np.unique(here if len(here) else self.gnb[:1])

    @cached_property
    def available(self) -> BoolArray:
        """[K] may be scheduled."""
        return np.ones(len(self.gnb), dtype=bool) if self.served is None else self.served


@dataclass(frozen=True)
class Rules:
    """How rounds go."""

    deadline_s: float  # from the start at the gNB
    barrier: bool  # uploads of a gNB start together
    compute_limit_s: float  # from the start at the gNB; at most deadline_s
    aggregation_s: float  # at a gNB and at the core
    w0_every_round: bool
    downlink_hz: float
    foundation_bits: float
    payload_emulated: BoolArray  # [N]
    stale: bool = False  # late uploads go on into the following rounds


def group_starts(sorted_ids: IntArray) -> IntArray:
    """Index of the first of each run of equal values."""
    return np.flatnonzero(np.diff(sorted_ids, prepend=-1))


class Move(NamedTuple):
    """An upload goes on at another gNB."""

    time_s: float
    row: int
    site: int


class Errand(NamedTuple):
    """One UE's part in a round; its rows are first, ..., stop - 1."""

    gnb: int
    downloaded_s: float
    computed_s: float
    ready: bool
    first: int
    stop: int


@dataclass
class Airing:
    """What the M rows of a round did on the air; rows that were not ready did nothing.

    Segments are the uplink spans: a row has one for each attempt, and one more for each
    reallocation.
    """

    finish_s: FloatArray  # [M] when the whole payload was through; inf if never
    end_s: FloatArray  # [M] when the UE stopped sending
    bits: FloatArray  # [M] sent in all attempts
    # [M] at the start (round fading) or airtime mean (block fading) of the last attempt
    sinr: FloatArray
    attempts: IntArray  # [M]
    first_end_s: FloatArray  # [M] end of the first attempt
    outage: BoolArray  # [M]
    segment_row: IntArray  # [L]
    segment_attempt: IntArray  # [L] 1, 2, ...
    segment_start_s: FloatArray  # [L]
    segment_end_s: FloatArray  # [L]
    segment_hz: FloatArray  # [L]
    segment_bits: FloatArray  # [L]
    segment_gnb: IntArray | None = None  # [L]; None: the rows' own
    segment_sinr: FloatArray | None = None  # [L] of its attempt, where it is needed (round fading)


@dataclass
class Lineage:
    """Where rows come from, in a run whose uploads may outlast their rounds."""

    begun: IntArray  # [M] round whose plan the row is of
    opened_s: FloatArray  # [M] start of that round at the row's gNB
    download_end_s: FloatArray  # [M] when the UE began to compute
    computed_s: FloatArray  # [M] when it had computed all its modules
    version: IntArray  # [M] of the module that the UE downloaded
    made: IntArray  # [M] how many versions of the module had been made by then
    age: IntArray | None = None  # [M] how many have been made since, at the end of a round


@dataclass
class Carried:
    """What was already on its way when a round opened. C rows, at `row` of the round's M."""

    row: IntArray  # [C]
    airing: Airing  # of C rows, so far or to its end
    standing: dict[
        str, FloatArray
    ]  # [C] each: how far they are, where the airing is not known to its end


class Afloat(Protocol):
    """What is on the air in a round whose rows may outlast it."""

    def mark(self, cell: int, time_s: float) -> None:
        """A gNB has just stopped to collect uploads."""
        ...

    def halt(self, time_s: float) -> dict[str, FloatArray]:
        """The round has just ended: complete its airing up to now. How far its rows are, [M]
        each.
        """
        ...

    def stop(self, rows: IntArray) -> None:
        """Once halted: `rows` ended where their gNBs stopped to collect."""
        ...


@dataclass
class RoundState:
    """One round. Rows are the plan's (UE, module) pairs, in its order; M rows over U UEs at G
    gNBs.
    """

    number: int
    start_s: float  # at the core
    plan: RoundPlan
    fleet: Fleet
    links: Links
    gnbs: IntArray  # [G] serving somebody, ascending
    open_s: FloatArray  # [G] start at the gNB: the modules are there
    model_bits: FloatArray  # [G] of the modules that its UEs are to hear
    payload_bits: FloatArray  # [M]
    gnb: IntArray  # [M]
    deadline_s: FloatArray  # [M]
    slot_start_s: FloatArray  # [M] the module's broadcast
    slot_end_s: FloatArray  # [M]
    slot_bits: FloatArray  # [M]
    compute_start_s: FloatArray  # [M]
    compute_end_s: FloatArray  # [M] stopped at the limit
    compute_done: FloatArray  # [M] fraction of the work done
    ready: BoolArray  # [M] the UE had all its modules computed in time
    upload_start_s: FloatArray  # [M]
    granted: list[Event]  # [G] barrier: the gNB's uploads start
    sent: list[Event] = field(
        default_factory=list
    )  # [M] the upload is over; unused where not ready
    stop_s: FloatArray = field(
        init=False
    )  # [M] transmitting ends: the deadline, departure or handover
    site: IntArray = field(init=False)  # [M] gNB on the air; `gnb` but after a handover
    world: World | None = None  # None: nothing changes during the round
    moves: list[Move] = field(
        default_factory=list
    )  # uploads that go on at another gNB, in order of time
    airing: Airing = field(init=False)
    close_s: FloatArray = field(init=False)  # [G] the gNB has aggregated
    aggregate_bits: FloatArray = field(init=False)  # [G]
    arrive_s: FloatArray = field(init=False)  # [G] its aggregate is at the core
    rank: IntArray | None = None  # [M] sent, if redeemed before the uplink; -1 where not ready
    redeemed: Redeemed | None = None
    end_s: float = np.nan
    lineage: Lineage | None = None  # None: no row may outlast the round, and all are of its plan
    carried: Carried | None = None
    afloat: Afloat | None = None
    cut_s: FloatArray = field(
        init=False
    )  # [G] where rows may: when the gNB stopped to collect uploads
    goes_on: IntArray | None = None  # [G] uploads that were under way at its end; None: none

    def __post_init__(self) -> None:
        self.close_s, self.aggregate_bits, self.arrive_s = np.full((3, len(self.gnbs)), np.nan)
        self.stop_s, self.site = self.deadline_s, self.gnb

    @cached_property
    def first(self) -> IntArray:
        """[U] first row of each scheduled UE."""
        return group_starts(self.plan.ue)

    @cached_property
    def cell(self) -> IntArray:
        """[M] position of the row's gNB in `gnbs`."""
        return np.searchsorted(self.gnbs, self.gnb)

    @cached_property
    def agenda(self) -> dict[int, Errand]:
        """What each scheduled UE has to do."""
        first = self.first
        stop = np.append(first, len(self.plan.ue))[1:]
        last = stop - 1
        errands = zip(
            self.cell[first].tolist(),
            self.compute_start_s[first].tolist(),
            self.compute_end_s[last].tolist(),
            self.ready[last].tolist(),
            first.tolist(),
            stop.tolist(),
            strict=True,
        )
        return dict(zip(self.plan.ue[first].tolist(), map(Errand._make, errands), strict=True))

    @property
    def rank_sent(self) -> IntArray:
        """[M] ranks sent; -1 where that is the module's own, or nothing was sent."""
        if self.rank is not None:
            return self.rank
        return np.full(len(self.ready), -1) if self.plan.rank is None else self.plan.rank

    def outcome_now(self) -> IntArray:
        """[M] outcome codes; -1 where the UE was not ready. Outage outranks late. Uploads that have
        not ended count as late."""
        until_s = self.deadline_s if self.lineage is None else self.cut_s[self.cell]
        outcome = np.where(self.airing.finish_s <= until_s, ON_TIME, LATE)
        outcome = np.where(self.airing.outage, OUTAGE, outcome)
        if self.stop_s is not self.deadline_s and self.lineage is None:
            broken = (self.stop_s < self.deadline_s) & ~(self.airing.finish_s <= self.stop_s)
            outcome = np.where(broken, ABORTED, outcome)
        return np.where(self.ready, outcome, -1)

    @cached_property
    def outcome(self) -> IntArray:
        """`outcome_now` once every upload has ended."""
        return self.outcome_now()

    @property
    def energy_j(self) -> float:
        """Of all rows, once every upload has ended."""
        return float(self.compute_energy_j.sum() + self.uplink_energy_j.sum())

    @property
    def own(self) -> BoolArray:
        """[M] is of this round's plan."""
        if self.lineage is None:
            return np.ones(len(self.ready), dtype=bool)
        return np.asarray(self.lineage.begun == self.number)

    @property
    def age(self) -> IntArray | None:
        """[M] versions of the row's module made since its download, at the end of the round; None:
        none.
        """
        return None if self.lineage is None else self.lineage.age

    @property
    def opened_s(self) -> FloatArray:
        """[M] start, at the row's gNB, of the round whose plan the row is of."""
        return self.open_s[self.cell] if self.lineage is None else self.lineage.opened_s

    @property
    def download_end_s(self) -> FloatArray:
        """[M] when the row's UE began to compute."""
        if self.lineage is not None:
            return self.lineage.download_end_s
        if len(self.first) == len(self.compute_start_s):  # a module each
            return self.compute_start_s
        return self.compute_start_s[np.searchsorted(self.plan.ue, self.plan.ue)]

    @property
    def computed_s(self) -> FloatArray:
        """[M] when the row's UE had computed all its modules, or gave up."""
        if self.lineage is not None:
            return self.lineage.computed_s
        if len(self.first) == len(self.compute_end_s):  # a module each
            return self.compute_end_s
        last = np.maximum.reduceat(self.compute_end_s, self.first)
        return np.repeat(last, np.diff(np.append(self.first, len(self.compute_end_s))))

    @property
    def compute_outcome(self) -> IntArray:
        """[M] outcome codes of the computing."""
        return np.where(self.compute_done >= 1.0, ON_TIME, ABORTED)

    @cached_property
    def cycles(self) -> FloatArray:
        """[M] processor cycles done."""
        return self.fleet.cycles[self.plan.ue] * self.compute_done

    @cached_property
    def compute_energy_j(self) -> FloatArray:
        """[M] in proportion to the work done."""
        ue = self.plan.ue
        return compute_energy_j(
            self.cycles, self.fleet.cpu_hz[ue], self.fleet.energy_coefficient[ue]
        )

    @cached_property
    def segment_energy_j(self) -> FloatArray:
        """[L] of the airing's segments, once every upload has ended."""
        air = self.airing
        airtime_s = air.segment_end_s - air.segment_start_s
        return transmit_energy_j(self.plan.power_w[air.segment_row], airtime_s)

    @cached_property
    def uplink_energy_j(self) -> FloatArray:
        """[M] over all attempts; 0 where the UE was not ready."""
        row, rows = self.airing.segment_row, len(self.plan.ue)
        return np.asarray(
            np.bincount(row, weights=self.segment_energy_j, minlength=rows), dtype=np.float64
        )


def bits_once(cell: IntArray, module: IntArray, payload_bits: FloatArray, cells: int) -> FloatArray:
    """Bits of the modules of rows [M] at each gNB, each module once, at its largest payload.
    [G].
    """
    largest = np.zeros((cells, int(module.max(initial=0)) + 1))
    np.maximum.at(largest, (cell, module), payload_bits)
    return np.asarray(largest.sum(axis=1))
