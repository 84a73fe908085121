"""The rest of a round, in which a UE has nothing to do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.device.activities import Activities, over_s
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass
class Idle:
    """L UEs from the end of what they did to the end of a round."""

    ue: IntArray
    gnb: IntArray
    start_s: FloatArray
    energy_j: FloatArray
    empty: BoolArray = field(init=False)  # the battery is

    def __post_init__(self) -> None:
        self.empty = np.zeros(len(self.ue), dtype=bool)

    @classmethod
    def of(
        cls,
        rows: Activities,
        ue: IntArray,
        gnb: IntArray,
        span_s: tuple[float, float],
        idle_w: float,
    ) -> Idle:
        """Of the UEs `ue` [L], which `gnb` [L] serve, in a round of that span."""
        begin_s, end_s = span_s
        since_s = np.full(int(ue.max(initial=-1)) + 1, begin_s)
        mine = rows.ue < len(since_s)
        np.maximum.at(since_s, rows.ue[mine], over_s(rows)[mine])
        start_s = np.minimum(since_s[ue], end_s)
        return cls(
            ue=ue,
            gnb=gnb,
            start_s=start_s,
            energy_j=idle_w * (end_s - start_s),
        )


def idle_of_gnbs(idle: Idle | None, gnb: IntArray) -> tuple[FloatArray, IntArray]:
    """(energy of idle UEs, how many batteries are empty) of gNBs, ascending. [G], [G]."""
    energy_j, empty = np.zeros(len(gnb)), np.zeros(len(gnb), dtype=np.int64)
    if idle is not None:
        cell = np.searchsorted(gnb, idle.gnb)
        np.add.at(energy_j, cell, idle.energy_j)
        np.add.at(empty, cell, idle.empty)
    return energy_j, empty
