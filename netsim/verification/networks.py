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
spacings. A cell is wrong only if an empty disc of half that radius touches it: probability 1e-7."""


@dataclass(frozen=True)
class Ridges:
    """Edges of the Voronoi cells, R rows by owner: each edge twice, as seen from both its gNBs."""

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
    """One network of M gNBs on a square torus; random streams are keyed by (seed, name, index)."""

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
        name = f"verify_{self.name}_{purpose}"
        return rng.stream(self.seed, name, self.index)

    @cached_property
    def ridges(self) -> Ridges:
        """Voronoi cells, dual to the triangles of the network continued on all sides."""
        count = len(self.sites_m)
        points = self._continued_m()
        triangles = Delaunay(points)
        corners = triangles.simplices  # [T, 3], counterclockwise
        centre = _circumcentres(points[corners])
        # edge j of a triangle lies opposite to corner j; its neighbour sees it the other way round
        start = corners[:, [1, 2, 0]].ravel()
        end = corners[:, [2, 0, 1]].ravel()
        own = np.repeat(np.arange(len(corners)), 3)
        other = triangles.neighbors.ravel()
        mine = np.flatnonzero(start < count)
        if (other[mine] < 0).any():
            raise ValueError("a cell of the torus is open: the margin is too small")
        mine = mine[np.argsort(start[mine], kind="stable")]
        owner = start[mine]
        from_owner = points[owner]
        ends = np.stack([centre[own[mine]], centre[other[mine]]], axis=1)
        return Ridges(
            owner=owner.astype(np.int64),
            toward_m=points[end[mine]] - from_owner,
            ends_m=ends - from_owner[:, None],
        )

    def _continued_m(self) -> FloatArray:
        """The gNBs, followed by their copies within the margin around the torus. [P, 2]."""
        side = self.side_m
        steps = (0, -1, 1)  # the network itself comes first
        shifts = np.array([[i, j] for i in steps for j in steps], dtype=np.float64) * side
        copies = (self.sites_m[None] + shifts[:, None]).reshape(-1, 2)
        inside = (copies >= -_MARGIN * side) & (copies <= (1 + _MARGIN) * side)
        return np.asarray(copies[np.all(inside, axis=1)])

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
        """One UE uniform in each cell: a triangle by its area, then a place in it. [M, 2]."""
        generator = self.stream(purpose)
        ridges = self.ridges
        count = len(self.sites_m)
        cumulative = np.cumsum(ridges.triangle_m2)
        last = (
            np.searchsorted(
                ridges.owner,
                np.arange(count),
                side="right",
            )
            - 1
        )
        before = np.concatenate([[0.0], cumulative[last[:-1]]])
        wanted = before + generator.random(count) * (cumulative[last] - before)
        triangle = np.searchsorted(cumulative, wanted, side="right")
        ends_m = ridges.ends_m[np.minimum(triangle, last)]
        u = np.sqrt(generator.random((count, 1)))
        v = generator.random((count, 1))
        edge_m = ends_m[:, 0] + v * (ends_m[:, 1] - ends_m[:, 0])
        return np.asarray((self.sites_m + u * edge_m) % self.side_m)

    def cell_radius_m(self, directions: int) -> FloatArray:
        """Distance from each gNB to the edge of its cell, in J evenly spaced directions. [M, J].

        The first direction is random for each gNB.
        """
        ridges = self.ridges
        count = len(self.sites_m)
        offset = self.stream("directions").random((count, 1))
        angle = 2 * np.pi * (np.arange(directions) + offset) / directions  # [M, J]
        x = ridges.toward_m[:, :1]
        y = ridges.toward_m[:, 1:]
        # along a direction e the edge is |t|² / (2 e.t) away, where e.t > 0
        along = np.cos(angle)[ridges.owner] * x + np.sin(angle)[ridges.owner] * y
        inverse = 2 * along / (x * x + y * y)
        first = np.searchsorted(ridges.owner, np.arange(count))
        return np.asarray(1.0 / np.maximum.reduceat(inverse, first, axis=0))

    def distances_m(self, points_m: FloatArray, to_m: FloatArray) -> FloatArray:
        """Distances on the torus. Shapes [A, 2], [B, 2] -> [A, B]."""
        x = self._wrapped(points_m[:, None, 0] - to_m[None, :, 0])
        y = self._wrapped(points_m[:, None, 1] - to_m[None, :, 1])
        x *= x
        y *= y
        x += y
        return np.asarray(np.sqrt(x, out=x))

    def far_field(self, exponent: float) -> float:
        """Mean of the sum of r^-exponent over gNBs beyond the square that each sees on the torus.

        phi Int r^(1 - a) dr outside a square of half-side h: 8 phi h^(2 - a) / (a - 2) times
        Int_0^(pi/4) cos(x)^(a - 2) dx.
        """
        x = (np.arange(1000) + 0.5) * np.pi / 4000
        corner = float((np.cos(x) ** (exponent - 2)).mean()) * np.pi / 4
        density = SITES / self.side_m**2
        half_side = (self.side_m / 2) ** (2 - exponent)
        return float(8 * density * half_side / (exponent - 2) * corner)

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
            owner=ridges.owner,
            toward_m=ridges.toward_m * factor,
            ends_m=ridges.ends_m * factor,
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
        """The shorter way around the torus, in place."""
        np.abs(offset, out=offset)
        return np.minimum(offset, self.side_m - offset, out=offset)


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
            side_m=side,
            sites_m=generator.uniform(0.0, side, size=(count, 2)),
            seed=effort.seed,
            name="network",
            index=index,
        )


def _circumcentres(corners_m: FloatArray) -> FloatArray:
    """Centre of the circle through the corners of each triangle. Shape [T, 3, 2] -> [T, 2]."""
    origin = corners_m[:, 0]
    bx, by = (corners_m[:, 1] - origin).T
    cx, cy = (corners_m[:, 2] - origin).T
    b2 = bx * bx + by * by
    c2 = cx * cx + cy * cy
    twice_area = 2 * (bx * cy - by * cx)
    x = (cy * b2 - by * c2) / twice_area
    y = (bx * c2 - cx * b2) / twice_area
    return np.asarray(origin + np.column_stack([x, y]))
