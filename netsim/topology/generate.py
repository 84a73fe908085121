"""Generated site graphs for `netsim topology make`: Poisson, hexagonal, or along a line."""

from __future__ import annotations

import networkx as nx
import numpy as np

from netsim.errors import InputError
from netsim.topology.deployment import hexagonal_sites, poisson_sites
from netsim.topology.graph import site_graph
from netsim.units import FloatArray

KINDS = ("ppp", "hex", "line")
MAX_SITES = 1_000_000
LINE_SITES = 20


def generate_sites(
    kind: str,
    *,
    density_per_km2: float = 1.0,
    window_km: float = 10.0,
    seed: int = 1,
    sites: int | None = None,
    spacing_m: float = 1000.0,
) -> nx.Graph:
    """A graph of generated sites, without links.

    ppp: Poisson in a square window, with one site at its centre. hex: a grid in the window. `sites`
    keeps the so many most central. line: `sites` of them, `spacing_m` apart, along the x axis.
    Raises InputError.
    """
    _check_positive("density_per_km2", density_per_km2)
    _check_positive("window_km", window_km)
    _check_positive("spacing_m", spacing_m)
    if sites is not None and not 1 <= sites <= MAX_SITES:
        raise InputError(f"must lie in 1..{MAX_SITES}", where="topology make: sites", value=sites)
    if kind == "line":
        return _line(sites or LINE_SITES, spacing_m)
    positions_m = _in_window(kind, density_per_km2, window_km, seed)
    if sites is not None and sites > len(positions_m):
        raise InputError(
            f"the window holds {len(positions_m)} sites at this density",
            where="topology make: sites",
            value=sites,
        )
    by_distance = np.argsort((positions_m**2).sum(axis=1), kind="stable")
    kept = np.sort(by_distance[:sites])
    return site_graph(np.round(positions_m[kept], 3))


def _check_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise InputError("must be finite and positive", where=f"topology make: {name}", value=value)


def _line(count: int, spacing_m: float) -> nx.Graph:
    """Sites on the x axis around the origin."""
    x = (np.arange(count) - (count - 1) / 2) * spacing_m
    return site_graph(np.column_stack([x, np.zeros(count)]))


def _in_window(
    kind: str,
    density_per_km2: float,
    window_km: float,
    seed: int,
) -> FloatArray:
    """Positions of Poisson or hexagonal sites. [S, 2], m."""
    if kind not in KINDS:
        rule = f"must be one of {', '.join(KINDS)}"
        raise InputError(rule, where="topology make: kind", value=kind)
    expected = density_per_km2 * window_km**2
    if expected > MAX_SITES:
        rule = f"density_per_km2 x window_km^2 must be at most {MAX_SITES} sites"
        raise InputError(rule, where="topology make", value=expected)
    if kind == "hex":
        made = hexagonal_sites(density_per_km2=density_per_km2, window_km=window_km)
    else:
        made = poisson_sites(density_per_km2=density_per_km2, window_km=window_km, seed=seed)
    return made.positions_m
