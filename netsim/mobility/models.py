"""Mobility models that can stand behind `mobility.kind`: functions of (seed, UE, time).

A model is a frozen dataclass that meets `protocols.Mobility`. An outside package registers one
under the entry point group `netsim.mobility`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.mobility.interpolation import positions
from netsim.mobility.region import Region
from netsim.plugins import Limited, parameter, plugin_class
from netsim.units import FloatArray

ENTRY_POINTS = "netsim.mobility"


def mobility_class(kind: str, where: str = "scenario: mobility.kind") -> type[Any]:
    """The model registered as `kind`. Raises ScenarioError with the known names."""
    return plugin_class(ENTRY_POINTS, kind, where)


@dataclass(frozen=True)
class Standing:
    """UEs that stay where they are."""

    places_m: FloatArray  # [K, 2]

    def positions(self, times_s: FloatArray) -> FloatArray:
        """[T] -> [K, T, 2]."""
        return np.repeat(
            self.places_m[:, None, :],
            len(times_s),
            axis=1,
        )


Leg = Callable[[int, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""(j, times [K] and places [K, 2] of waypoint j) -> times and places of waypoint j + 1."""


@dataclass
class Walk:
    """UEs that go straight from waypoint to waypoint.

    Legs are drawn when a time beyond them is asked for, and kept: the answer depends on the times
    alone, not on the order of asking.
    """

    start_m: FloatArray  # [K, 2]
    region: Region
    leg: Leg
    _times_s: list[FloatArray] = field(default_factory=list)  # J arrays [K]
    _places_m: list[FloatArray] = field(default_factory=list)  # J arrays [K, 2], not folded
    _joined: tuple[FloatArray, FloatArray] | None = None

    def positions(self, times_s: FloatArray) -> FloatArray:
        """[T] -> [K, T, 2]. Times must not be negative."""
        count = len(self.start_m)
        if not self._times_s:
            self._times_s.append(np.zeros(count))
            self._places_m.append(np.asarray(self.start_m, dtype=np.float64))
        if len(times_s) and count:
            self._draw_until(float(times_s.max()))
        if self._joined is None:
            self._joined = self._join()
        waypoint_s, waypoint_m = self._joined
        first = np.arange(count + 1) * len(self._times_s)
        return self.region.fold(positions(first, waypoint_s, waypoint_m, times_s))

    def turns_s(self) -> list[FloatArray]:
        """Times of each UE's waypoints drawn so far, K arrays."""
        drawn = np.stack(self._times_s, axis=1)
        return [np.unique(times) for times in drawn]

    def _draw_until(self, time_s: float) -> None:
        """Draw legs until every UE has a waypoint after `time_s`."""
        if self._times_s[-1].min() > time_s:
            return
        # half as many legs again as there are, so that joining them costs little in the long run
        least = len(self._times_s) * 3 // 2
        while self._times_s[-1].min() <= time_s or len(self._times_s) < least:
            last = len(self._times_s) - 1
            times_s, places_m = self.leg(
                last,
                self._times_s[-1],
                self._places_m[-1],
            )
            self._times_s.append(times_s)
            self._places_m.append(places_m)
        self._joined = None

    def _join(self) -> tuple[FloatArray, FloatArray]:
        """Times [K * J] and places [K * J, 2] of all waypoints, UE by UE."""
        times_s = np.stack(self._times_s, axis=1)
        places_m = np.stack(self._places_m, axis=1)
        return times_s.ravel(), places_m.reshape(-1, 2)


@dataclass(frozen=True)
class Static:
    """UEs stay where they were placed."""

    def motion(
        self,
        start_m: FloatArray,
        region: Region,
        *,
        seed: int,
    ) -> Standing:
        """Motion of the UEs placed at `start_m` [K, 2]."""
        return Standing(start_m)


@dataclass(frozen=True)
class RandomWaypoint(Limited):
    """Straight to a uniform point at a uniform speed, a pause, and again (Johnson and Maltz, 1996).

    From uniform places it settles to a law with more UEs in the middle; on a torus it stays
    uniform. The least speed must be positive: with 0 the mean speed decays for ever (Yoon, Liu and
    Noble, INFOCOM 2003).
    """

    section: ClassVar[str] = "mobility"

    min_speed_m_s: float = parameter(0.5, "lowest speed of a leg", gt=0, lt=math.inf)
    max_speed_m_s: float = parameter(1.5, "highest speed of a leg", gt=0, lt=math.inf)
    max_pause_s: float = parameter(0.0, "longest pause at a waypoint", ge=0, lt=math.inf)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_speed_m_s < self.min_speed_m_s:
            raise ScenarioError(
                f"must be at least mobility.min_speed_m_s, {self.min_speed_m_s:g}",
                where="scenario: mobility.max_speed_m_s",
                value=self.max_speed_m_s,
            )

    def motion(
        self,
        start_m: FloatArray,
        region: Region,
        *,
        seed: int,
    ) -> Walk:
        """Motion of the UEs that start at `start_m` [K, 2]."""

        def leg(
            index: int, times_s: FloatArray, places_m: FloatArray
        ) -> tuple[FloatArray, FloatArray]:
            goes = index % 2 == 0  # even: a move, odd: a pause
            if not goes and self.max_pause_s == 0:
                return times_s, places_m
            draws = rng.stream(seed, "waypoint", index).random((len(times_s), 3))
            if not goes:
                return times_s + self.max_pause_s * draws[:, 0], places_m
            goal_m = region.nearest_image(places_m, region.uniform(draws[:, :2]))
            distance_m = np.hypot(*(goal_m - places_m).T)
            return times_s + distance_m / self._speed_m_s(draws[:, 2]), goal_m

        return Walk(start_m, region, leg)

    def _speed_m_s(self, draws: FloatArray) -> FloatArray:
        """Uniform speeds from uniform draws in [0, 1)."""
        range_m_s = self.max_speed_m_s - self.min_speed_m_s
        return self.min_speed_m_s + range_m_s * draws


@dataclass(frozen=True)
class GaussMarkov(Limited):
    """Velocity is a stationary Gauss-Markov process per axis (Liang and Haas, 2003).

    v' = a v + sqrt(1 - a^2) w with a = exp(-step_s / memory_s); w and the first v are normal with a
    deviation that gives `mean_speed_m_s` (speed is Rayleigh). UEs are mirrored at the border, so
    they stay uniform. IEEE/ACM Transactions on Networking 11(5).
    """

    section: ClassVar[str] = "mobility"

    mean_speed_m_s: float = parameter(1.0, "mean speed", ge=0, lt=math.inf)
    memory_s: float = parameter(30.0, "time in which the velocity is forgotten", gt=0, lt=math.inf)
    step_s: float = parameter(1.0, "time from one draw to the next", gt=0, lt=math.inf)

    def motion(
        self,
        start_m: FloatArray,
        region: Region,
        *,
        seed: int,
    ) -> Walk:
        """Motion of the UEs that start at `start_m` [K, 2]."""
        memory = math.exp(-self.step_s / self.memory_s)
        novelty = math.sqrt(1 - memory**2)
        deviation_m_s = self.mean_speed_m_s * math.sqrt(2 / math.pi)
        velocity_m_s: list[FloatArray] = []  # of the last step drawn, [K, 2]

        def leg(
            index: int, times_s: FloatArray, places_m: FloatArray
        ) -> tuple[FloatArray, FloatArray]:
            generator = rng.stream(seed, "gauss_markov", index)
            now = deviation_m_s * generator.standard_normal((len(times_s), 2))
            if index > 0:
                now = memory * velocity_m_s[-1] + novelty * now
            places_m, now = region.reflect(places_m + now * self.step_s, now)
            velocity_m_s[:] = [now]
            return np.full(len(times_s), (index + 1) * self.step_s), places_m

        return Walk(start_m, region, leg)
