"""Batteries: when a UE runs out of energy in a round, if it does all that is planned."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.arrays import group_starts
from netsim.device.activities import Activities, over_s
from netsim.device.idle import Idle
from netsim.device.power import UePower
from netsim.units import BoolArray, FloatArray

FOREVER_S = 1e6
"""Stands for the length of an upload, which the plan does not tell."""


@dataclass
class Batteries:
    """Energy left to K UEs, J."""

    left_j: FloatArray
    _empty_s: FloatArray = field(init=False)  # [K] when they run out, if all goes as planned

    def __post_init__(self) -> None:
        self._empty_s = np.full(len(self.left_j), np.inf)

    @classmethod
    def full(cls, ues: int, battery_j: float | None) -> Batteries | None:
        """At the start of a run; None: they have no end."""
        return None if battery_j is None else cls(np.full(ues, battery_j))

    @property
    def alive(self) -> BoolArray:
        """[K] has energy."""
        return np.asarray(self.left_j > 0)

    def last_s(self, rows: Activities, power: UePower, computing_w: FloatArray) -> FloatArray:
        """When the UEs of a round's rows have no energy left. computing_w: [K]. [M]."""
        self._empty_s[:] = np.inf
        if not len(rows):
            return np.empty(0)
        first = group_starts(rows.ue)
        ue = rows.ue[first]
        computed_s = rows.computed_s[first]
        starts_s = rows.upload_start_s[first]
        asleep_s = np.clip(computed_s + power.inactivity_s, computed_s, starts_s)
        edges_s = [
            rows.opened_s[first],
            rows.downloaded_s[first],
            computed_s,
            asleep_s,
            starts_s,
            starts_s + FOREVER_S,
        ]
        powers_w = [
            np.full(len(ue), power.receive_w),
            computing_w[ue],
            np.full(len(ue), power.awake_w),
            np.full(len(ue), power.sleep_w),
            power.drawn_w(np.add.reduceat(rows.power_w, first)),
        ]
        self._empty_s[ue] = empty_at_s(
            self.left_j[ue],
            np.stack(edges_s, axis=1),
            np.stack(powers_w, axis=1),
        )
        return self._empty_s[rows.ue]

    def pay(self, rows: Activities, spent_j: FloatArray, idle: Idle) -> None:
        """What rows [M] and the rest of the round have cost; nobody spends more than is left."""
        np.subtract.at(self.left_j, rows.ue, spent_j)
        gone = over_s(rows) >= self._empty_s[rows.ue]
        self.left_j[rows.ue[gone]] = 0.0
        self.left_j = np.maximum(self.left_j, 0.0)
        idle.energy_j = np.minimum(idle.energy_j, self.left_j[idle.ue])
        self.left_j[idle.ue] -= idle.energy_j
        idle.empty = ~self.alive[idle.ue]


def empty_at_s(
    left_j: FloatArray,
    edges_s: FloatArray,
    power_w: FloatArray,
) -> FloatArray:
    """When batteries [K] are empty; inf: not before the last edge.

    edges_s: of P activities in turn, [K, P + 1], ascending. power_w: drawn in each, [K, P].
    """
    length_s = np.diff(edges_s, axis=1)
    spent_j = np.cumsum(power_w * length_s, axis=1)
    empty = spent_j > left_j[:, None]
    last = empty.argmax(axis=1)
    row = np.arange(len(left_j))
    over_j = spent_j[row, last] - left_j
    before_s = np.divide(
        over_j,
        power_w[row, last],
        out=np.zeros(len(left_j)),
        where=empty.any(axis=1),
    )
    at_s = np.maximum(edges_s[row, last + 1] - before_s, edges_s[row, 0])
    return np.where(empty.any(axis=1), at_s, np.inf)
