"""The backhaul: links between sites, and the fastest path from each site to the core node.

Links are edges of the site graph with `rate_bps` and `delay_s`. A transfer is stored and forwarded:
each link takes payload / rate + delay. The core node, where the updates are merged, is one of the
sites.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from netsim.errors import DataError
from netsim.topology.graph import central_site, core_sites, site_positions_m
from netsim.units import FloatArray


@dataclass(frozen=True)
class BackhaulPaths:
    """Links of S sites in the graph's order, all of them reachable from the core."""

    graph: nx.Graph
    core: int  # index of the core site

    def delay_s(self, payload_bits: float) -> FloatArray:
        """Time of a payload from each site to the core, or back: links are symmetric. Shape [S]."""
        lengths = nx.single_source_dijkstra_path_length(
            self.graph,
            self._names[self.core],
            weight=_transfer_time(payload_bits),
        )
        return np.array([lengths[name] for name in self.graph])

    def path(self, site: int, payload_bits: float) -> list[int]:
        """Indices of the sites from `site` to the core along the fastest path, both included."""
        names = nx.dijkstra_path(
            self.graph,
            source=self._names[site],
            target=self._names[self.core],
            weight=_transfer_time(payload_bits),
        )
        index = {name: number for number, name in enumerate(self.graph)}
        return [index[name] for name in names]

    @property
    def _names(self) -> list[Any]:
        return list(self.graph)


def backhaul_paths(
    graph: nx.Graph, *, core: int | None = None, where: str = "backhaul"
) -> BackhaulPaths:
    """The paths that the graph's links make.

    The core is the site index `core`, else the site with attribute `core` true, else the one
    nearest to the centre. Raises DataError for links without a positive rate or with a negative
    delay, a wrong core, and sites that no path joins to it.
    """
    core = _core(graph, core, where)
    links = _checked_links(graph, where)
    names = list(graph)
    reached = nx.node_connected_component(links, names[core])
    lost = [name for name in names if name not in reached]
    if lost:
        raise DataError(
            f"disconnected: {len(lost)} of {len(names)} sites have no path to the core "
            f"{names[core]!r}, the first is {lost[0]!r}",
            where=where,
        )
    return BackhaulPaths(links, core)


def _core(
    graph: nx.Graph,
    chosen: int | None,
    where: str,
) -> int:
    """Index of the core site."""
    if chosen is None:
        marked = core_sites(graph)
        if len(marked) > 1:
            names = list(graph)
            rule = "at most one site may be the core"
            raise DataError(
                rule,
                where=where,
                value=[names[index] for index in marked],
            )
        return marked[0] if marked else central_site(site_positions_m(graph))
    check_core(chosen, len(graph), where)
    return chosen


def check_core(
    core: int,
    sites: int,
    where: str,
) -> None:
    """Raises DataError if `core` is no index of a site."""
    if not 0 <= core < sites:
        raise DataError(f"core must name one of the {sites} sites", where=where, value=core)


def _checked_links(graph: nx.Graph, where: str) -> nx.Graph:
    """The sites with their links, but for links from a site to itself."""
    checked = nx.Graph()
    checked.add_nodes_from(graph)
    for a, b, data in graph.edges(data=True):
        if a == b:
            continue
        place = f"{where}, link {a} - {b}"
        rate_bps = _number(data, "rate_bps", place)
        if rate_bps == 0:
            rule = "must be a positive finite number"
            raise DataError(
                rule,
                where=f"{place}: rate_bps",
                value=data["rate_bps"],
            )
        checked.add_edge(
            a,
            b,
            rate_bps=rate_bps,
            delay_s=_number(data, "delay_s", place),
        )
    return checked


def _number(
    data: dict[str, Any],
    key: str,
    where: str,
) -> float:
    """A finite number of a link that is not negative."""
    try:
        value = float(data.get(key))  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or value < 0:
        rule = "must be a finite number, at least 0"
        if key == "rate_bps":
            rule = "must be a positive finite number"
        raise DataError(
            rule,
            where=f"{where}: {key}",
            value=data.get(key),
        )
    return value


def _transfer_time(payload_bits: float) -> Callable[[Any, Any, dict[str, float]], float]:
    """Time of a payload over one link, s, as networkx asks for weights."""

    def seconds(
        _a: Any,
        _b: Any,
        link: dict[str, float],
    ) -> float:
        return payload_bits / link["rate_bps"] + link["delay_s"]

    return seconds
