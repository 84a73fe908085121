"""What there is to know about a site graph at a glance: counts, density, cell areas, a picture."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

from netsim.errors import DataError
from netsim.topology.backhaul import backhaul_paths
from netsim.topology.deployment import explicit_sites
from netsim.topology.graph import Window, core_sites, site_positions_m
from netsim.units import M2_PER_KM2, FloatArray

# Bits of the eight dots of a braille character, by row and column.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_BLANK_BRAILLE = 0x2800
_POINTS_PER_CELL = 60
_LEAST_SIDE, _MOST_SIDE = 300, 2000


@dataclass(frozen=True)
class NetworkFacts:
    """Facts about S sites."""

    sites: int
    links: int
    window_m: Window
    density_per_km2: float
    nearest_neighbour_m: FloatArray  # [S], infinite for a single site
    cell_area_km2: FloatArray  # [S] clipped to the window
    same_place: int  # sites at the place of another
    backhaul: str  # what the links make


def summarise(graph: nx.Graph) -> NetworkFacts:
    """Facts about a graph whose nodes carry `x_m` and `y_m`."""
    deployment = explicit_sites(graph)
    positions_m = deployment.positions_m
    area_m2 = cell_areas_m2(positions_m, deployment.window_m)
    return NetworkFacts(
        sites=len(positions_m),
        links=graph.number_of_edges(),
        window_m=deployment.window_m,
        density_per_km2=deployment.density_per_m2 * M2_PER_KM2,
        nearest_neighbour_m=_nearest_neighbour_m(positions_m),
        cell_area_km2=area_m2 / M2_PER_KM2,
        same_place=len(positions_m) - len(np.unique(positions_m, axis=0)),
        backhaul=_backhaul(graph),
    )


def _nearest_neighbour_m(positions_m: FloatArray) -> FloatArray:
    """Distance of each site to the nearest other one. [S, 2] -> [S]."""
    if len(positions_m) == 1:
        return np.full(1, np.inf)
    second = cKDTree(positions_m).query(positions_m, k=[2])[0]
    return np.asarray(second)[:, 0]


def cell_areas_m2(positions_m: FloatArray, window_m: Window) -> FloatArray:
    """Area of each site's Voronoi cell clipped to the window, from a grid. [S, 2] -> [S].

    The grid has at least 300 points a side and 60 for a mean cell, which is exact to a few per
    cent.
    """
    x_min, y_min, x_max, y_max = window_m
    wanted = np.ceil(np.sqrt(_POINTS_PER_CELL * len(positions_m)))
    side = int(np.clip(wanted, _LEAST_SIDE, _MOST_SIDE))
    middles = np.arange(side) + 0.5
    x = x_min + middles * (x_max - x_min) / side
    y = y_min + middles * (y_max - y_min) / side
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    owner = cKDTree(positions_m).query(grid)[1]
    pixel_m2 = (x_max - x_min) * (y_max - y_min) / len(grid)
    pixels = np.bincount(owner, minlength=len(positions_m))
    return np.asarray(pixels * pixel_m2, dtype=np.float64)


def picture(
    graph: nx.Graph,
    *,
    width: int = 64,
    height: int = 24,
) -> list[str]:
    """Sites as braille dots, to scale, north up; a core site is ◆.

    At most `width` x `height` characters.
    """
    column, row = _dot_of_site(
        site_positions_m(graph),
        columns=2 * width,
        rows=4 * height,
    )
    shape = (row.max() // 4 + 1, column.max() // 2 + 1)
    characters = np.zeros(shape, dtype=np.int64)
    np.bitwise_or.at(
        characters,
        (row // 4, column // 2),
        _DOTS[row % 4, column % 2],
    )
    lines = []
    for dots_of_line in characters.tolist():
        lines.append([chr(_BLANK_BRAILLE + dots) if dots else " " for dots in dots_of_line])
    for site in core_sites(graph):
        lines[row[site] // 4][column[site] // 2] = "◆"
    return ["".join(line) for line in lines]


def _dot_of_site(
    positions_m: FloatArray, *, columns: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Column from the left and row from the top of each site's dot. [S, 2] -> [S], [S]."""
    offset = positions_m - positions_m.min(axis=0)
    extent_x, extent_y = offset.max(axis=0)
    dot_m = max(extent_x / (columns - 1), extent_y / (rows - 1)) or 1.0
    steps = np.floor(offset / dot_m + 1e-9).astype(np.int64)
    column, up = steps.T
    highest = int(extent_y / dot_m + 1e-9)
    return column, highest - up


def _backhaul(graph: nx.Graph) -> str:
    """What the links make, in words."""
    if not graph.number_of_edges():
        return "none"
    try:
        found = backhaul_paths(graph)
    except DataError as error:
        return f"unusable: {str(error).removeprefix('backhaul, ')}"
    return f"joins all sites to the core, site {found.core}"
