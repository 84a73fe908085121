"""Where UEs may move: a disc, a rectangle, or a torus (a rectangle with opposite sides joined)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.errors import ScenarioError
from netsim.units import FloatArray


class Region(Protocol):
    """A part of the plane. Points are [..., 2], m."""

    def uniform(self, draws: FloatArray) -> FloatArray:
        """Uniform points from uniform draws in [0, 1), [..., 2] -> [..., 2]."""
        ...

    def nearest_image(self, origin_m: FloatArray, target_m: FloatArray) -> FloatArray:
        """The copy of `target_m` nearest to `origin_m`; of a torus, maybe outside the window."""
        ...

    def reflect(
        self, point_m: FloatArray, velocity_m_s: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Points beyond the border mirrored at it, and their velocities with them.

        A torus has no border.
        """
        ...

    def fold(self, point_m: FloatArray) -> FloatArray:
        """The place of a point; differs from it on a torus only."""
        ...


@dataclass(frozen=True)
class Disc:
    """Centre and radius, m."""

    centre_m: tuple[float, float]
    radius_m: float

    def __post_init__(self) -> None:
        _positive(self.radius_m)

    def uniform(self, draws: FloatArray) -> FloatArray:
        radius = self.radius_m * np.sqrt(draws[..., 0])
        angle = 2 * np.pi * draws[..., 1]
        x = radius * np.cos(angle)
        y = radius * np.sin(angle)
        offset = np.stack([x, y], axis=-1)
        return np.asarray(self.centre_m + offset)

    def nearest_image(self, origin_m: FloatArray, target_m: FloatArray) -> FloatArray:
        return target_m

    def reflect(
        self, point_m: FloatArray, velocity_m_s: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        offset = point_m - np.asarray(self.centre_m)
        radius = np.hypot(offset[..., 0], offset[..., 1])[..., None]
        outside = radius > self.radius_m
        normal = offset / np.where(outside, radius, 1.0)
        mirrored = np.clip(2 * self.radius_m - radius, 0.0, self.radius_m)
        outward = (velocity_m_s * normal).sum(axis=-1, keepdims=True)
        turned = velocity_m_s - 2 * np.maximum(outward, 0.0) * normal
        inside = np.asarray(self.centre_m) + mirrored * normal
        return (
            np.where(outside, inside, point_m),
            np.where(outside, turned, velocity_m_s),
        )

    def fold(self, point_m: FloatArray) -> FloatArray:
        return point_m


@dataclass(frozen=True)
class Rectangle:
    """x_min, y_min, x_max, y_max, m."""

    window_m: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        _positive(float(self.side_m.min()))

    @property
    def low_m(self) -> FloatArray:
        return np.array(self.window_m[:2])

    @property
    def side_m(self) -> FloatArray:
        return np.array(self.window_m[2:]) - self.low_m

    def uniform(self, draws: FloatArray) -> FloatArray:
        return np.asarray(self.low_m + draws * self.side_m)

    def nearest_image(self, origin_m: FloatArray, target_m: FloatArray) -> FloatArray:
        return target_m

    def reflect(
        self, point_m: FloatArray, velocity_m_s: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        along = (point_m - self.low_m) % (2 * self.side_m)
        back = along > self.side_m
        inside = np.where(back, 2 * self.side_m - along, along)
        turned = np.where(back, -velocity_m_s, velocity_m_s)
        return self.low_m + inside, turned

    def fold(self, point_m: FloatArray) -> FloatArray:
        return point_m


@dataclass(frozen=True)
class Torus(Rectangle):
    """A rectangle without a border: what leaves on one side enters on the other."""

    def nearest_image(self, origin_m: FloatArray, target_m: FloatArray) -> FloatArray:
        turns = np.rint((target_m - origin_m) / self.side_m)
        return np.asarray(target_m - turns * self.side_m)

    def reflect(
        self, point_m: FloatArray, velocity_m_s: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        return point_m, velocity_m_s

    def fold(self, point_m: FloatArray) -> FloatArray:
        offset = (point_m - self.low_m) % self.side_m
        return np.asarray(self.low_m + offset)


def _positive(size_m: float) -> None:
    if not size_m > 0:
        raise ScenarioError("a region must have an extent", where="mobility", value=size_m)
