"""Which gNB serves which place: Voronoi cells, and UEs dropped uniformly in one of them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import QhullError, Voronoi, cKDTree

from netsim import rng
from netsim.errors import ScenarioError
from netsim.topology.deployment import Deployment
from netsim.units import FloatArray, IntArray


def nearest_site(positions_m: FloatArray, sites_m: FloatArray) -> IntArray:
    """Index of the nearest site of each position. Shapes [K, 2], [S, 2] -> [K]."""
    _, index = cKDTree(sites_m).query(positions_m)
    return np.asarray(index, dtype=np.int64)


def drop_in_cell(deployment: Deployment, count: int, seed: int) -> FloatArray:
    """`count` UEs uniformly in the learning site's Voronoi cell, clipped to the window. [K, 2], m.

    Candidates are drawn in a disc around the site that contains the cell, and kept in order while
    the site is their nearest: adding UEs leaves the earlier ones where they are.
    """
    site = deployment.positions_m[deployment.learning_site]
    radius = _cell_radius(deployment)
    tree = cKDTree(deployment.positions_m)
    generator = rng.stream(seed, "ue_position")
    x_min, y_min, x_max, y_max = deployment.window_m
    kept: list[FloatArray] = []
    missing, tried = count, 0
    while missing > 0:
        # a fixed batch: the draws of one batch may not depend on how many UEs are wanted
        u = generator.random((4096, 2))
        reach = radius * np.sqrt(u[:, 0])
        angle = 2 * np.pi * u[:, 1]
        points = site + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
        inside = (points[:, 0] >= x_min) & (points[:, 0] <= x_max)
        inside &= (points[:, 1] >= y_min) & (points[:, 1] <= y_max)
        points = points[inside]
        points = points[tree.query(points)[1] == deployment.learning_site]
        kept.append(points[:missing])
        missing -= len(kept[-1])
        tried += 4096
        if tried > 4096 * 64 and missing == count:
            raise ScenarioError(
                "the learning site's cell is too small to place UEs in", where="topology", value=tuple(site)
            )
    return np.vstack(kept)[:count] if kept else np.empty((0, 2))


def _cell_radius(deployment: Deployment) -> float:
    """A radius, m, around the learning site that contains its (clipped) cell."""
    sites = deployment.positions_m
    site = sites[deployment.learning_site]
    x_min, y_min, x_max, y_max = deployment.window_m
    corners = np.array([[x_min, y_min], [x_min, y_max], [x_max, y_min], [x_max, y_max]])
    window_radius = float(np.sqrt(((corners - site) ** 2).sum(axis=1)).max())
    try:
        diagram = Voronoi(sites)
    except (QhullError, ValueError):  # fewer than three sites, or all on one line
        return window_radius
    region = diagram.regions[diagram.point_region[deployment.learning_site]]
    if -1 in region or not region:
        return window_radius
    reach = np.sqrt(((diagram.vertices[region] - site) ** 2).sum(axis=1)).max()
    return min(float(reach) * (1 + 1e-9), window_radius)
