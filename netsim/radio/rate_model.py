"""The rate of a link: what it is, from block to block, and what schemes plan with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim import rng
from netsim.units import FloatArray, IntArray


def upload_draws(
    seed: int,
    name: str,
    ids: tuple[int, ...],
    *,
    ue: IntArray,
    module: IntArray,
    count: int,
) -> FloatArray:
    """Uniform numbers for uploads [R] of UEs, each upload with its own. [R, count].

    They decide what data is lost. ids: the round, and its part. Draws are keyed by UE and module,
    so that no upload depends on which others there are.
    """
    draws = np.empty((len(ue), count))
    for one in np.unique(module).tolist():
        mine = module == one
        generator = rng.stream(seed, name, *ids, one)
        draws[mine] = generator.random((int(ue[mine].max()) + 1, count))[ue[mine]]
    return draws


@dataclass(frozen=True)
class PlannedRate:
    """The rate that schemes plan with: factor W delta log2(1 + SINR / gap)."""

    factor: float = 1.0
    gap: float = 1.0


class BlockRates(Protocol):
    """Rates of uploads whose SINR changes from one block to the next. What link adaptation has
    learnt of them is kept."""

    @property
    def learnt(self) -> FloatArray | None:
        """What it has learnt of each upload so far, [M]; None: there is nothing to learn."""
        ...

    def next_bps(
        self,
        rows: IntArray,
        bandwidth_hz: FloatArray,
        sinr: FloatArray,
        uniform: FloatArray | None = None,
        airtime_s: FloatArray | None = None,
    ) -> FloatArray:
        """Rates of uploads `rows` [R] on bands [R] in their next blocks, by SINRs [R, B]. [R, B].

        0 where the SINR is below the threshold. uniform: numbers in [0, 1) that decide which data
        is lost; None: the mean. airtime_s: for which uploads are on the air in each block, [R, B];
        None: all of it. Link adaptation learns in no other time.
        """
        ...


@dataclass(frozen=True)
class RateModel:
    """Rate of a link: its Shannon capacity (the paper), or that of one code with its threshold."""

    kind: str  # shannon | threshold
    threshold: float  # theta, linear

    def rate_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """W delta log2(1 + SINR), or W delta log2(1 + theta) whatever the SINR. Broadcasts."""
        if self.kind == "shannon":
            return bandwidth_hz * np.log2(1.0 + sinr)
        rate = bandwidth_hz * np.log2(1.0 + self.threshold)
        return np.broadcast_to(rate, np.shape(sinr))

    def over_blocks(
        self,
        count: int,
        block_s: float,
        *,
        learns: bool = True,
        learnt: FloatArray | None = None,
    ) -> BlockRates:
        """Rates of `count` uploads over blocks of some length.

        learns: from what is lost. learnt: what was learnt of uploads that go on, [M]; NaN, or None
        for all: they begin.
        """
        return MemorylessRates(self)

    @property
    def draws_errors(self) -> bool:
        """Rates of blocks are drawn."""
        return False

    @property
    def shortest_block_s(self) -> float:
        """Of constant SINR that is told apart."""
        return 0.0

    @property
    def band_blocks(self) -> int | None:
        """Resource blocks of a gNB's band; None: any share can be used."""
        return None

    def planned_bps(self, bandwidth_hz: FloatArray, sinr: FloatArray) -> FloatArray:
        """The rate that is planned with. Broadcasts."""
        if self.kind == "threshold":
            return self.rate_bps(bandwidth_hz, sinr)
        planned = self.planned
        return planned.factor * bandwidth_hz * np.log2(1.0 + sinr / planned.gap)

    @property
    def planned(self) -> PlannedRate:
        """The rate that schemes plan with, where it is not that of the threshold's code."""
        return PlannedRate()


@dataclass(frozen=True)
class MemorylessRates:
    """As `BlockRates`: each block by its own SINR."""

    model: RateModel

    learnt = None  # as `BlockRates`

    def next_bps(
        self,
        rows: IntArray,
        bandwidth_hz: FloatArray,
        sinr: FloatArray,
        uniform: FloatArray | None = None,
        airtime_s: FloatArray | None = None,
    ) -> FloatArray:
        """As `BlockRates`."""
        rate = self.model.rate_bps(bandwidth_hz[:, None], sinr)
        return np.where(sinr >= self.model.threshold, rate, 0.0)
