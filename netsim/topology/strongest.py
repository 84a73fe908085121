"""UEs and places where a site is the strongest: cells of association = strongest.

Such a cell may have holes and islands, so candidates are drawn in the whole window.
"""

from __future__ import annotations

import numpy as np

from netsim import rng
from netsim.errors import ScenarioError
from netsim.topology.association import places_in_cells
from netsim.topology.landscape import Landscape
from netsim.units import FloatArray, IntArray

_BATCH = 2048  # candidates at a time; fixed, as draws may not depend on how many are wanted
_BATCHES_WITHOUT_HIT = 16
_BATCHES_OF_PLACES = 8


def drop_where_strongest(landscape: Landscape, count: int, seed: int) -> FloatArray:
    """`count` UEs uniformly where the learning site is the strongest, in the window. [K, 2], m.

    Adding UEs leaves the earlier ones where they are. Raises ScenarioError if it is so nowhere.
    """
    site = landscape.deployment.learning_site
    generator = rng.stream(seed, "ue_position_strongest")
    kept: list[FloatArray] = []
    missing, batches = count, 0
    while missing > 0:
        points, serving = _candidates(landscape, generator)
        found = points[serving == site][:missing]
        kept.append(found)
        missing -= len(found)
        batches += 1
        if batches >= _BATCHES_WITHOUT_HIT and missing == count:
            rule = f"site {site} is nowhere the strongest"
            raise ScenarioError(rule, where="scenario: topology.association", value="strongest")
    return np.vstack(kept) if kept else np.empty((0, 2))


def places_where_strongest(landscape: Landscape, per_cell: int, seed: int) -> FloatArray:
    """`per_cell` places where each site is the strongest. [S, M, 2], m.

    Of a cell that is seldom hit places recur; one that is never hit has those that are nearest to
    its site.
    """
    places_m = places_in_cells(landscape.deployment, per_cell, seed)
    generator = rng.stream(seed, "cell_place_strongest")
    drawn = [_candidates(landscape, generator) for _ in range(_BATCHES_OF_PLACES)]
    points = np.vstack([found for found, _ in drawn])
    serving = np.concatenate([site for _, site in drawn])
    for site in range(len(places_m)):
        mine = points[serving == site]
        if len(mine):
            places_m[site] = mine[np.arange(per_cell) % len(mine)]
    return places_m


def _candidates(
    landscape: Landscape, generator: np.random.Generator
) -> tuple[FloatArray, IntArray]:
    """A batch of uniform points in the window, and their strongest sites."""
    x_min, y_min, x_max, y_max = landscape.deployment.window_m
    low, high = np.array([x_min, y_min]), np.array([x_max, y_max])
    points = low + generator.random((_BATCH, 2)) * (high - low)
    return points, landscape.serving(points)
