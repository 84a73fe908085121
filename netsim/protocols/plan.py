"""What a scheme declares for a round, and how that went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from netsim.protocols.backhaul import ToCore, restored_to_core
from netsim.protocols.exchange import WHOLE_MODULES, Exchange, Needs, PayloadSize, WorkShare
from netsim.protocols.learning import Aggregation
from netsim.protocols.masked_sums import MaskedSums
from netsim.units import BoolArray, FloatArray, IntArray


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
        partner: UE on the same band, of the same gNB; -1: nobody. [M].
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
    partner: IntArray | None = None  # None: each upload has a band of its own
    sums: MaskedSums | None = None

    @property
    def rule(self) -> Aggregation:
        """How what arrives becomes new modules."""
        return Aggregation.of(self.aggregation)

    def select(self, rows: BoolArray | IntArray) -> RoundPlan:
        """The plan with some of its rows [M]."""
        return replace(
            self,
            ue=self.ue[rows],
            module=self.module[rows],
            share=self.share[rows],
            power_w=self.power_w[rows],
            rank=None if self.rank is None else self.rank[rows],
            partner=None if self.partner is None else self.partner[rows],
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
