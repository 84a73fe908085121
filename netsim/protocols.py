"""The seams: what a layer may ask of another without importing it.

`simulation` decides who trains and when, and hands tickets to a `Learner`; it writes tables to a
`RecordSink` and tells a `Listener` how far it is. A `Scheme` declares a round; it touches neither
tensors nor the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from netsim.errors import InputError
from netsim.units import BoolArray, FloatArray, IntArray

Columns = Mapping[str, Any]
"""Columns of one table: NumPy arrays or lists of equal length, or one scalar for all rows."""


# -- learning ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tickets:
    """Work that UEs did in simulated time and whose arithmetic is still owed.

    M rows, ordered by (ue, module): UE `ue[m]` ran its local steps on module `module[m]`, starting
    from version `version[m]` of it, on the samples that are its own in round `round`.
    """

    round: int
    ue: IntArray  # [M]
    module: IntArray  # [M]
    version: IntArray  # [M] round in which the module had last changed
    rank: IntArray | None = None  # [M] trained at the module's first so many ranks; None: at all of them
    sampled: IntArray | None = None  # [M] round whose samples were trained on; None: `round`
    staleness: IntArray | None = None  # [M] versions made since the download; None: none

    def __len__(self) -> int:
        return len(self.ue)


@dataclass(frozen=True)
class Redeemed:
    """What came out of the tickets, row by row, at the downloaded version (first local step)."""

    train_loss: FloatArray  # [M] mean loss over the UE's samples of the round, nats
    gradient_norm: FloatArray  # [M] L2 norm of the gradient over all trained tensors of the module
    rank: IntArray  # [M] ranks that are sent: those trained, or fewer where the UE prunes
    payload_bits: FloatArray  # [M] of the tensors that are sent
    dead_ranks: int = 0  # of all modules after the aggregation: zero in A and in B, without gradient


@dataclass(frozen=True)
class Tail:
    """HetLoRA's local training, declared by a scheme as `tail` (Cho et al., EMNLP 2024).

    The last ranks of each layer are pressed towards zero, and dropped.
    The loss gains `weight` sum over layers of |B[:, q:]|_F |A[q:, :]|_F with q = floor(kept r). With `prune`
    a UE whose sum has fallen during its local training sends ranks below max(least_rank, q) only.
    """

    weight: float  # nat
    kept: float = 0.99
    prune: bool = False
    least_rank: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            raise InputError("the weight of the tail must not be negative, and finite", value=self.weight)
        if not 0 < self.kept < 1:
            raise InputError("the kept part of the ranks must be between 0 and 1", value=self.kept)
        if self.least_rank < 1:
            raise InputError("the least rank must be at least 1", value=self.least_rank)

    def start(self, rank: int) -> int:
        """First rank of the tail."""
        return floor(self.kept * rank)

    def pruned(self, rank: int) -> int:
        """What a UE whose tail has fallen sends."""
        return min(rank, max(self.least_rank, self.start(rank)))


@dataclass(frozen=True)
class Evaluation:
    """One measurement of accuracy; takes no simulated time."""

    target: str  # "0", "1", ... a module, "ensemble" (eq. 3), "averaged_logits", or "best" module of a UE
    ue: int | None  # None: the common split
    split: str
    loss: float  # nats
    accuracy: float
    samples: int


@dataclass(frozen=True)
class RiskProbe:
    """Losses F_k and their gradients at the UEs' own test sets. K UEs, N modules."""

    loss: FloatArray  # [K, N] F_k(w_n), nats
    gradient_norm_sq: FloatArray  # [K, N] |grad F_k(w_n)|^2
    mean_gradient_norm_sq: FloatArray  # [N] |grad F(w_n)|^2 with F = sum_k rho_k F_k
    smoothness: FloatArray  # [N] |g' - g| / |w' - w| of grad F since the probe before; NaN if not moved
    optimum_loss: FloatArray  # [K] F_k(w*_k)
    rho: FloatArray  # [K] D_k / sum D
    test_samples: int  # rows of each UE's test set
    foundation_norm_sq: float  # |w_0|^2


class Learner(Protocol):
    """Computes what the simulation decided."""

    def payload_bits(self) -> FloatArray:
        """Upload size of each module, bit. Shape [module]."""
        ...

    def payload_bits_of(self, module: IntArray, rank: IntArray) -> FloatArray:
        """Upload size of modules at lower ranks, bit. Shape [M], as `module` and `rank`."""
        ...

    def foundation_bits(self) -> float:
        """Size of the foundation model, bit."""
        ...

    def compute(self, tickets: Tickets) -> Redeemed:
        """Train tickets before their uplinks, for plans whose payload depends on it; changes no module.

        The uploads wait until `redeem` takes those that arrived.
        """
        ...

    def redeem(self, tickets: Tickets, aggregation: str, in_flight: Tickets | None = None) -> Redeemed:
        """Compute all tickets in one batched call and aggregate them into their modules.

        A module without a ticket keeps its bits. `in_flight` may still be redeemed later: the versions they
        start from are kept, and what `compute` made for them; all others are forgotten.
        """
        ...

    def evaluate(self) -> Sequence[Evaluation]:
        """Measure every module and the ensemble; exactly one common `ensemble` row."""
        ...

    def probe(self) -> RiskProbe:
        """Losses and gradients of the modules as they are; changes nothing."""
        ...

    def module_gap(self, round: int) -> FloatArray:
        """Loss of each module on each UE's samples of `round` minus the best module's, nats. [K, N]."""
        ...

    def save(self, folder: Path) -> None:
        """Write each module to folder/<module>/ in PEFT format; a full module as a model folder."""
        ...

    def save_state(self, folder: Path) -> None:
        """Write all that later rounds depend on to `folder`, which must exist."""
        ...

    def load_state(self, folder: Path) -> None:
        """Put back what `save_state` wrote for the same scenario. Raises InputError if it does not fit."""
        ...

    def close(self) -> None:
        """Release worker processes, if any."""
        ...


# -- radio ---------------------------------------------------------------------------------------


class Pathloss(Protocol):
    """Large-scale gain between UEs and sites. Frozen dataclasses under entry point `netsim.pathloss`."""

    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear gain at horizontal distance `distance_m` (any shape), positive, not increasing.

        Averaged over line of sight where the model has it, at the median of shadowing.
        """
        ...

    def link_gain(
        self, ues_m: FloatArray, sites_m: FloatArray, *, seed: int, site_ids: IntArray | None = None
    ) -> FloatArray:
        """Linear gain of every link with its line of sight and shadowing, [K, 2], [S, 2] -> [K, S].

        A function of (seed, site, place): adding UEs or sites leaves the other links as they were.
        `site_ids` [S] are the numbers of the sites where `sites_m` is a selection of them.
        """
        ...


class SuccessModel(Protocol):
    """lambda_{n,k} of eq. (15): the probability that an upload meets the SINR threshold.

    Under block fading: that it is through within its time (model-spec 10.3).
    """

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """Of uploads of UEs `ue`; arrays broadcast. 0 where there is no power, and in an infinite band.

        `payload_bits` and `airtime_s`, the time left for the upload, matter under block fading only.
        """
        ...


# -- mobility ------------------------------------------------------------------------------------


class Motion(Protocol):
    """Where K UEs are. A function of time: the same answer in any order of asking."""

    def positions(self, times_s: FloatArray) -> FloatArray:
        """Places at simulated times, m. [T] -> [K, T, 2]; NaN while a UE is absent."""
        ...


class Mobility(Protocol):
    """How UEs move. Frozen dataclasses under entry point `netsim.mobility`."""

    def motion(self, start_m: FloatArray, region: Any, *, seed: int) -> Motion:
        """Motion of the UEs placed at `start_m` [K, 2] in a `netsim.mobility.region.Region`.

        A function of (seed, UE, time): adding UEs leaves the others as they were.
        """
        ...


# -- schemes -------------------------------------------------------------------------------------


class PayloadSize(Protocol):
    """What an upload weighs: the tensors sent, which depend on the UE's rank."""

    def __call__(self, module: IntArray, rank: IntArray | None = None) -> FloatArray:
        """Upload size, bit, of `module` [M] at `rank` [M]; None: at the modules' own. [M]."""
        ...


class Computed(Protocol):
    """When UEs of a plan would be ready to upload: downloads and computing are known ahead."""

    def __call__(
        self, ue: IntArray, module: IntArray, rank: IntArray | None = None
    ) -> tuple[FloatArray, BoolArray]:
        """(seconds from its gNB's start [M], in time [M]) of rows ordered by (ue, module).

        The rows of a UE are ready together. Under the barrier, a gNB's uploads start with its last UE.
        """
        ...


class ModuleGap(Protocol):
    """How well modules fit UEs, measured when asked: it costs the forward pass of every UE and module."""

    def __call__(self) -> FloatArray:
        """Loss of module n on UE k's samples of the round minus the best module's, nats. [K, N]."""
        ...


class Channel(Protocol):
    """What perfect channel knowledge would tell about the round that is planned (round fading only)."""

    def __call__(self) -> tuple[FloatArray, FloatArray]:
        """(channel gain with fading [K], interference in W [K])."""
        ...


@dataclass(frozen=True)
class Observation:
    """What a scheme may know when it plans round `round`: facts stamped before its start.

    K UEs, N modules; the UEs of all gNBs that learn. Channel knowledge is large-scale (mean fading, mean
    interference). Where all cells are simulated, what is expected of the others is part of the noise
    density, since it grows with the band, and `interference_w` is 0.
    """

    round: int  # 1, 2, ...
    start_s: float
    seed: int
    gnb: IntArray  # [K] serving gNB
    available: BoolArray  # [K] present and idle: a plan schedules no others
    distance_m: FloatArray  # [K]
    signal_gain: FloatArray  # [K] mean channel gain to the serving gNB, linear
    interference_w: FloatArray  # [K] mean out-of-cell interference, W
    noise_psd_w_hz: FloatArray  # [K]
    compute_energy_j: FloatArray  # [K] of one module
    samples: IntArray  # [K] D_k, samples per round
    payload_bits: FloatArray  # [N] at the modules' own ranks
    payload_of: PayloadSize
    bandwidth_hz: float  # of each gNB
    sinr_threshold: float  # linear
    rate_model: str  # shannon | threshold
    min_power_w: float
    max_power_w: float
    deadline_s: float  # length of a round
    rounds: int  # at most, T
    formulas: str  # corrected | paper
    interferers_follow: bool  # interferers send with the power of the UE they disturb
    module_gap: ModuleGap | None  # None: network only
    success: SuccessModel
    label_counts: IntArray  # [K, C] rows of each class that each UE holds
    barrier: bool  # the uploads of a gNB start together, when its last UE has computed
    computed: Computed
    channel: Channel
    previous: RoundOutcome | None  # None in round 1


@dataclass(frozen=True)
class RoundPlan:
    """What a scheme declares for one round.

    Rows of `ue`, `module`, `share`, `power_w` are uploads (active pairs), ordered by (ue, module).
    The shares of a gNB sum to at most 1; the powers of one UE's rows sum to at most P_max.
    """

    ue: IntArray  # [M]
    module: IntArray  # [M]
    share: FloatArray  # [M] fraction of the gNB's bandwidth
    power_w: FloatArray  # [M]
    rank: IntArray | None = None  # [M] the UE trains and sends the module's first so many ranks; None: all
    aggregation: str = "average"
    redeem: Literal["at_close", "before_uplink"] = "at_close"  # before: training decides what is sent
    fraction: FloatArray | None = None  # [K, N] subscription before rounding
    success_probability: FloatArray | None = None  # [K, N]
    dual: FloatArray | None = None  # [K, N]


@dataclass(frozen=True)
class RoundOutcome:
    """How the previous round went, row by row of its plan."""

    plan: RoundPlan
    on_time: BoolArray  # [M]
    start_s: float
    end_s: float
    rank: IntArray | None = None  # [M] sent, if redeemed before the uplink; -1 where the UE was not ready


class Scheme(Protocol):
    """Who subscribes to what, with which power and bandwidth. One file per scheme.

    A scheme that subclasses this needs only its name, its citation and `plan`.
    """

    name: ClassVar[str]  # as registered
    citation: ClassVar[str]  # where it was published

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """Ranks of the adapters the scheme works with, given those the scenario configures: the same."""
        return tuple(configured)

    def plan(self, observation: Observation) -> RoundPlan:
        """The next round. Must be a function of `observation` and of the scheme's own state."""
        ...

    def state(self) -> dict[str, Any]:
        """All that `plan` remembers, as arrays and JSON values: nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""


# -- records and progress ------------------------------------------------------------------------


class RecordSink(Protocol):
    """Where tables go. Rows travel as columns."""

    def write(self, table: str, columns: Columns) -> None:
        """Append rows to a table of `netsim.records`."""
        ...

    def close_round(self, round: int) -> None:
        """All rows of rounds up to `round` have been written."""
        ...


@dataclass(frozen=True)
class Progress:
    """One line of a run's progress, at the end of a round (round 0: before training)."""

    round: int
    time_s: float
    energy_j: float
    on_time: int
    late: int
    outage: int
    not_ready: int
    train_loss: float | None
    loss: float | None  # of the last evaluation's ensemble row
    accuracy: float | None


class Listener(Protocol):
    """Is told how far a run is."""

    def status(self, text: str) -> None:
        """Something slow has begun."""
        ...

    def warning(self, text: str) -> None:
        """Something is not as it should be; the run goes on."""
        ...

    def round_closed(self, progress: Progress) -> None:
        """A round is over."""
        ...


@dataclass
class Silence:
    """A listener that keeps the last progress and says nothing."""

    last: Progress | None = field(default=None)

    def status(self, text: str) -> None:
        pass

    def warning(self, text: str) -> None:
        pass

    def round_closed(self, progress: Progress) -> None:
        self.last = progress
