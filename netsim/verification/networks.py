"""Explicit Poisson networks on a torus: gNBs, their Voronoi cells, one active UE in each.

The torus has no edge, so every gNB is a typical one. Nothing here uses a formula that is to be
verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.spatial import Delaunay

from netsim import rng
from netsim.units import FloatArray, IntArray
from netsim.verification.law import Effort

SITES = 256
"""Mean number of gNBs in a network."""

DENSITY = 1e-6
"""gNBs per m² unless a law asks for another."""

_MARGIN = 0.3
"""Part of the side by which the network is continued around itself before cells are cut: 4.8 mean
spacings. A cell is wrong only if an empty disc of half that radius touches it (probability
1e-7).
"""


@dataclass(frozen=True)
class Ridges:
    """Edges of the Voronoi cells as seen from their gNB; each edge is there twice. R rows by
    owner.
    """

    owner: IntArray  # [R] gNB, ascending
    toward_m: FloatArray  # [R, 2] from the gNB to its neighbour across the edge
    ends_m: FloatArray  # [R, 2, 2] from the gNB to the ends of the edge

    @cached_property
    def triangle_m2(self) -> FloatArray:
        """Area between the gNB and the edge. Shape [R]."""
        (ax, ay) = self.ends_m[:, 0].T
        (bx, by) = self.ends_m[:, 1].T
        return np.asarray(np.abs(ax * by - ay * bx) / 2)


@dataclass(frozen=True)
class Network:
    """One network of M gNBs on a square torus. Random numbers come from streams of (seed, name,
    index).
    """

    side_m: float
    sites_m: FloatArray  # [M, 2]
    seed: int
    name: str
    index: int

    @property
    def spacing_m(self) -> float:
        """phi^-1/2, the unit of length in which only the shape of a network counts."""
        return self.side_m / float(np.sqrt(SITES))

    def stream(self, purpose: str) -> np.random.Generator:
        """Random numbers of this network for one purpose."""
        return rng.stream(self.seed, f"verify_{self.name}_{purpose}", self.index)

    @cached_property
    def ridges(self) -> Ridges:
        """Voronoi cells, dual to the triangles of the network continued on all sides."""
        side = self.side_m
        count = len(self.sites_m)
        shifts = np.array([[i, j] for i in (0, -1, 1) for j in (0, -1, 1)], dtype=np.float64) * side
        copies = (self.sites_m[None] + shifts[:, None]).reshape(
            -1, 2
        )  # the network itself comes first
        near = np.all((copies >= -_MARGIN * side) & (copies <= (1 + _MARGIN) * side), axis=1)
        points = copies[near]
        triangles = Delaunay(points)
        # counterclockwise; [T, 3]
        corners = triangles.simplices
        beyond = triangles.neighbors
        centre = _circumcentres(points[corners])
        # edge j of a triangle lies opposite to corner j; its neighbour sees it the other way round
        start = corners[:, [1, 2, 0]].ravel()
        end = corners[:, [2, 0, 1]].ravel()
        own = np.repeat(np.arange(len(corners)), 3)
        other = beyond.ravel()
        mine = np.flatnonzero(start < count)
        if (other[mine] < 0).any():
            raise ValueError("a cell of the torus is open: the margin is too small")
        mine = mine[np.argsort(start[mine], kind="stable")]
        owner = start[mine]
        ends = np.stack([centre[own[mine]], centre[other[mine]]], axis=1) - points[owner][:, None]
        return Ridges(owner.astype(np.int64), points[end[mine]] - points[owner], ends)

    @property
    def areas_m2(self) -> FloatArray:
        """Area of every cell. Shape [M]."""
        return self._per_cell(self.ridges.triangle_m2)

    @property
    def perimeters_m(self) -> FloatArray:
        """Perimeter of every cell. Shape [M]."""
        edge = self.ridges.ends_m[:, 1] - self.ridges.ends_m[:, 0]
        return self._per_cell(np.hypot(edge[:, 0], edge[:, 1]))

    def ue_per_cell_m(self, purpose: str) -> FloatArray:
        """One UE uniform in each cell: a triangle by its area, then a place in it. Shape [M, 2]."""
        generator = self.stream(purpose)
        ridges = self.ridges
        count = len(self.sites_m)
        cumulative = np.cumsum(ridges.triangle_m2)
        last = np.searchsorted(ridges.owner, np.arange(count), side="right") - 1
        before = np.concatenate([[0.0], cumulative[last[:-1]]])
        wanted = before + generator.random(count) * (cumulative[last] - before)
        chosen = np.minimum(np.searchsorted(cumulative, wanted, side="right"), last)
        u = np.sqrt(generator.random((count, 1)))
        v = generator.random((count, 1))
        first = ridges.ends_m[chosen, 0]
        second = ridges.ends_m[chosen, 1]
        return np.asarray((self.sites_m + u * (first + v * (second - first))) % self.side_m)

    def cell_radius_m(self, directions: int) -> FloatArray:
        """Distance from each gNB to the edge of its cell, in evenly spaced directions. Shape [M,
        J].

        The first direction is random for each gNB.
        """
        count = len(self.sites_m)
        ridges = self.ridges
        offset = self.stream("directions").random((count, 1))
        angle = 2 * np.pi * (np.arange(directions) + offset) / directions  # [M, J]
        x = ridges.toward_m[:, :1]
        y = ridges.toward_m[:, 1:]
        # along a direction e the edge is |t|² / (2 e.t) away, where e.t > 0
        inverse = (
            2
            * (np.cos(angle)[ridges.owner] * x + np.sin(angle)[ridges.owner] * y)
            / (x * x + y * y)
        )
        first = np.searchsorted(ridges.owner, np.arange(count))
        return np.asarray(1.0 / np.maximum.reduceat(inverse, first, axis=0))

    def distances_m(self, points_m: FloatArray, to_m: FloatArray) -> FloatArray:
        """Distances on the torus. Shapes [A, 2], [B, 2] -> [A, B]."""
        x = self._wrapped(points_m[:, None, 0] - to_m[None, :, 0])
        y = self._wrapped(points_m[:, None, 1] - to_m[None, :, 1])
        return np.asarray(np.sqrt(x * x + y * y))

    def far_field(self, exponent: float) -> float:
        """Mean of the sum of r^-exponent over gNBs beyond the square that each sees on the torus.

        phi Int r^(1 - a) dr outside a square of half-side h: 8 phi h^(2 - a) / (a - 2) times
        Int_0^(pi/4) cos(x)^(a - 2) dx.
        """
        x = (np.arange(1000) + 0.5) * np.pi / 4000
        corner = float((np.cos(x) ** (exponent - 2)).mean()) * np.pi / 4
        density = SITES / self.side_m**2
        return float(8 * density * (self.side_m / 2) ** (2 - exponent) / (exponent - 2) * corner)

    def scaled(self, factor: float, name: str) -> Network:
        """The same gNBs with all lengths times `factor`, and random numbers of its own."""
        scaled = Network(
            self.side_m * factor,
            self.sites_m * factor,
            self.seed,
            name,
            self.index,
        )
        ridges = self.ridges
        scaled.__dict__["ridges"] = Ridges(
            ridges.owner, ridges.toward_m * factor, ridges.ends_m * factor
        )
        return scaled

    def _per_cell(self, value: FloatArray) -> FloatArray:
        """Sum over the edges of each cell. Shape [R] -> [M]."""
        sums = np.bincount(
            self.ridges.owner,
            weights=value,
            minlength=len(self.sites_m),
        )
        return np.asarray(sums, dtype=np.float64)

    def _wrapped(self, offset: FloatArray) -> FloatArray:
        offset = np.abs(offset)
        return np.minimum(offset, self.side_m - offset)


@lru_cache(maxsize=2)
def networks(effort: Effort) -> tuple[Network, ...]:
    """The networks that all laws share: a Poisson number of gNBs each, kept (0.1 MB a network)."""
    return tuple(_drawn(effort))


def _drawn(effort: Effort) -> Iterator[Network]:
    side = float(np.sqrt(SITES / DENSITY))
    for index in range(effort.networks):
        generator = rng.stream(effort.seed, "verify_sites", index)
        count = max(int(generator.poisson(SITES)), 8)
        yield Network(
            side,
            generator.uniform(0.0, side, size=(count, 2)),
            effort.seed,
            "network",
            index,
        )


def _circumcentres(corners_m: FloatArray) -> FloatArray:
    """Centre of the circle through the corners of each triangle. Shape [T, 3, 2] -> [T, 2]."""
    b = corners_m[:, 1] - corners_m[:, 0]
    c = corners_m[:, 2] - corners_m[:, 0]
    b2 = (b * b).sum(axis=1)
    c2 = (c * c).sum(axis=1)
    twice_area = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    x = (c[:, 1] * b2 - b[:, 1] * c2) / twice_area
    y = (b[:, 0] * c2 - c[:, 0] * b2) / twice_area
    return np.asarray(corners_m[:, 0] + np.column_stack([x, y]))
