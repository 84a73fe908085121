"""Generated site graphs for files: Poisson, hexagonal, or along a line, with what they were made
from.
"""

from __future__ import annotations

import networkx as nx
import numpy as np

from netsim.errors import InputError
from netsim.topology.deployment import hexagonal_sites, poisson_sites, site_graph

KINDS = ("ppp", "hex", "line")
MAX_SITES = 1_000_000


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
    positive = (
        ("density_per_km2", density_per_km2),
        ("window_km", window_km),
        ("spacing_m", spacing_m),
    )
    for name, value in positive:
        if not (np.isfinite(value) and value > 0):
            raise InputError(
                "must be finite and positive", where=f"topology make: {name}", value=value
            )
    if sites is not None and not 1 <= sites <= MAX_SITES:
        raise InputError(f"must lie in 1..{MAX_SITES}", where="topology make: sites", value=sites)
    if kind == "line":
        count = sites or 20
        x = (np.arange(count) - (count - 1) / 2) * spacing_m
        return site_graph(np.column_stack([x, np.zeros(count)]))
    if kind not in KINDS:
        raise InputError(
            f"must be one of {', '.join(KINDS)}", where="topology make: kind", value=kind
        )
    if density_per_km2 * window_km**2 > MAX_SITES:
        rule = f"density_per_km2 x window_km^2 must be at most {MAX_SITES} sites"
        raise InputError(rule, where="topology make", value=density_per_km2 * window_km**2)
    if kind == "hex":
        positions = hexagonal_sites(
            density_per_km2=density_per_km2, window_km=window_km
        ).positions_m
    else:
        positions = poisson_sites(
            density_per_km2=density_per_km2, window_km=window_km, seed=seed
        ).positions_m
    if sites is not None and sites > len(positions):
        raise InputError(
            f"the window holds {len(positions)} sites at this density",
            where="topology make: sites",
            value=sites,
        )
    order = np.argsort((positions**2).sum(axis=1), kind="stable")[:sites]
    return site_graph(np.round(positions[np.sort(order)], 3))
