"""Where gNBs and UEs are: Poisson counts, nearest gNB, Voronoi cells, interferers around a gNB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from netsim import rng
from netsim.radio.coverage import interferer_constant, mean_interference_w
from netsim.topology.association import nearest_site
from netsim.topology.deployment import poisson_sites
from netsim.units import FloatArray
from netsim.verification.law import Effort, Law, mean, ratio
from netsim.verification.networks import Network, networks

WINDOW_KM = 10
EXPONENT = 3.8

_RINGS = ((0.20, 0.25), (0.40, 0.45), (0.60, 0.65))  # times phi^-1/2
_NEAREST = (0.25, 0.50, 1.00)
_TAIL_FROM = (0.30, 1.00)


def poisson_counts(effort: Effort) -> Sequence[Law]:
    """Sites of `poisson_sites` at 1 per km² in the unit squares of its window.

    The site that it puts at the centre is left out.
    """
    counts, totals = _counts(effort)
    area = float(WINDOW_KM**2)
    squares = [
        _count_law(counts, 0, np.exp(-1.0)),
        _count_law(counts, 1, np.exp(-1.0)),
        _count_law(counts, 2, np.exp(-1.0) / 2),
    ]
    return [
        *squares,
        _window_law("mean per km²", totals / area),
        _window_law("variance over mean", (totals - area) ** 2 / area),
    ]


def _count_law(
    counts: FloatArray,
    number: int,
    expected: float,
) -> Law:
    """How many unit squares hold `number` sites."""
    hits = counts == number
    value, error = mean(hits.mean(axis=1))
    return Law(
        family="Poisson counts",
        case=f"P({number} sites in 1 km²)",
        estimator="unit squares",
        estimate=float(value),
        standard_error=float(error),
        closed_form=float(expected),
    )


def _window_law(case: str, samples: FloatArray) -> Law:
    """A quantity of whole windows whose mean is 1."""
    value, error = mean(samples)
    return Law(
        family="Poisson counts",
        case=case,
        estimator="windows",
        estimate=float(value),
        standard_error=float(error),
        closed_form=1.0,
        probability=False,
    )


def nearest_gnb(effort: Effort) -> Sequence[Law]:
    """P(d > r) = exp(-pi phi r²), by `nearest_site` for UEs at random in the middle of a window."""
    farther = [_farther(effort, index) for index in range(2 * effort.networks)]
    value, error = mean(np.array(farther))
    return [
        Law(
            family="nearest gNB",
            case=f"P(d sqrt(phi) > {u:.2f})",
            estimator="typical user",
            estimate=float(value[index]),
            standard_error=float(error[index]),
            closed_form=float(np.exp(-np.pi * u**2)),
        )
        for index, u in enumerate(_NEAREST)
    ]


def _farther(effort: Effort, index: int) -> FloatArray:
    """Share of a window's UEs whose nearest site is beyond each distance. [distance]."""
    sites = _sites(effort, index)
    if not len(sites):  # a window without sites is as far as can be
        return np.ones(len(_NEAREST))
    generator = rng.stream(effort.seed, "verify_nearest", index)
    ues = generator.uniform(-4000.0, 4000.0, size=(128, 2))  # 1 km from the edge
    x, y = (ues - sites[nearest_site(ues, sites)]).T
    distance_m = np.hypot(x, y)
    beyond = distance_m[:, None] > np.array(_NEAREST) * 1e3
    return np.asarray(beyond.mean(axis=0))


def voronoi_cells(effort: Effort) -> Sequence[Law]:
    """Typical cell: moments (Gilbert 1962, Meijering 1953), gamma fit (Ferenc and Neda 2007).

    E[A²] phi² = 1.280176, E[perimeter] sqrt(phi) = 4; A phi is nearly gamma of shape and rate 7/2.
    """
    found = _networks(effort)

    def law(
        case: str,
        column: str,
        closed: float,
    ) -> Law:
        value, error = ratio(found[column], found["cells"])
        return Law(
            family="Voronoi cell",
            case=case,
            estimator="typical cell",
            estimate=float(value),
            standard_error=float(error),
            closed_form=closed,
            probability=False,
        )

    small = law("P(A phi < 1/2), gamma fit", "small", 0.166870)
    return [
        law("E[A²] phi²", "area2", 1.280176),
        law("E[perimeter] sqrt(phi)", "perimeter", 4.0),
        replace(small, allowed=0.01, probability=True),
    ]


def pair_correlation(effort: Effort) -> Sequence[Law]:
    """Density of the other cells' active UEs at distance r of a gNB, over phi.

    The law 1 - exp(-12/5 pi phi r²) is the usual approximation, off by up to 0.06.
    """
    found = _networks(effort)
    cells = found["cells"][: len(found["ring"])]
    rows = []
    for index, (low, high) in enumerate(_RINGS):
        area = np.pi * (high**2 - low**2)
        value, error = ratio(found["ring"][:, index], cells * area)
        rows.append(
            Law(
                family="interferer pair correlation",
                case=f"g at r sqrt(phi) = {low:.2f}..{high:.2f}",
                estimator="typical gNB",
                estimate=float(value),
                standard_error=float(error),
                closed_form=_mean_thinning(low, high),
                allowed=0.06,
                probability=False,
            )
        )
    return rows


def _mean_thinning(low: float, high: float) -> float:
    """Mean of 1 - exp(-12/5 pi phi r²) over the ring between two radii."""
    constant = float(interferer_constant(0.0, "constant"))
    part = (np.arange(200) + 0.5) / 200
    x = np.pi * (low**2 + (high**2 - low**2) * part)  # pi phi r², even in area
    return float((-np.expm1(-constant * x)).mean())


def mean_interference(effort: Effort) -> Sequence[Law]:
    """Mean interference from beyond r0, over 2 pi phi P r0^(2 - alpha) / (alpha - 2), alpha 3.8.

    The thinning law takes away one part in c of a UE and gives nothing back. In fact there is one
    UE in every other cell, so those kept away gather just beyond, and the tail is 3% above the law.
    """
    found = _networks(effort)
    cells = found["cells"][: len(found["tail"])]
    rows = []
    for index, start in enumerate(_TAIL_FROM):
        unthinned = 2 * np.pi * start ** (2 - EXPONENT) / (EXPONENT - 2)
        value, error = ratio(found["tail"][:, index], cells * unthinned)
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
                family="mean interference",
                case=f"from beyond r sqrt(phi) = {start:.2f}",
                estimator="typical gNB",
                estimate=float(value),
                standard_error=float(error),
                closed_form=float(closed) / unthinned,
                allowed=0.03,
                probability=False,
            )
        )
    return rows


@lru_cache(maxsize=10_000)
def _sites(effort: Effort, index: int) -> FloatArray:
    """Sites of a Poisson deployment at 1 per km², m, without the one put at the centre. [S, 2]."""
    deployment = poisson_sites(
        density_per_km2=1.0,
        window_km=WINDOW_KM,
        seed=effort.seed * 1_000_003 + index,
    )
    return deployment.positions_m[1:]


@lru_cache(maxsize=2)
def _counts(effort: Effort) -> tuple[FloatArray, FloatArray]:
    """Sites in each unit square [deployment, square] and in the window [deployment]."""
    edges = np.arange(WINDOW_KM + 1) - WINDOW_KM / 2
    squares = []
    for index in range(2 * effort.networks):
        x, y = _sites(effort, index).T / 1e3
        histogram, _, _ = np.histogram2d(x, y, bins=(edges, edges))
        squares.append(histogram.ravel())
    counts = np.array(squares)
    return counts, counts.sum(axis=1)


@lru_cache(maxsize=2)
def _networks(effort: Effort) -> dict[str, FloatArray]:
    """Sums over the gNBs of each network, lengths in units of phi^-1/2. Shapes [network, ...].

    Distances between all gNBs and UEs cost most: `ring` and `tail` are those of the first half.
    """
    drawn = networks(effort)
    near = [_around_gnbs(network) for network in drawn[: effort.networks // 2]]
    areas = [network.areas_m2 / network.spacing_m**2 for network in drawn]
    perimeters = [network.perimeters_m.sum() / network.spacing_m for network in drawn]
    return {
        "cells": np.array([len(network.sites_m) for network in drawn], dtype=np.float64),
        "area2": np.array([(area**2).sum() for area in areas]),
        "perimeter": np.array(perimeters),
        "small": np.array([(area < 0.5).sum() for area in areas], dtype=np.float64),
        "ring": np.array([ring for ring, _ in near], dtype=np.float64),
        "tail": np.array([tail for _, tail in near]),
    }


def _around_gnbs(network: Network) -> tuple[list[int], list[float]]:
    """UEs of other cells in each ring around a gNB, and r^-alpha beyond each radius, summed."""
    ues_m = network.ue_per_cell_m("geometry_ues")
    distance = network.distances_m(network.sites_m, ues_m) / network.spacing_m
    np.fill_diagonal(distance, np.inf)
    rings = []
    for low, high in _RINGS:
        within = int((distance < high).sum())
        rings.append(within - int((distance < low).sum()))
    near = np.where(distance > min(_TAIL_FROM), distance, np.inf) ** -EXPONENT
    far = len(network.sites_m) * network.far_field(EXPONENT) * network.spacing_m**EXPONENT
    tails = [float(near[distance > start].sum() + far) for start in _TAIL_FROM]
    return rings, tails
