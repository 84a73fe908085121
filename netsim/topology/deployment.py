"""gNB sites of a scenario: a Poisson point process, a hexagonal grid, or a graph from a file."""

from __future__ import annotations

import math
from dataclasses import dataclass

import networkx as nx
import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.topology.graph import Window, central_site, site_graph, site_positions_m
from netsim.units import M2_PER_KM2, FloatArray

LONE_SITE_SPACING_M = 1000.0
"""Side of the window of a network of one site."""


@dataclass(frozen=True)
class Deployment:
    """Sites and the one whose cell learns."""

    graph: nx.Graph
    positions_m: FloatArray  # [site, 2]
    density_per_m2: float
    learning_site: int
    window_m: Window
    torus: bool = False  # opposite sides of the window are joined

    def __post_init__(self) -> None:
        if not 0 <= self.learning_site < len(self.positions_m):
            raise ScenarioError(
                f"must name one of the {len(self.positions_m)} sites",
                where="topology.learning_site",
                value=self.learning_site,
            )

    def seen_from(self, positions_m: FloatArray, place_m: FloatArray) -> FloatArray:
        """Positions [K, 2], on a torus each as its image nearest to `place_m` [2]."""
        if not self.torus:
            return positions_m
        x_min, y_min, x_max, y_max = self.window_m
        side = np.array([x_max - x_min, y_max - y_min])
        turns = np.round((positions_m - place_m) / side)
        return np.asarray(positions_m - side * turns)


def poisson_sites(
    *, density_per_km2: float, window_km: float, seed: int, torus: bool = False
) -> Deployment:
    """A PPP in a square window centred on a site at the origin, which is the learning gNB.

    By Slivnyak's theorem the cell of the origin is the typical cell. Sites come in the order of a
    mark: their number in the window with a mark below phi is Poisson with mean phi x area for every
    phi at once. So the sites of a lower density are a subset of those of a higher one (nested), and
    comparisons over density are coupled.
    """
    marks = _marks_below(density_per_km2, area_km2=window_km**2, seed=seed)
    half_m = window_km * 1e3 / 2
    others = rng.stream(seed, "site_position").uniform(
        -half_m,
        half_m,
        size=(len(marks), 2),
    )
    positions_m = np.vstack([np.zeros((1, 2)), others])
    graph = site_graph(positions_m)
    for node, mark in zip(graph, [0.0, *marks], strict=True):
        graph.nodes[node]["mark_per_km2"] = mark
    return Deployment(
        graph,
        positions_m,
        density_per_m2=density_per_km2 / M2_PER_KM2,
        learning_site=0,
        window_m=(-half_m, -half_m, half_m, half_m),
        torus=torus,
    )


def _marks_below(
    density_per_km2: float,
    *,
    area_km2: float,
    seed: int,
) -> list[float]:
    """Marks up to the density: a Poisson process on the axis of densities, ascending."""
    spacing = rng.stream(seed, "site_mark")
    marks: list[float] = []
    mark = spacing.exponential() / area_km2
    while mark <= density_per_km2:
        marks.append(mark)
        mark += spacing.exponential() / area_km2
    return marks


def hexagonal_sites(*, density_per_km2: float, window_km: float) -> Deployment:
    """A hexagonal grid of the given density in a square window; the central site learns."""
    half_m = window_km * 1e3 / 2
    density_per_m2 = density_per_km2 / M2_PER_KM2
    points = _hexagonal_points(math.sqrt(2 / math.sqrt(3) / density_per_m2), half_m)
    points.sort(key=_distance_then_angle)
    positions_m = np.array(points, dtype=np.float64)
    return Deployment(
        site_graph(positions_m),
        positions_m,
        density_per_m2=density_per_m2,
        learning_site=0,
        window_m=(-half_m, -half_m, half_m, half_m),
    )


def _hexagonal_points(pitch_m: float, half_m: float) -> list[tuple[float, float]]:
    """Grid points in the square of side 2 `half_m`; neighbours are `pitch_m` apart."""
    rows = math.ceil(half_m / (pitch_m * math.sqrt(3) / 2))
    columns = math.ceil(half_m / pitch_m) + 1
    points = []
    for row in range(-rows, rows + 1):
        y = row * pitch_m * math.sqrt(3) / 2
        for column in range(-columns, columns + 1):
            x = (column + 0.5 * (row % 2)) * pitch_m
            if abs(x) <= half_m and abs(y) <= half_m:
                points.append((x, y))
    return points


def _distance_then_angle(point: tuple[float, float]) -> tuple[float, float]:
    """Sort key of grid points: rings around the centre."""
    x, y = point
    distance = math.hypot(x, y)
    angle = math.atan2(y, x)
    return round(distance, 6), round(angle, 6)


def explicit_sites(graph: nx.Graph, *, learning_site: int | None = None) -> Deployment:
    """Sites of a graph whose nodes carry `x_m` and `y_m`.

    Density is sites per area of their bounding box widened by half a mean spacing on each side.
    The learning site is the one nearest to the centre unless it is named.
    """
    positions_m = site_positions_m(graph)
    low = positions_m.min(axis=0)
    high = positions_m.max(axis=0)
    margin = _mean_spacing_m(np.maximum(high - low, 1.0), len(positions_m)) / 2
    low = low - margin
    high = high + margin
    if learning_site is None:
        learning_site = central_site(positions_m)
    return Deployment(
        graph,
        positions_m,
        density_per_m2=len(positions_m) / float((high - low).prod()),
        learning_site=learning_site,
        window_m=(
            float(low[0]),
            float(low[1]),
            float(high[0]),
            float(high[1]),
        ),
    )


def _mean_spacing_m(extent_m: FloatArray, sites: int) -> float:
    """Mean distance of neighbours; of sites on a line the one along it, so cells are squares."""
    if sites == 1:
        return LONE_SITE_SPACING_M
    spacing = math.sqrt(float(extent_m.prod()) / sites)
    if extent_m.min() < spacing:  # a line, or nearly
        return float(extent_m.max()) / (sites - 1)
    return spacing
