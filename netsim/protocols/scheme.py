"""What a scheme sees of a round and what it declares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol

from netsim.protocols.learning import Tail
from netsim.protocols.radio import SuccessModel
from netsim.units import BoolArray, FloatArray, IntArray


class PayloadSize(Protocol):
    """Size of an upload: of the tensors sent, which depend on the UE's rank."""

    def __call__(self, module: IntArray, rank: IntArray | None = None) -> FloatArray:
        """Upload size, bit, of `module` [M] at `rank` [M]; None: the modules' own ranks. [M]."""
        ...


class Computed(Protocol):
    """When UEs of a plan would be ready to upload: downloads and computing are known ahead."""

    def __call__(
        self,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None = None,
    ) -> tuple[FloatArray, BoolArray]:
        """(seconds from its gNB's start [M], in time [M]) of rows ordered by (ue, module).

        The rows of a UE are ready together. Under the barrier, a gNB's uploads start with its last
        UE.
        """
        ...


class ModuleGap(Protocol):
    """How well modules fit UEs, measured on demand: a forward pass of every UE and module."""

    def __call__(self) -> FloatArray:
        """Loss of module n on UE k's samples of the round minus the least one, nats. [K, N]."""
        ...


class Channel(Protocol):
    """Perfect channel knowledge of the planned round; only with one fading draw per upload."""

    def __call__(self) -> tuple[FloatArray, FloatArray]:
        """Channel gain with fading [K], and interference, W [K]."""
        ...


@dataclass(frozen=True)
class Observation:
    """What a scheme may know when it plans round `round`: facts stamped before its start.

    K UEs, those of all gNBs that learn; N modules. Channel knowledge is large-scale: mean fading,
    mean interference. Where all cells are simulated, the expected interference of the other cells
    grows with the band: it is part of the noise density, and `interference_w` is 0.
    """

    round: int  # 1, 2, ...
    start_s: float
    seed: int
    gnb: IntArray  # [K] serving gNB
    available: BoolArray  # [K] present, idle, and with band to be had: a plan schedules no others
    free_share: FloatArray  # [K] part of its gNB's band that uploads under way leave to the plan
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
    rate_model: str  # shannon | threshold | nr
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
    # rates are planned as rate_factor W delta log2(1 + SINR / sinr_gap); both are 1 at capacity
    rate_factor: float = 1.0
    sinr_gap: float = 1.0
    # [K] that power control will set in equal shares, whatever the plan says; None: the plan's
    sent_power_w: FloatArray | None = None


@dataclass(frozen=True)
class RoundPlan:
    """What a scheme declares for one round.

    Rows of `ue`, `module`, `share`, `power_w` are uploads (active pairs), ordered by (ue, module).
    The shares of a gNB sum to at most what is free of its band; the powers of one UE's rows to at
    most P_max.
    """

    ue: IntArray  # [M]
    module: IntArray  # [M]
    share: FloatArray  # [M] fraction of the gNB's bandwidth
    power_w: FloatArray  # [M]
    # [M] number of the module's first ranks that the UE trains and sends; None: all
    rank: IntArray | None = None
    aggregation: str = "average"
    # before_uplink: the payload depends on the training
    redeem: Literal["at_close", "before_uplink"] = "at_close"
    fraction: FloatArray | None = None  # [K, N] subscription before rounding
    success_probability: FloatArray | None = None  # [K, N]
    dual: FloatArray | None = None  # [K, N]
    # number of arrivals, late ones included, with which a gNB closes its round
    close_after: int | None = None

    def select(self, rows: BoolArray) -> RoundPlan:
        """The plan with some of its rows [M]."""
        return replace(
            self,
            ue=self.ue[rows],
            module=self.module[rows],
            share=self.share[rows],
            power_w=self.power_w[rows],
            rank=None if self.rank is None else self.rank[rows],
        )


@dataclass(frozen=True)
class RoundOutcome:
    """How the previous round went, row by row of its plan.

    Where uploads may outlast their rounds, the rows are those that ended in this one.
    """

    plan: RoundPlan
    on_time: BoolArray  # [M]
    start_s: float
    end_s: float
    # [M] sent, if redeemed before the uplink; -1 where the UE was not ready
    rank: IntArray | None = None


class Scheme(Protocol):
    """Who subscribes to what, with which power and bandwidth. One file per scheme.

    A scheme that subclasses this needs only its name, its citation and `plan`.
    """

    name: ClassVar[str]  # as registered
    citation: ClassVar[str]  # where it was published

    @property
    def asynchronous(self) -> bool:
        """Nobody waits: no barrier, and uploads may outlast their rounds, whatever is set."""
        return False

    @property
    def needs_learning(self) -> bool:
        """Plans depend on training, so that a network-only run cannot use the scheme."""
        return False

    @property
    def tail(self) -> Tail | None:
        """How local training presses the last ranks towards zero; None: it does not."""
        return None

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """Ranks of the adapters that the scheme works with, from those the scenario configures."""
        return tuple(configured)

    @abstractmethod
    def plan(self, observation: Observation) -> RoundPlan:
        """The next round: a function of `observation` and of the scheme's own state."""
        ...

    def state(self) -> dict[str, Any]:
        """All that `plan` remembers between rounds, as arrays and JSON values; none by default."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
