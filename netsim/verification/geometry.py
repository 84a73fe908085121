"""Where gNBs and UEs are: Poisson counts, nearest-gNB distance, Voronoi cells, interferers around a
gNB.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from netsim import rng
from netsim.radio.coverage import interferer_constant, mean_interference_w
from netsim.topology.association import nearest_site
from netsim.topology.deployment import poisson_sites
from netsim.units import FloatArray
from netsim.verification.law import Effort, Law, mean, ratio
from netsim.verification.networks import networks

WINDOW_KM = 10
EXPONENT = 3.8

_RINGS = ((0.20, 0.25), (0.40, 0.45), (0.60, 0.65))  # times phi^-1/2, those of model-spec 1.1
_NEAREST = (0.25, 0.50, 1.00)
_TAIL_FROM = (0.30, 1.00)


def poisson_counts(effort: Effort) -> Sequence[Law]:
    """Sites of `poisson_sites` at 1 per km² in the unit squares of its window, its central site
    left out.
    """
    counts, totals = _counts(effort)
    family = "Poisson counts"
    rows = []
    for number, expected in ((0, np.exp(-1.0)), (1, np.exp(-1.0)), (2, np.exp(-1.0) / 2)):
        value, error = mean((counts == number).mean(axis=1))
        case = f"P({number} sites in 1 km²)"
        rows.append(
            Law(
                family,
                case,
                "unit squares",
                float(value),
                float(error),
                float(expected),
            )
        )
    area = float(WINDOW_KM**2)
    value, error = mean(totals / area)
    rows.append(
        Law(
            family,
            "mean per km²",
            "windows",
            float(value),
            float(error),
            1.0,
            probability=False,
        )
    )
    value, error = mean((totals - area) ** 2 / area)
    rows.append(
        Law(
            family,
            "variance over mean",
            "windows",
            float(value),
            float(error),
            1.0,
            probability=False,
        )
    )
    return rows


def nearest_gnb(effort: Effort) -> Sequence[Law]:
    """P(d > r) = exp(-pi phi r²), by `nearest_site` for UEs at random in the middle of a window."""
    farther = []
    for index in range(2 * effort.networks):
        sites = _sites(effort, index)
        if not len(sites):  # a window without sites is as far as can be
            farther.append(np.ones(len(_NEAREST)))
            continue
        generator = rng.stream(effort.seed, "verify_nearest", index)
        ues = generator.uniform(-4000.0, 4000.0, size=(128, 2))  # 1 km from the edge
        distance = np.hypot(*(ues - sites[nearest_site(ues, sites)]).T)
        farther.append((distance[:, None] > np.array(_NEAREST) * 1e3).mean(axis=0))
    value, error = mean(np.array(farther))
    return [
        Law(
            "nearest gNB",
            f"P(d sqrt(phi) > {u:.2f})",
            "typical user",
            float(value[i]),
            float(error[i]),
            float(np.exp(-np.pi * u**2)),
        )
        for i, u in enumerate(_NEAREST)
    ]


def voronoi_cells(effort: Effort) -> Sequence[Law]:
    """Typical cell: moments (Gilbert 1962, Meijering 1953) and the gamma fit of Ferenc and Neda
    2007.

    E[A²] phi² = 1.280176, E[perimeter] sqrt(phi) = 4; A phi is nearly gamma of shape and rate 7/2.
    """
    found = _networks(effort)
    cells = found["cells"]
    rows = []
    for case, column, closed, allowed, probability in (
        ("E[A²] phi²", "area2", 1.280176, 0.0, False),
        ("E[perimeter] sqrt(phi)", "perimeter", 4.0, 0.0, False),
        ("P(A phi < 1/2), gamma fit", "small", 0.166870, 0.01, True),
    ):
        value, error = ratio(found[column], cells)
        rows.append(
            Law(
                "Voronoi cell",
                case,
                "typical cell",
                float(value),
                float(error),
                closed,
                allowed=allowed,
                probability=probability,
            )
        )
    return rows


def pair_correlation(effort: Effort) -> Sequence[Law]:
    """Density of the other cells' active UEs at distance r of a gNB, over phi.

    The law 1 - exp(-12/5 pi phi r²) is the usual approximation; model-spec 1.1 found it off by up
    to 0.06.
    """
    found = _networks(effort)
    constant = float(interferer_constant(0.0, "constant"))
    rows = []
    for index, (low, high) in enumerate(_RINGS):
        area = np.pi * (high**2 - low**2)
        value, error = ratio(found["ring"][:, index], found["cells"][: len(found["ring"])] * area)
        x = np.pi * (
            low**2 + (high**2 - low**2) * (np.arange(200) + 0.5) / 200
        )  # pi phi r², even in area
        closed = float((-np.expm1(-constant * x)).mean())
        case = f"g at r sqrt(phi) = {low:.2f}..{high:.2f}"
        rows.append(
            Law(
                "interferer pair correlation",
                case,
                "typical gNB",
                float(value),
                float(error),
                closed,
                0.06,
                probability=False,
            )
        )
    return rows


def mean_interference(effort: Effort) -> Sequence[Law]:
    """Mean interference from beyond r0, in parts of 2 pi phi P r0^(2 - alpha) / (alpha - 2), at
    alpha 3.8.

    The thinning law takes away one part in c of a UE and gives nothing back. There is one UE per
    other cell
    all the same, so those kept away gather just beyond: the tail is 3% above the law.
    """
    found = _networks(effort)
    rows = []
    for index, start in enumerate(_TAIL_FROM):
        unthinned = 2 * np.pi * start ** (2 - EXPONENT) / (EXPONENT - 2)
        value, error = ratio(
            found["tail"][:, index], found["cells"][: len(found["tail"])] * unthinned
        )
        closed = mean_interference_w(
            0.0,
            density_per_m2=1.0,
            interferer_power_w=1.0,
            pathloss_exponent=EXPONENT,
            law="constant",
            min_distance_m=start,
        )
        rows.append(
            Law(
                "mean interference",
                f"from beyond r sqrt(phi) = {start:.2f}",
                "typical gNB",
                float(value),
                float(error),
                float(closed) / unthinned,
                allowed=0.03,
                probability=False,
            )
        )
    return rows


@lru_cache(maxsize=10_000)
def _sites(effort: Effort, index: int) -> FloatArray:
    """Sites of a Poisson deployment at 1 per km² without the one put at the centre, m. Shape [S,
    2].
    """
    seed = effort.seed * 1_000_003 + index
    return poisson_sites(density_per_km2=1.0, window_km=WINDOW_KM, seed=seed).positions_m[1:]


@lru_cache(maxsize=2)
def _counts(effort: Effort) -> tuple[FloatArray, FloatArray]:
    """Sites in each unit square [deployment, square] and in the window [deployment]."""
    squares = []
    edges = np.arange(WINDOW_KM + 1) - WINDOW_KM / 2
    for index in range(2 * effort.networks):
        x, y = _sites(effort, index).T / 1e3
        squares.append(np.histogram2d(x, y, bins=(edges, edges))[0].ravel())
    counts = np.array(squares)
    return counts, counts.sum(axis=1)


@lru_cache(maxsize=2)
def _networks(effort: Effort) -> dict[str, FloatArray]:
    """Sums over the gNBs of each network, lengths in units of phi^-1/2. Shapes [network, ...].

    Distances between all gNBs and UEs cost most: `ring` and `tail` are those of the first half.
    """
    sums: dict[str, list[FloatArray]] = {
        key: [] for key in ("cells", "area2", "perimeter", "small", "ring", "tail")
    }
    edges = np.array(_RINGS).ravel()
    for index, network in enumerate(networks(effort)):
        count = len(network.sites_m)
        spacing = network.spacing_m
        area = network.areas_m2 / spacing**2
        row = {
            "cells": count,
            "area2": (area**2).sum(),
            "perimeter": network.perimeters_m.sum() / spacing,
            "small": (area < 0.5).sum(),
        }
        if index < effort.networks // 2:
            distance = (
                network.distances_m(network.sites_m, network.ue_per_cell_m("geometry_ues"))
                / spacing
            )
            np.fill_diagonal(distance, np.inf)
            within = np.array([(distance < edge).sum() for edge in edges])
            near = np.where(distance > min(_TAIL_FROM), distance, np.inf) ** -EXPONENT
            far = count * network.far_field(EXPONENT) * spacing**EXPONENT
            row["ring"] = within[1::2] - within[::2]
            row["tail"] = [near[distance > start].sum() + far for start in _TAIL_FROM]
        for key, value in row.items():
            sums[key].append(np.asarray(value, dtype=np.float64))
    return {key: np.array(values) for key, values in sums.items()}
