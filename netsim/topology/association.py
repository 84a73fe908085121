"""Which gNB serves which place: Voronoi cells, and UEs dropped uniformly in one of them or in the
window.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import QhullError, Voronoi, cKDTree

from netsim import rng
from netsim.errors import ScenarioError
from netsim.topology.deployment import Deployment
from netsim.units import FloatArray, IntArray

# candidates drawn at a time; fixed, as the draws may not depend on how many UEs are wanted
_BATCH = 4096


Window = tuple[float, float, float, float]  # x_min, y_min, x_max, y_max


def nearest_site(
    positions_m: FloatArray, sites_m: FloatArray, torus_m: Window | None = None
) -> IntArray:
    """Index of the nearest site of each position; `torus_m` is a window whose opposite sides are
    joined.

    Shapes [K, 2], [S, 2] -> [K].
    """
    if torus_m is None:
        return np.asarray(cKDTree(sites_m).query(positions_m)[1], dtype=np.int64)
    corner, side = (
        np.array(torus_m[:2]),
        np.array([torus_m[2] - torus_m[0], torus_m[3] - torus_m[1]]),
    )
    inside = [np.mod(points - corner, side) for points in (sites_m, positions_m)]
    sites, points = (
        np.where(p >= side, 0.0, p) for p in inside
    )  # rounding may give the side itself
    return np.asarray(cKDTree(sites, boxsize=side).query(points)[1], dtype=np.int64)


def drop_in_window(
    deployment: Deployment, count: int, seed: int, *, margin_m: float = 0.0
) -> FloatArray:
    """`count` UEs uniformly in the window, less a margin on each side. [K, 2], m.

    Adding UEs leaves the earlier ones where they are, and so does another density of sites.
    """
    x_min, y_min, x_max, y_max = deployment.window_m
    low, high = np.array([x_min, y_min]) + margin_m, np.array([x_max, y_max]) - margin_m
    if not (low < high).all():
        raise ScenarioError("the guard leaves no room for UEs", where="scenario: topology.guard_km")
    return np.asarray(low + rng.stream(seed, "ue_position").random((count, 2)) * (high - low))


def drop_in_cell(deployment: Deployment, count: int, seed: int) -> FloatArray:
    """`count` UEs uniformly in the learning site's Voronoi cell, clipped to the window. [K, 2],
    m.
    """
    site = deployment.learning_site
    return _drop(
        deployment, site, count, rng.stream(seed, "ue_position"), cell_radii_m(deployment)[site]
    )


def places_in_cells(deployment: Deployment, per_cell: int, seed: int) -> FloatArray:
    """`per_cell` places uniformly in each site's cell. [S, M, 2], m."""
    radii = cell_radii_m(deployment)
    return np.stack(
        [
            _drop(deployment, site, per_cell, rng.stream(seed, "cell_place", site), radius)
            for site, radius in enumerate(radii.tolist())
        ]
    )


def _drop(
    deployment: Deployment, site: int, count: int, generator: np.random.Generator, radius_m: float
) -> FloatArray:
    """Candidates are drawn in a disc around the site that contains the cell, and kept in order
    while the
    site is their nearest: adding UEs leaves the earlier ones where they are.
    """
    place = deployment.positions_m[site]
    x_min, y_min, x_max, y_max = deployment.window_m
    kept: list[FloatArray] = []
    missing, tried = count, 0
    while missing > 0:
        u = generator.random((_BATCH, 2))
        reach = radius_m * np.sqrt(u[:, 0])
        angle = 2 * np.pi * u[:, 1]
        points = place + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
        if deployment.torus:
            points = deployment.seen_from(points, np.array([x_min + x_max, y_min + y_max]) / 2)
        inside = (points[:, 0] >= x_min) & (points[:, 0] <= x_max)
        inside &= (points[:, 1] >= y_min) & (points[:, 1] <= y_max)
        points = points[inside]
        near = nearest_site(
            points, deployment.positions_m, deployment.window_m if deployment.torus else None
        )
        points = points[near == site]
        kept.append(points[:missing])
        missing -= len(kept[-1])
        tried += _BATCH
        if tried > _BATCH * 64 and missing == count:
            rule = f"the cell of site {site} is too small to place UEs in"
            raise ScenarioError(rule, where="topology", value=tuple(place.tolist()))
    return np.vstack(kept)[:count] if kept else np.empty((0, 2))


def cell_radii_m(deployment: Deployment) -> FloatArray:
    """For each site a radius, m, around it that contains its (clipped) cell. [S]."""
    sites = deployment.positions_m
    x_min, y_min, x_max, y_max = deployment.window_m
    side = np.array([x_max - x_min, y_max - y_min])
    if deployment.torus:
        shifts = [(i, j) for i in (0, -1, 1) for j in (0, -1, 1)]  # the sites themselves come first
        around = np.vstack([sites + side * np.array(shift) for shift in shifts])
        furthest = np.full(len(sites), float(np.hypot(*side)) / 2)
    else:
        around = sites
        corners = np.array([[x_min, y_min], [x_min, y_max], [x_max, y_min], [x_max, y_max]])
        furthest = np.sqrt(((corners[None] - sites[:, None]) ** 2).sum(axis=2)).max(axis=1)
    try:
        diagram = Voronoi(around)
    except (QhullError, ValueError):  # fewer than three sites, or all on one line
        return furthest
    radii = furthest.copy()
    for site in range(len(sites)):
        region = diagram.regions[diagram.point_region[site]]
        if region and -1 not in region:
            reach = np.sqrt(((diagram.vertices[region] - sites[site]) ** 2).sum(axis=1)).max()
            radii[site] = min(float(reach) * (1 + 1e-9), furthest[site])
    return radii
