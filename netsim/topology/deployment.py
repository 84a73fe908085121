"""gNB sites: a Poisson point process, a hexagonal grid, or a graph read from a file.

A deployment is a networkx graph whose nodes carry `x_m` and `y_m`; every other layer receives
arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import networkx as nx
import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.units import M2_PER_KM2, FloatArray


@dataclass(frozen=True)
class Deployment:
    """Sites and the one whose cell learns."""

    graph: nx.Graph
    positions_m: FloatArray  # [site, 2]
    density_per_m2: float
    learning_site: int
    window_m: tuple[float, float, float, float]  # x_min, y_min, x_max, y_max
    torus: bool = False  # opposite sides of the window are joined

    def seen_from(self, positions_m: FloatArray, place_m: FloatArray) -> FloatArray:
        """Positions [K, 2], on a torus each as its image nearest to `place_m` [2]."""
        if not self.torus:
            return positions_m
        x_min, y_min, x_max, y_max = self.window_m
        side = np.array([x_max - x_min, y_max - y_min])
        offset = positions_m - place_m
        return np.asarray(positions_m - side * np.round(offset / side))

    def __post_init__(self) -> None:
        if not 0 <= self.learning_site < len(self.positions_m):
            raise ScenarioError(
                f"must name one of the {len(self.positions_m)} sites",
                where="topology.learning_site",
                value=self.learning_site,
            )


def poisson_sites(
    *, density_per_km2: float, window_km: float, seed: int, torus: bool = False
) -> Deployment:
    """A PPP in a square window centred on a site at the origin, which is the learning gNB.

    By Slivnyak's theorem the cell of the origin is the typical cell. Sites come in the order of a
    mark: their number in the window with a mark below phi is Poisson with mean phi x area for every
    phi at once. So the sites of a lower density are a subset of those of a higher one (nested), and
    comparisons over density are coupled.
    """
    side_m = window_km * 1e3
    area_km2 = window_km**2
    marks: list[float] = []
    spacing = rng.stream(seed, "site_mark")
    mark = spacing.exponential() / area_km2
    while mark <= density_per_km2:
        marks.append(mark)
        mark += spacing.exponential() / area_km2
    others = rng.stream(seed, "site_position").uniform(
        -side_m / 2, side_m / 2, size=(len(marks), 2)
    )
    positions = np.vstack([np.zeros((1, 2)), others])
    graph = site_graph(positions)
    for node, value in zip(graph, [0.0, *marks], strict=True):
        graph.nodes[node]["mark_per_km2"] = value
    half = side_m / 2
    window = (-half, -half, half, half)
    return Deployment(graph, positions, density_per_km2 / M2_PER_KM2, 0, window, torus)


def hexagonal_sites(*, density_per_km2: float, window_km: float) -> Deployment:
    """A hexagonal grid of the given density in a square window; the central site learns."""
    half = window_km * 1e3 / 2
    pitch = math.sqrt(2 / math.sqrt(3) / (density_per_km2 / M2_PER_KM2))  # distance of neighbours
    rows = math.ceil(half / (pitch * math.sqrt(3) / 2))
    columns = math.ceil(half / pitch) + 1
    points = [
        ((column + 0.5 * (row % 2)) * pitch, row * pitch * math.sqrt(3) / 2)
        for row in range(-rows, rows + 1)
        for column in range(-columns, columns + 1)
    ]
    points = [p for p in points if abs(p[0]) <= half and abs(p[1]) <= half]
    points.sort(key=lambda p: (round(math.hypot(*p), 6), round(math.atan2(p[1], p[0]), 6)))
    positions = np.array(points, dtype=np.float64)
    return Deployment(
        site_graph(positions),
        positions,
        density_per_km2 / M2_PER_KM2,
        0,
        (-half, -half, half, half),
    )


def explicit_sites(graph: nx.Graph, *, learning_site: int | None = None) -> Deployment:
    """Sites of a graph whose nodes carry `x_m` and `y_m`.

    Density is sites per area of their bounding box widened by half a mean spacing on each side;
    sites on a line have the spacing along it, so that their cells are squares. The learning site is
    the one nearest to the centre unless it is named.
    """
    positions = np.array(
        [[d["x_m"], d["y_m"]] for _, d in graph.nodes(data=True)], dtype=np.float64
    )
    low, high = positions.min(axis=0), positions.max(axis=0)
    extent = np.maximum(high - low, 1.0)
    spacing = math.sqrt(float(extent.prod()) / len(positions)) if len(positions) > 1 else 1000.0
    if extent.min() < spacing:  # a line, or nearly
        spacing = float(extent.max()) / (len(positions) - 1) if len(positions) > 1 else spacing
    low, high = low - spacing / 2, high + spacing / 2
    density = len(positions) / float((high - low).prod())
    if learning_site is None:
        learning_site = int(np.argmin(((positions - positions.mean(axis=0)) ** 2).sum(axis=1)))
    window = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Deployment(graph, positions, density, learning_site, window)


def site_graph(positions_m: FloatArray) -> nx.Graph:
    """A graph of the sites, in order, without links."""
    graph = nx.Graph()
    for index, (x, y) in enumerate(positions_m):
        graph.add_node(index, x_m=float(x), y_m=float(y))
    return graph
