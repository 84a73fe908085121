"""What UEs hold already: it is not sent again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from netsim.protocols import PARTS, RoundOutcome
from netsim.units import FloatArray, IntArray


@dataclass
class Held:
    """How far something that changes has come, and how much of that K UEs have heard."""

    made: NDArray[Any]  # [...] how far it is
    held: NDArray[Any]  # [K, ...] what each UE has heard of it
    coming: NDArray[Any]  # [K, ...] what the UE's last download will leave it with

    start: ClassVar[NDArray[Any]]  # [...] `made` before the first round
    saved_as: ClassVar[str]  # before the names of its arrays in `state`

    @classmethod
    def at_start(cls, ues: int) -> Self:
        """Before the first round."""
        held = np.zeros((ues, *cls.start.shape), dtype=cls.start.dtype)
        return cls(cls.start.copy(), held, held.copy())

    def downloaded(self, previous: RoundOutcome) -> None:
        """UEs that heard in the previous round hold what was sent to them."""
        ue = previous.plan.ue
        if previous.heard is not None:
            ue = ue[previous.heard]
        self.held[ue] = self.coming[ue]

    def send(self, ue: IntArray) -> None:
        """These UEs are to hear what they lack."""
        self.coming[ue] = self.made

    def state(self) -> dict[str, Any]:
        """As arrays."""
        return {self.saved_as + name: value for name, value in self.__dict__.items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What `state` gave, as it was."""
        made, held, coming = (state[cls.saved_as + name] for name in ("made", "held", "coming"))
        return cls(np.array(made), held.copy(), coming.copy())


class HeldBase(Held):
    """What was added to the frozen weights, bits since the start."""

    start: ClassVar[FloatArray] = np.zeros(())
    saved_as: ClassVar[str] = "base_"

    def look_back(
        self,
        previous: RoundOutcome,
        bits_per_rank: float,
        own_rank: int,
    ) -> None:
        """The previous round has added the products of what arrived, at so many bits a rank.

        `own_rank` is the adapter's, of UEs that have none of their own.
        """
        self.downloaded(previous)
        rank = previous.plan.rank
        arrived = previous.on_time
        ranks = own_rank * arrived.sum() if rank is None else rank[arrived].sum()
        self.made += float(ranks) * bits_per_rank

    def lacking(self, most_bits: float) -> FloatArray:
        """Bits that each UE must hear: at most those of the weights themselves. [K]."""
        return np.asarray(np.minimum(self.made - self.held, most_bits))


class HeldParts(Held):
    """Versions of the three parts, by the round that made them.

    Version 0, the start, follows from the run's seed: everybody has it.
    """

    start: ClassVar[IntArray] = np.zeros(len(PARTS), dtype=np.int64)
    saved_as: ClassVar[str] = "parts_"

    def look_back(
        self,
        previous: RoundOutcome,
        round: int,
        changes: int,
    ) -> None:
        """Learn what the previous round, number `round`, has brought.

        Its arrivals change the parts `changes`, and those that late uploads of earlier rounds sent.
        """
        self.downloaded(previous)
        if previous.on_time.any():
            sent = np.broadcast_to(previous.plan.exchange.sent_parts, previous.on_time.shape)
            changed = changes | np.bitwise_or.reduce(sent[previous.on_time])
            self.made[(PARTS & changed) > 0] = round

    def lacking(self) -> IntArray:
        """Parts that each UE must hear. [K]."""
        old = self.held < self.made
        return np.asarray(old @ PARTS)
