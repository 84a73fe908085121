"""What there is to know about a site graph at a glance: counts, density, cell areas, a picture."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

from netsim.errors import DataError
from netsim.topology.backhaul import backhaul
from netsim.topology.deployment import explicit_sites
from netsim.units import M2_PER_KM2, FloatArray

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of a braille character


@dataclass(frozen=True)
class Summary:
    """Facts about S sites."""

    sites: int
    links: int
    window_m: tuple[float, float, float, float]
    density_per_km2: float
    nearest_neighbour_m: FloatArray  # [S], infinite for a single site
    cell_area_km2: FloatArray  # [S] clipped to the window
    same_place: int  # sites at the place of another
    backhaul: str  # what the links make


def summarise(graph: nx.Graph) -> Summary:
    """Facts about a graph whose nodes carry `x_m` and `y_m`."""
    deployment = explicit_sites(graph)
    positions = deployment.positions_m
    nearest = np.full(len(positions), np.inf)
    if len(positions) > 1:
        nearest = np.asarray(cKDTree(positions).query(positions, k=[2])[0])[:, 0]
    return Summary(
        sites=len(positions),
        links=graph.number_of_edges(),
        window_m=deployment.window_m,
        density_per_km2=deployment.density_per_m2 * M2_PER_KM2,
        nearest_neighbour_m=nearest,
        cell_area_km2=cell_areas_m2(positions, deployment.window_m) / M2_PER_KM2,
        same_place=len(positions) - len(np.unique(positions, axis=0)),
        backhaul=_backhaul(graph),
    )


def cell_areas_m2(
    positions_m: FloatArray, window_m: tuple[float, float, float, float]
) -> FloatArray:
    """Area of each site's Voronoi cell clipped to the window, from a grid of points. [S, 2] -> [S].

    The grid has at least 300 points a side and 60 for a mean cell, which is exact to a few per
    cent.
    """
    x_min, y_min, x_max, y_max = window_m
    side = int(np.clip(np.ceil(np.sqrt(60 * len(positions_m))), 300, 2000))
    x = x_min + (np.arange(side) + 0.5) * (x_max - x_min) / side
    y = y_min + (np.arange(side) + 0.5) * (y_max - y_min) / side
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    owner = cKDTree(positions_m).query(grid)[1]
    pixel = (x_max - x_min) * (y_max - y_min) / len(grid)
    return np.asarray(np.bincount(owner, minlength=len(positions_m)) * pixel, dtype=np.float64)


def picture(graph: nx.Graph, *, width: int = 64, height: int = 24) -> list[str]:
    """Sites as braille dots, to scale, north up; a core site is ◆. At most `width` x `height`
    characters.
    """
    positions = np.array(
        [[d["x_m"], d["y_m"]] for _, d in graph.nodes(data=True)], dtype=np.float64
    )
    low = positions.min(axis=0)
    extent = positions.max(axis=0) - low
    dot_m = max(extent[0] / (2 * width - 1), extent[1] / (4 * height - 1)) or 1.0
    columns, rows = (int(n) + 1 for n in extent / dot_m + 1e-9)
    column = np.floor((positions[:, 0] - low[0]) / dot_m + 1e-9).astype(np.int64)
    row = rows - 1 - np.floor((positions[:, 1] - low[1]) / dot_m + 1e-9).astype(np.int64)
    cells = np.zeros((-(-rows // 4), -(-columns // 2)), dtype=np.int64)
    np.bitwise_or.at(cells, (row // 4, column // 2), _DOTS[row % 4, column % 2])
    text = [[chr(0x2800 + dots) if dots else " " for dots in line] for line in cells.tolist()]
    for index, (_, data) in enumerate(graph.nodes(data=True)):
        if str(data.get("core")).lower() in ("true", "1"):
            text[row[index] // 4][column[index] // 2] = "◆"
    return ["".join(line) for line in text]


def _backhaul(graph: nx.Graph) -> str:
    if not graph.number_of_edges():
        return "none"
    try:
        found = backhaul(graph)
    except DataError as error:
        return f"unusable: {error.rule}"
    return f"joins all sites to the core, site {found.core}"
