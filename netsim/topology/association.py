"""Which gNB serves which place: Voronoi cells, and UEs dropped in one of them or in the window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import QhullError, Voronoi, cKDTree

from netsim import rng
from netsim.errors import ScenarioError
from netsim.topology.deployment import Deployment
from netsim.topology.graph import Window
from netsim.units import BoolArray, FloatArray, IntArray

# Candidates drawn at a time. Fixed, as the draws may not depend on how many UEs are wanted.
_BATCH = 4096
_BATCHES_WITHOUT_HIT = 64
# Candidates of a batch that are looked at together, at least: few UEs need few of them.
_LEAST_AT_ONCE = 256


def nearest_site(
    positions_m: FloatArray, sites_m: FloatArray, torus_m: Window | None = None
) -> IntArray:
    """Index of the nearest site of each position. Shapes [K, 2], [S, 2] -> [K].

    `torus_m` is a window whose opposite sides are joined.
    """
    if torus_m is None:
        nearest = cKDTree(sites_m).query(positions_m)[1]
        return np.asarray(nearest, dtype=np.int64)
    x_min, y_min, x_max, y_max = torus_m
    corner = np.array([x_min, y_min])
    side = np.array([x_max - x_min, y_max - y_min])
    tree = cKDTree(_wrapped(sites_m, corner, side), boxsize=side)
    nearest = tree.query(_wrapped(positions_m, corner, side))[1]
    return np.asarray(nearest, dtype=np.int64)


def _wrapped(
    points_m: FloatArray,
    corner: FloatArray,
    side: FloatArray,
) -> FloatArray:
    """Points as offsets from the corner in [0, side); rounding may give the side itself."""
    inside = np.mod(points_m - corner, side)
    return np.where(inside >= side, 0.0, inside)


def drop_in_window(
    deployment: Deployment, count: int, seed: int, *, margin_m: float = 0.0
) -> FloatArray:
    """`count` UEs uniformly in the window, less a margin on each side. [K, 2], m.

    Adding UEs leaves the earlier ones where they are, and so does another density of sites.
    Raises ScenarioError if the margin leaves no room.
    """
    x_min, y_min, x_max, y_max = deployment.window_m
    low = np.array([x_min, y_min]) + margin_m
    high = np.array([x_max, y_max]) - margin_m
    if not (low < high).all():
        raise ScenarioError("the guard leaves no room for UEs", where="scenario: topology.guard_km")
    draws = rng.stream(seed, "ue_position").random((count, 2))
    return np.asarray(low + draws * (high - low))


def drop_in_cell(
    deployment: Deployment,
    count: int,
    seed: int,
) -> FloatArray:
    """`count` UEs uniformly in the learning site's cell, clipped to the window. [K, 2], m.

    Raises ScenarioError if the cell is too small to be hit.
    """
    site = deployment.learning_site
    radius_m = float(cell_radii_m(deployment, [site])[0])
    return _drop(
        deployment,
        site,
        count,
        rng.stream(seed, "ue_position"),
        radius_m=radius_m,
        reach_m=radius_m,
    )


def places_in_cells(
    deployment: Deployment,
    per_cell: int,
    seed: int,
) -> FloatArray:
    """`per_cell` places uniformly in each site's cell. [S, M, 2], m."""
    radii_m = cell_radii_m(deployment)
    reaches_m = _reaches_in_window_m(deployment, radii_m)
    places = []
    for site, radius_m in enumerate(radii_m.tolist()):
        dropped = _drop(
            deployment,
            site,
            per_cell,
            rng.stream(seed, "cell_place", site),
            radius_m=radius_m,
            reach_m=float(reaches_m[site]),
        )
        places.append(dropped)
    return np.stack(places)


def _drop(
    deployment: Deployment,
    site: int,
    count: int,
    generator: np.random.Generator,
    *,
    radius_m: float,
    reach_m: float,
) -> FloatArray:
    """`count` places uniformly in a cell, by rejection. [K, 2].

    Candidates are drawn in a disc around the site that contains the cell, and kept in order while
    the site is their nearest: adding UEs leaves the earlier ones where they are. Those further away
    than `reach_m`, where the cell ends, are not looked at.
    """
    kept: list[FloatArray] = []
    missing = count
    batches = 0
    while missing > 0:
        draws = generator.random((_BATCH, 2))
        draws = draws[draws[:, 0] <= (reach_m / radius_m) ** 2]
        start = 0
        while missing > 0 and start < len(draws):
            end = start + max(_LEAST_AT_ONCE, 4 * missing)
            points = _candidates(deployment, site, radius_m, draws[start:end])
            found = points[_in_cell(points, deployment, site)][:missing]
            kept.append(found)
            missing -= len(found)
            start = end
        batches += 1
        if batches > _BATCHES_WITHOUT_HIT and missing == count:
            place = tuple(deployment.positions_m[site].tolist())
            rule = f"the cell of site {site} is too small to place UEs in"
            raise ScenarioError(rule, where="topology", value=place)
    return np.vstack(kept) if kept else np.empty((0, 2))


def _candidates(
    deployment: Deployment, site: int, radius_m: float, draws: FloatArray
) -> FloatArray:
    """Uniform points in the disc around a site, on a torus moved into the window. [N, 2].

    draws: numbers in [0, 1), [N, 2].
    """
    reach = radius_m * np.sqrt(draws[:, 0])
    angle = 2 * np.pi * draws[:, 1]
    offset = np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    points = deployment.positions_m[site] + offset
    x_min, y_min, x_max, y_max = deployment.window_m
    centre = np.array([x_min + x_max, y_min + y_max]) / 2
    return deployment.seen_from(points, centre)


def _in_cell(
    points_m: FloatArray,
    deployment: Deployment,
    site: int,
) -> BoolArray:
    """Which points [N, 2] lie in the window and in the cell of `site`. [N]."""
    x_min, y_min, x_max, y_max = deployment.window_m
    x, y = points_m.T
    inside = (x >= x_min) & (x <= x_max) & (y >= y_min) & (y <= y_max)
    torus = deployment.window_m if deployment.torus else None
    inside[inside] = nearest_site(points_m[inside], deployment.positions_m, torus) == site
    return np.asarray(inside)


def cell_radii_m(deployment: Deployment, sites: Sequence[int] | None = None) -> FloatArray:
    """A radius around each site that contains its cell, clipped to the window. [S], m.

    With `sites`, numbers of some of them, only of these.
    """
    furthest = _furthest_m(deployment)
    wanted = range(len(furthest)) if sites is None else sites
    try:
        diagram = Voronoi(_with_images(deployment))
    except (QhullError, ValueError):  # fewer than three sites, or all on one line
        return furthest[list(wanted)]
    radii = []
    for site in wanted:
        reach = _reach_m(diagram, site, deployment.positions_m[site])
        radii.append(min(reach * (1 + 1e-9), furthest[site]))
    return np.array(radii)


def _reaches_in_window_m(deployment: Deployment, radii_m: FloatArray) -> FloatArray:
    """Distance of each site to the furthest place of its cell that lies in the window. [S], m.

    Cells at the border are open, or have corners far outside, so that `radii_m` [S] contain a
    hundred times their area. Mirrored at the sides of the window, the sites leave each cell as it
    is inside and end it there.
    """
    sites = deployment.positions_m
    x_min, y_min, x_max, y_max = deployment.window_m
    low = np.array([x_min, y_min])
    high = np.array([x_max, y_max])
    inside = (sites > low) & (sites < high)
    if deployment.torus or not inside.all():
        return radii_m
    mirrored = [sites]
    for side in (low, high):
        for axis in (0, 1):
            image = sites.copy()
            image[:, axis] = 2 * side[axis] - sites[:, axis]
            mirrored.append(image)
    try:
        diagram = Voronoi(np.vstack(mirrored))
    except (QhullError, ValueError):
        return radii_m
    reaches = [_reach_m(diagram, site, place) for site, place in enumerate(sites)]
    return np.minimum(radii_m, np.array(reaches) * (1 + 1e-6))


def _reach_m(diagram: Voronoi, site: int, place_m: FloatArray) -> float:
    """Distance of a site to the furthest corner of its cell."""
    corners = diagram.regions[diagram.point_region[site]]
    if not corners or -1 in corners:  # open to infinity
        return np.inf
    offset = diagram.vertices[corners] - place_m
    return float(np.sqrt((offset**2).sum(axis=1)).max())


def _furthest_m(deployment: Deployment) -> FloatArray:
    """Distance of each site to the furthest place of the window. [S]."""
    sites = deployment.positions_m
    x_min, y_min, x_max, y_max = deployment.window_m
    if deployment.torus:
        side = np.array([x_max - x_min, y_max - y_min])
        return np.full(len(sites), float(np.hypot(*side)) / 2)
    corners = np.array(
        [
            [x_min, y_min],
            [x_min, y_max],
            [x_max, y_min],
            [x_max, y_max],
        ]
    )
    offset = corners[None] - sites[:, None]
    return np.asarray(np.sqrt((offset**2).sum(axis=2)).max(axis=1))


def _with_images(deployment: Deployment) -> FloatArray:
    """The sites; on a torus followed by their images in the eight windows around."""
    sites = deployment.positions_m
    if not deployment.torus:
        return sites
    x_min, y_min, x_max, y_max = deployment.window_m
    side = np.array([x_max - x_min, y_max - y_min])
    images = []
    for column in (0, -1, 1):
        for row in (0, -1, 1):
            images.append(sites + side * np.array((column, row)))
    return np.vstack(images)
