"""What a scheme may ask for when it plans: times, losses, the channel. Observation holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.protocols.exchange import WHOLE_MODULES, Exchange
from netsim.protocols.learning import Learner
from netsim.units import BoolArray, FloatArray, IntArray


class Computed(Protocol):
    """When UEs of a plan would be ready to upload: downloads and computing are known ahead."""

    def __call__(
        self,
        ue: IntArray,
        module: IntArray,
        rank: IntArray | None = None,
        exchange: Exchange = WHOLE_MODULES,
    ) -> tuple[FloatArray, BoolArray]:
        """(seconds from its gNB's start [M], in time [M]) of rows ordered by (ue, module).

        The rows of a UE are ready together. Under the barrier, a gNB's uploads start with its last
        UE.
        """
        ...


class LocalLoss(Protocol):
    """Losses at UEs, measured on demand: a forward pass of every UE and module.

    What UEs take for it is not charged: a scheme whose UEs measure in earnest plans rows for it
    that train nothing (exchange.py).
    """

    def __call__(self, ue: IntArray | None = None, round: int | None = None) -> FloatArray:
        """Mean loss of N modules on samples of UEs `ue` [M], nats. [M, N].

        None: of all UEs; on the samples of the planned round.
        """
        ...


@dataclass(frozen=True)
class LocalLosses:
    """A LocalLoss, of a learner."""

    learner: Learner
    round: int  # the planned one
    ues: int

    def __call__(self, ue: IntArray | None = None, round: int | None = None) -> FloatArray:
        """As `LocalLoss`."""
        asked = np.arange(self.ues) if ue is None else ue
        return self.learner.local_loss(self.round if round is None else round, asked)


class Channel(Protocol):
    """Perfect channel knowledge of the planned round; only with one fading draw per upload."""

    def __call__(self) -> tuple[FloatArray, FloatArray]:
        """Channel gain with fading [K], and interference, W [K]."""
        ...
