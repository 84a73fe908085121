"""What schemes share in which everybody trains one common adapter: a base class.

A scheme says which parts of the adapter UEs train, which of these they send, and which rule makes
the next adapter of them. What UEs lack comes down, at the sizes of the tensors (`held`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from netsim.plugins import Limited, parameter, part
from netsim.protocols import (
    BASE,
    HEAD,
    LORA_A,
    LORA_B,
    WHOLE,
    WHOLE_MODULES,
    Aggregation,
    Exchange,
    Observation,
    RoundPlan,
    Scheme,
    Stacked,
)
from netsim.schemes.held import HeldBase, HeldParts
from netsim.schemes.radio import SharedBand
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class OneAdapter(Limited, Scheme):
    """Everybody on one adapter in every round; a subclass says what is trained, sent and merged."""

    rank: int = parameter(8, "rank of the common adapter", ge=1)
    band: SharedBand = part(SharedBand)

    aggregation: ClassVar[str] = "average"
    redeem: ClassVar[Literal["at_close", "before_uplink"]] = "at_close"
    work: ClassVar[float] = 1.0  # times that of training these parts once
    hears: ClassVar[int] = WHOLE  # parts that ever come down; others UEs know or have of their own

    def __post_init__(self) -> None:
        super().__post_init__()
        self._held: HeldParts | None = None
        self._planned = 0  # the last round

    @property
    def averages(self) -> bool:
        """Its rule is one."""
        return Aggregation.of(self.rule()).is_average

    def ranks(self, configured: Sequence[int]) -> tuple[int, ...]:
        """One adapter, whatever is configured."""
        return (self.rank,)

    # -- what a subclass may say -------------------------------------------------------------------

    def trained(self, round: int) -> int:
        """Parts that UEs train."""
        return WHOLE

    def sent(self, round: int) -> int:
        """Parts that go up: those that are trained."""
        return self.trained(round)

    def changed(self, round: int) -> int:
        """Parts of which arrivals make new versions: those that are sent."""
        return self.sent(round)

    def rule(self) -> str | Aggregation:
        """What makes the next adapter."""
        return self.aggregation

    def rank_of(self, ues: int) -> IntArray | None:
        """Rank of each UE, [K]; None: that of the adapter."""
        return None

    def more_down_bits(self, observation: Observation) -> FloatArray | float:
        """Of what is no part of the adapter, bit. [K]."""
        return 0.0

    def to_core(self, observation: Observation) -> Stacked | None:
        """What gNBs pass to the core; None: their averages."""
        return None

    # -- the round ---------------------------------------------------------------------------------

    def plan(self, observation: Observation) -> RoundPlan:
        """Everybody, every round."""
        number = observation.round
        if number > self._planned:  # a round that is planned again has been looked back from
            self.look_back(observation)
            self._planned = number
        exchange = self.exchange(observation)
        rank = self.rank_of(len(observation.gnb))
        plan = plan_exchange(self.band, observation, exchange, rank)
        self.send(plan.ue)
        return replace(
            plan,
            aggregation=self.rule(),
            redeem=self.redeem,
            to_core_bits=self.to_core(observation),
        )

    def exchange(self, observation: Observation) -> Exchange:
        """What UEs train, send and hear in the round; for all of them, or [K]."""
        number = observation.round
        assert self._held is not None
        return Exchange(
            trained=self.trained(number),
            sent=self.sent(number),
            heard=self._held.lacking() & self.hears,
            more_down_bits=self.more_down_bits(observation),
            work=self.work,
        )

    def look_back(self, observation: Observation) -> None:
        """Learn what the previous round has brought; called once for each round."""
        if self._held is None:
            self._held = HeldParts.at_start(len(observation.gnb))
        if observation.previous is not None:
            former = observation.round - 1
            self._held.look_back(observation.previous, former, self.changed(former))

    def send(self, ue: IntArray) -> None:
        """These UEs are to hear what they lack."""
        assert self._held is not None
        self._held.send(ue)

    def state(self) -> dict[str, Any]:
        """What UEs hold, once it is known."""
        if self._held is None:
            return {}
        return {"planned": self._planned, **self._held.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        self._held = HeldParts.restored(state) if state else None
        self._planned = int(state["planned"]) if state else 0


@dataclass
class OneAdapterOnBase(OneAdapter):
    """The same where aggregation adds products of what arrived to the frozen weights, too.

    UEs hear of it as factors, at the ranks that arrived, or as the weights where these are smaller.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._base: HeldBase | None = None

    @property
    def outdates_uploads(self) -> str | None:
        """An older upload was trained on other weights."""
        return "change the frozen weights"

    @property
    def exact_downloads(self) -> bool:
        """Products go to the frozen weights, or what their average misses."""
        return True

    def more_down_bits(self, observation: Observation) -> FloatArray | float:
        """What was added since the UE last heard. [K]."""
        assert self._base is not None
        return self._base.lacking(tensor_bits(observation, BASE))

    def look_back(self, observation: Observation) -> None:
        """Learn what the previous round has brought, to the base too."""
        super().look_back(observation)
        if self._base is None:
            self._base = HeldBase.at_start(len(observation.gnb))
        if observation.previous is not None:
            own_rank, *_ = self.ranks(())
            bits_per_rank = tensor_bits(observation, LORA_A | LORA_B) / own_rank
            self._base.look_back(observation.previous, bits_per_rank, own_rank)

    def send(self, ue: IntArray) -> None:
        """These UEs are to hear what they lack, of the base too."""
        super().send(ue)
        assert self._base is not None
        self._base.send(ue)

    def state(self) -> dict[str, Any]:
        """What UEs hold of the adapter and of the base, once it is known."""
        base = {} if self._base is None else self._base.state()
        return {**super().state(), **base}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        super().restore(state)
        self._base = HeldBase.restored(state) if state else None


def products_to_core(observation: Observation, *, averages: bool) -> Stacked:
    """Where the core needs the sum of the products, and with `averages` those of A and B, too.

    A gNB has one sum of products [out, in] of each layer; the factors of few uploads are smaller.
    """
    beside = tensor_bits(observation, LORA_A | LORA_B) if averages else 0.0
    return Stacked(tensor_bits(observation, HEAD), tensor_bits(observation, BASE) + beside)


def tensor_bits(observation: Observation, parts: int = WHOLE) -> float:
    """Size of some parts of the one adapter, or of the weights that it adapts, unencoded, bit."""
    adapter = np.zeros(1, dtype=np.int64)
    size_of = observation.unencoded_of or observation.payload_of
    size, *_ = size_of(adapter, None, parts)
    return float(size)


@dataclass(frozen=True)
class _SizesOf:
    """Sizes of uploads with a declared exchange: a PayloadSize."""

    observation: Observation
    declared: Exchange

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        return self.declared.up_bits(self.observation.payload_of, module, rank)

    def of_ues(
        self,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None,
    ) -> FloatArray:
        """As SizesByUe."""
        own = self.declared.select(ue)
        return own.up_bits(self.observation.payload_of, module, rank)


@dataclass(frozen=True)
class _ComputedWith:
    """When UEs are ready with a declared exchange of all UEs: a Computed."""

    observation: Observation
    declared: Exchange

    def __call__(
        self,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None = None,
        exchange: Exchange = WHOLE_MODULES,
    ) -> tuple[FloatArray, BoolArray]:
        own = self.declared.select(ue)
        return self.observation.computed(ue, module, rank, own)


def plan_exchange(
    band: SharedBand,
    observation: Observation,
    exchange: Exchange,
    rank: IntArray | None = None,
) -> RoundPlan:
    """All UEs on module 0 with an exchange, whose values are for all of them or [K]."""
    plan = band.plan_all(seen_with(observation, exchange), rank)
    return replace(plan, exchange=exchange.select(plan.ue))


def seen_with(observation: Observation, exchange: Exchange) -> Observation:
    """The observation where every question about whole modules is one about this exchange."""
    return replace(
        observation,
        payload_of=_SizesOf(observation, exchange),
        computed=_ComputedWith(observation, exchange),
    )
