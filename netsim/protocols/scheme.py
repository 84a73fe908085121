"""What a scheme sees of a round and what it declares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, Protocol, Self

from netsim.protocols.asking import Channel, Computed, LocalLoss
from netsim.protocols.backhaul import ToCore, restored_to_core
from netsim.protocols.compute import Training
from netsim.protocols.exchange import WHOLE_MODULES, Exchange, Needs, PayloadSize, WorkShare
from netsim.protocols.learning import Aggregation, Tail
from netsim.protocols.masked_sums import MaskedSums
from netsim.protocols.optimisation import FEDERATED_AVERAGING, Optimisation
from netsim.protocols.radio import SuccessModel
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Observation:
    """What a scheme may know when it plans round `round`: facts stamped before its start.

    K UEs, those of all gNBs that learn; N modules. Channel knowledge is large-scale: mean fading,
    mean interference. Where all cells are simulated, the expected interference of the other cells
    grows with the band: it is part of the noise density, and `interference_w` is 0. Quantities are
    linear and in SI units.

    Attributes:
        round: the round to plan: 1, 2, ...
        start_s: simulated time at which it starts, s.
        seed: of the run; draws of a scheme use `netsim.rng.stream(seed, name, round)`.
        gnb: serving gNB. [K]
        available: present, idle, and with band to be had: a plan schedules no others. [K]
        free_share: part of its gNB's band that uploads under way leave to the plan, 0 to 1. [K]
        distance_m: to the serving gNB, m. [K]
        signal_gain: mean channel gain to the serving gNB, linear. [K]
        interference_w: mean interference from other cells at the serving gNB, W. [K]
        noise_psd_w_hz: noise power density at the serving gNB, W/Hz. [K]
        compute_energy_j: energy of training one module in the round, J. [K]
        samples: D_k, samples per round. [K]
        payload_bits: size of an upload of each module at its own rank, bit. [N]
        payload_of: sizes at other ranks: `payload_of(module, rank)`, bit. [M]
        unencoded_of: the same before uploads are encoded; None: uploads are not.
        bandwidth_hz: of each gNB, Hz.
        sinr_threshold: SINR below which an upload fails, linear.
        rate_model: shannon, threshold or nr.
        min_power_w: lowest transmit power, W.
        max_power_w: highest transmit power of a UE, P_max, W.
        deadline_s: length of a round, s.
        rounds: the run has at most so many, T.
        formulas: corrected or paper.
        interferers_follow: interferers send with the power of the UE that they disturb.
        local_loss: `local_loss(ue)` measures the modules' losses at UEs, nats [M, N]; None: nothing
            is learnt.
        success: success probability of uploads, eq. (15): `success.probability(...)`.
        label_counts: rows of each of C classes that each UE holds. [K, C]
        barrier: the uploads of a gNB start together, when its last UE has computed.
        computed: `computed(ue, module, rank)` tells when UEs of a plan would be ready to send, s.
        channel: `channel()` tells gains and interference as they will be, for schemes that know the
            channel.
        previous: how the round before went; None in round 1.
        rate_factor: rates are planned as rate_factor W delta log2(1 + SINR / sinr_gap).
        sinr_gap: see `rate_factor`; both are 1 at capacity.
        training: the local training, as models of computing are told of it; None: not known.
        sent_power_w: that power control will set in equal shares, W [K]; None: the plan's.
    """

    round: int
    start_s: float
    seed: int
    gnb: IntArray
    available: BoolArray
    free_share: FloatArray
    distance_m: FloatArray
    signal_gain: FloatArray
    interference_w: FloatArray
    noise_psd_w_hz: FloatArray
    compute_energy_j: FloatArray
    samples: IntArray
    payload_bits: FloatArray
    payload_of: PayloadSize
    bandwidth_hz: float
    sinr_threshold: float
    rate_model: str
    min_power_w: float
    max_power_w: float
    deadline_s: float
    rounds: int
    formulas: str
    interferers_follow: bool
    local_loss: LocalLoss | None
    success: SuccessModel
    label_counts: IntArray
    barrier: bool
    computed: Computed
    channel: Channel
    previous: RoundOutcome | None
    rate_factor: float = 1.0
    sinr_gap: float = 1.0
    sent_power_w: FloatArray | None = None
    unencoded_of: PayloadSize | None = None
    training: Training | None = None


@dataclass(frozen=True)
class RoundPlan:
    """What a scheme declares for one round.

    Rows of `ue`, `module`, `share`, `power_w` are uploads (active pairs), ordered by (ue, module).
    The shares of a gNB sum to at most what is free of its band; the powers of one UE's rows to at
    most P_max. A plan that breaks a rule is refused with the rule and the value.

    Attributes:
        ue: who sends. [M]
        module: which module they train and send. [M]
        share: fraction of the gNB's bandwidth, above 0. [M]
        power_w: transmit power, above 0, W. [M]
        rank: number of the module's first ranks that the UE trains and sends [M]; None: all.
        exchange: which parts of them, and what else goes over the air; by default, whole modules.
        aggregation: the rule that makes new modules of what arrives: its name, or with parameters.
        redeem: before_uplink where the payload depends on the training, else at_close.
        fraction: subscription before rounding, 0 to 1, for the tables. [K, N]
        success_probability: that the plan reckons with, for the tables. [K, N]
        dual: variable of the participation bound, for the tables. [K, N]
        close_after: number of arrivals, late ones included, with which a gNB closes its round;
            None: it waits for all, or its deadline.
        from_core_bits: what the backhaul carries to each gNB before the round, bit; None: what its
            UEs download, each module once.
        to_core_bits: likewise from it after the round, or a stack; None: of each module that has
            arrived one upload. 0: the core takes no part in the round's end.
        sums: that mask uploads, which schemes do not say: the scenario does.
    """

    ue: IntArray
    module: IntArray
    share: FloatArray
    power_w: FloatArray
    rank: IntArray | None = None
    exchange: Exchange = WHOLE_MODULES
    aggregation: str | Aggregation = "average"
    redeem: Literal["at_close", "before_uplink"] = "at_close"
    fraction: FloatArray | None = None
    success_probability: FloatArray | None = None
    dual: FloatArray | None = None
    close_after: int | None = None
    from_core_bits: float | None = None
    to_core_bits: ToCore = None
    sums: MaskedSums | None = None

    def select(self, rows: BoolArray | IntArray) -> RoundPlan:
        """The plan with some of its rows [M]."""
        return replace(
            self,
            ue=self.ue[rows],
            module=self.module[rows],
            share=self.share[rows],
            power_w=self.power_w[rows],
            rank=None if self.rank is None else self.rank[rows],
            exchange=self.exchange.select(rows),
            sums=None if self.sums is None else self.sums.select(rows),
        )

    def up_bits(self, size_of: PayloadSize) -> FloatArray:
        """Size of each upload, bit. [M]."""
        return self.exchange.up_bits(size_of, self.module, self.rank)

    def needs(self, size_of: PayloadSize, share_of: WorkShare) -> Needs:
        """What goes before the uploads. [M]."""
        return self.exchange.needs(size_of, share_of, self.module, self.rank)

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, as it was."""
        exchange = Exchange(**state.get("exchange", {}))
        rule = state.get("aggregation", "average")
        if not isinstance(rule, str):
            rule = Aggregation.restored(rule)
        to_core = restored_to_core(state.get("to_core_bits"))
        changed = {"exchange": exchange, "aggregation": rule, "to_core_bits": to_core}
        return cls(**{**state, **changed})


@dataclass(frozen=True)
class RoundOutcome:
    """How the previous round went, row by row of its plan.

    Where uploads may outlast their rounds, the rows are those that ended in this one.

    Attributes:
        plan: what was declared, as it was sent.
        on_time: the upload counted. [M]
        heard: the UE had all its downloads and began to compute. [M]
        start_s: simulated time at which the round started, s.
        end_s: and at which it ended, s.
        took_s: from the round's start at the gNB to the end of the upload, s [M]; NaN: none.
        train_loss: mean over the samples of what was trained and counted, at the downloaded module,
            nats [M]; NaN elsewhere.
        loss_rms: root of the mean of the samples' squared losses, likewise. [M]
        rank: sent, if redeemed before the uplink [M]; -1 where the UE was not ready.
    """

    plan: RoundPlan
    on_time: BoolArray
    start_s: float
    end_s: float
    rank: IntArray | None = None
    heard: BoolArray | None = None
    took_s: FloatArray | None = None
    train_loss: FloatArray | None = None
    loss_rms: FloatArray | None = None

    def state(self) -> dict[str, Any]:
        """As arrays and JSON values."""
        return asdict(self)

    @classmethod
    def restored(cls, state: Mapping[str, Any] | None) -> Self | None:
        """What `state` gave, as it was; None of None."""
        if state is None:
            return None
        return cls(**{**state, "plan": RoundPlan.restored(state["plan"])})


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
    def needs_head(self) -> bool:
        """It is about the classification head, which learning.train_head must not freeze."""
        return False

    @property
    def outdates_uploads(self) -> str | None:
        """What it does ("change ...") after which older uploads are of no use; None: nothing."""
        return None

    @property
    def outdates_memories(self) -> str | None:
        """What it does after which numbers that UEs still owe are of no use; None: nothing."""
        return self.outdates_uploads

    @property
    def sends_more(self) -> str | None:
        """What tells of its data besides the change of a module and sizes; None: nothing."""
        return None

    @property
    def exact_downloads(self) -> bool:
        """UEs must have what comes down as it is: frozen weights change by it, say."""
        return False

    @property
    def tail(self) -> Tail | None:
        """How local training presses the last ranks towards zero; None: it does not."""
        return None

    @property
    def unit_rows(self) -> bool:
        """Rows of A start as unit vectors: B is then a part of the columns of the weights."""
        return False

    @property
    def averages(self) -> bool:
        """Its modules are averages of what arrives, so that optimisers can step along them."""
        return True

    @property
    def optimisation(self) -> Optimisation:
        """Optimisers of its own; those of the scenario's [learning] are for schemes without."""
        return FEDERATED_AVERAGING

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
