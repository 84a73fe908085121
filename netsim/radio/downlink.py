"""The downlink of a gNB: rates of UEs in a round, and who holds which version of a module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netsim import rng
from netsim.radio.rate_model import RateModel
from netsim.units import BoolArray, FloatArray, IntArray

FADING_BLOCKS = 32
"""Fading draws of a UE in a round, where the channel changes from block to block."""


@dataclass(frozen=True)
class Downlink:
    """How modules go to the UEs."""

    bandwidth_hz: float
    unicast: bool = False  # to each UE by itself, else once to all that are to hear a module
    model: RateModel | None = None  # link layer under fading; None: capacity at the mean SINR
    blocks: int = 1  # fading draws of a UE in a round, over whose rates broadcasts average
    seed: int = 0

    def efficiency(self, capacity: FloatArray, round: int | None = None) -> FloatArray:
        """bit/s/Hz of UEs by coherence block, 0 where nothing is heard. [K] -> [K, B].

        capacity: at the mean SINR. round: None before it is drawn, for planning.
        """
        if self.model is None or round is None:
            return capacity[:, None]
        draws = rng.stream(self.seed, "downlink_fading", round)
        fading = draws.standard_exponential((len(capacity), self.blocks))
        ratio = (2.0 ** capacity[:, None] - 1.0) * fading
        band = np.full((len(capacity), 1), self.bandwidth_hz)
        rate = self.model.rate_bps(band, ratio) / self.bandwidth_hz
        return np.where(ratio >= self.model.threshold, rate, 0.0)


@dataclass
class ModuleCache:
    """Versions of the N modules that K UEs hold, by the round that made them, and their sizes."""

    version: IntArray  # [K, N]; 0: the start
    bits: FloatArray  # [K, N]

    @classmethod
    def at_start(cls, ues: int, modules: int) -> ModuleCache:
        """Everybody holds the modules as they start: that follows from the run's seed."""
        return cls(np.zeros((ues, modules), dtype=np.int64), np.full((ues, modules), np.inf))

    def missing(
        self, ue: IntArray, module: IntArray, version: IntArray, bits: FloatArray
    ) -> BoolArray:
        """Which of rows [M] must be sent: as many bits of that version are not held."""
        current = self.version[ue, module] == version
        return np.asarray(~(current & (self.bits[ue, module] >= bits)))

    def hear(self, ue: IntArray, module: IntArray, version: IntArray, bits: FloatArray) -> None:
        """Rows [M] have heard all of a version. Of one that they held, they keep what was more."""
        held = np.where(self.version[ue, module] == version, self.bits[ue, module], 0.0)
        self.version[ue, module] = version
        self.bits[ue, module] = np.maximum(held, bits)

    def state(self) -> dict[str, Any]:
        """As arrays."""
        return {"version": self.version.copy(), "bits": self.bits.copy()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> ModuleCache:
        """What `state` gave, as it was."""
        return cls(**state)
