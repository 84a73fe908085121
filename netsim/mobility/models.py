"""Mobility models that can stand behind `mobility.kind`: functions of (seed, UE, time), drawn in
index order.

A model is a frozen dataclass that meets `protocols.Mobility`. An outside package registers one
under the entry point group `netsim.mobility`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.mobility.interpolation import positions
from netsim.mobility.region import Region
from netsim.plugins import plugin_class, plugin_names
from netsim.units import FloatArray

ENTRY_POINTS = "netsim.mobility"


def mobility_class(kind: str, where: str = "scenario: mobility.kind") -> type[Any]:
    """The model registered as `kind`. Raises ScenarioError with the known names."""
    return plugin_class(ENTRY_POINTS, kind, where)


def mobility_names() -> list[str]:
    """Registered names, sorted."""
    return plugin_names(ENTRY_POINTS)


@dataclass(frozen=True)
class Standing:
    """UEs that stay where they are."""

    places_m: FloatArray  # [K, 2]

    def positions(self, times_s: FloatArray) -> FloatArray:
        """[T] -> [K, T, 2]."""
        return np.repeat(self.places_m[:, None, :], len(times_s), axis=1)


@dataclass
class Walk:
    """UEs that go straight from waypoint to waypoint. Legs are drawn when a time beyond them is
    asked for.

    `leg(j, times_s, places_m)` gives the times [K] and places [K, 2] of waypoint j + 1. What was
    drawn is kept; the answer depends on the times alone, not on the order of asking.
    """

    start_m: FloatArray  # [K, 2]
    region: Region
    leg: Callable[[int, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
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
            self._reach(float(times_s.max()))
        if self._joined is None:
            joined = (
                np.stack(self._times_s, axis=1).ravel(),
                np.stack(self._places_m, axis=1).reshape(-1, 2),
            )
            self._joined = joined
        first = np.arange(count + 1) * len(self._times_s)
        return self.region.fold(positions(first, *self._joined, times_s))

    def turns_s(self) -> list[FloatArray]:
        """Times of each UE's waypoints drawn so far, K arrays."""
        return [np.unique(times) for times in np.stack(self._times_s, axis=1)]

    def _reach(self, time_s: float) -> None:
        if self._times_s[-1].min() > time_s:
            return
        # half as many legs again as there are, so that joining them costs little in the long run
        least = len(self._times_s) * 3 // 2
        while self._times_s[-1].min() <= time_s or len(self._times_s) < least:
            times, places = self.leg(len(self._times_s) - 1, self._times_s[-1], self._places_m[-1])
            self._times_s.append(times)
            self._places_m.append(places)
        self._joined = None


@dataclass(frozen=True)
class Static:
    """UEs stay where they were placed."""

    def motion(self, start_m: FloatArray, region: Region, *, seed: int) -> Standing:
        """Motion of the UEs placed at `start_m` [K, 2]."""
        return Standing(start_m)


@dataclass(frozen=True)
class RandomWaypoint:
    """Straight to a uniform point at a uniform speed, a pause, and again (Johnson and Maltz, 1996).

    From uniform places it settles to a law with more UEs in the middle; on a torus it stays
    uniform. The
    least speed must be positive: with 0 the mean speed decays for ever (Yoon, Liu and Noble,
    INFOCOM 2003).
    """

    min_speed_m_s: float = 0.5
    max_speed_m_s: float = 1.5
    max_pause_s: float = 0.0

    def __post_init__(self) -> None:
        _range("min_speed_m_s", self.min_speed_m_s, above=0.0)
        _range("max_speed_m_s", self.max_speed_m_s, least=self.min_speed_m_s)
        _range("max_pause_s", self.max_pause_s, least=0.0)

    def motion(self, start_m: FloatArray, region: Region, *, seed: int) -> Walk:
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
            goal = region.nearest_image(places_m, region.uniform(draws[:, :2]))
            speed = self.min_speed_m_s + (self.max_speed_m_s - self.min_speed_m_s) * draws[:, 2]
            distance = np.hypot(*(goal - places_m).T)
            return times_s + distance / speed, goal

        return Walk(start_m, region, leg)


@dataclass(frozen=True)
class GaussMarkov:
    """Velocity is a stationary Gauss-Markov process per axis (Liang and Haas, IEEE/ACM ToN 11(5),
    2003).

    v' = a v + sqrt(1 - a^2) w with a = exp(-step_s / memory_s); w and the first v are normal with a
    deviation that gives `mean_speed_m_s` (speed is Rayleigh). UEs are mirrored at the border, so
    they stay uniform.
    """

    mean_speed_m_s: float = 1.0
    memory_s: float = 30.0
    step_s: float = 1.0

    def __post_init__(self) -> None:
        _range("mean_speed_m_s", self.mean_speed_m_s, least=0.0)
        _range("memory_s", self.memory_s, above=0.0)
        _range("step_s", self.step_s, above=0.0)

    def motion(self, start_m: FloatArray, region: Region, *, seed: int) -> Walk:
        """Motion of the UEs that start at `start_m` [K, 2]."""
        memory = math.exp(-self.step_s / self.memory_s)
        deviation = self.mean_speed_m_s * math.sqrt(2 / math.pi)
        velocity: list[FloatArray] = []  # of each step drawn so far, [K, 2]

        def leg(
            index: int, times_s: FloatArray, places_m: FloatArray
        ) -> tuple[FloatArray, FloatArray]:
            draws = deviation * rng.stream(seed, "gauss_markov", index).standard_normal(
                (len(times_s), 2)
            )
            now = draws if index == 0 else memory * velocity[-1] + math.sqrt(1 - memory**2) * draws
            places, now = region.reflect(places_m + now * self.step_s, now)
            velocity[:] = [now]
            return np.full(len(times_s), (index + 1) * self.step_s), places

        return Walk(start_m, region, leg)


def _range(
    name: str, value: float, *, least: float | None = None, above: float | None = None
) -> None:
    good = (
        math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
    )
    if not good:
        bound = f"at least {least:g}" if least is not None else f"greater than {above:g}"
        raise ScenarioError(f"must be finite and {bound}", where=f"mobility.{name}", value=value)
