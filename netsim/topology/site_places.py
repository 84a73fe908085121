"""Where sites are: attributes as people name them, in metres or in degrees, to `x_m` and `y_m`."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

from netsim.errors import DataError
from netsim.projection import central_origin
from netsim.topology.graph import graph_origin, keep_origin, site_positions_m
from netsim.traces.missing import check_missing, is_missing, no_fix
from netsim.traces.tables.roles import SourceColumn, recognise
from netsim.units import FARTHEST_M

LIMITS_DEG = {"lat": 90.0, "lon": 180.0}
SAME_PLACE_M = 1.0
"""Sectors of one mast are given the same place, or nearly."""
MOST_NEIGHBOURS = 100
"""Sectors of a mast, on the mean over all; with more, all sites lie in one place."""
REPEATED = "repeated name"
"""Attribute of a site that has the name of another, until it is merged with it."""
_METRES = {"x": "x_m", "y": "y_m"}
_DEGREES = {"lat": "lat", "lon": "lon"}

Columns = dict[str, SourceColumn]


def place_sites(
    graph: nx.Graph,
    path: Path,
    columns: Columns,
    notes: dict[str, int],
) -> nx.Graph:
    """The graph with every site in metres; degrees are projected where metres are missing.

    `columns` says which attributes are the places, else their names do. Sites without a place are
    left out and counted. Raises DataError.
    """
    if len(graph) == 0:
        raise DataError("has no sites", where=path)
    found = columns or place_columns(_attribute_names(graph))
    planar = {role: found[role] for role in _METRES if role in found}
    angular = {role: found[role] for role in _DEGREES if role in found}
    roles = _METRES if len(planar) == len(_METRES) or not angular else _DEGREES
    places = planar if roles is _METRES else angular
    _check_both(roles, places, path)
    _refuse_mixed(graph, found, roles, path)
    _leave_out_placeless(graph, places, path, notes)
    for node, data in graph.nodes(data=True):
        for role, key in roles.items():
            column = places[role]
            where = f"{path}, site {node}, {column.name}"
            value = _coordinate(data.pop(column.name), key, where)
            data[key] = value * column.factor if column.factor != 1 else value
    if roles is _DEGREES:
        _project(graph)
    elif not any(column.unit for column in places.values()):
        _refuse_degrees(graph, places, path)
    return graph


def _refuse_degrees(
    graph: nx.Graph,
    places: Columns,
    path: Path,
) -> None:
    """Raises DataError where x and y, whose unit nothing says, look like degrees."""
    positions = site_positions_m(graph)
    extent = np.ptp(positions, axis=0).max()
    in_range = (np.abs(positions) <= [180, 90]).all()
    if in_range and 0 < extent < SAME_PLACE_M:
        x, y = places["x"].name, places["y"].name
        rule = f"all sites lie within {SAME_PLACE_M:g} m: {x} and {y} look like degrees"
        raise DataError(f"{rule}; name them lon and lat, or x_m and y_m", where=path)


def place_columns(names: list[str]) -> Columns:
    """The attributes that are places, by role."""
    found = recognise(names).columns
    return {role: found[role] for role in (*_METRES, *_DEGREES) if role in found}


def _attribute_names(graph: nx.Graph) -> list[str]:
    """Names of the sites' attributes, in the order in which they occur."""
    names: dict[str, None] = {}
    for _, data in graph.nodes(data=True):
        names |= dict.fromkeys(str(key) for key in data)
    return list(names)


def _check_both(
    roles: dict[str, str],
    places: Columns,
    path: Path,
) -> None:
    missing = [key for role, key in roles.items() if role not in places]
    if missing:
        raise DataError(
            f"{' and '.join(missing)} is missing; sites have x_m and y_m, in metres, or lat and "
            "lon, in degrees; say --columns x=COLUMN,y=COLUMN",
            where=path,
        )


def _refuse_mixed(
    graph: nx.Graph,
    found: Columns,
    roles: dict[str, str],
    path: Path,
) -> None:
    """Raises DataError where some sites are placed in metres and others in degrees."""
    used = [column.name for role, column in found.items() if role in roles]
    others = [column.name for role, column in found.items() if role not in roles]
    for node, data in graph.nodes(data=True):
        if not set(used) & set(data) and set(others) & set(data):
            here, there = ("degrees", "metres") if roles is _METRES else ("metres", "degrees")
            rule = f"has its place in {here}, others in {there}"
            raise DataError(rule, where=f"{path}, site {node}")


def _leave_out_placeless(
    graph: nx.Graph,
    places: Columns,
    path: Path,
    notes: dict[str, int],
) -> None:
    placeless = []
    for node, data in graph.nodes(data=True):
        values = [data.get(column.name) for column in places.values()]
        if any(value is None or is_missing(str(value)) for value in values):
            placeless.append(node)
    if set(places) == set(_DEGREES):
        placeless += _without_fix(graph, places, set(placeless))
    if placeless:
        check_missing(
            path,
            "a place",
            len(placeless),
            rows=len(graph),
        )
        graph.remove_nodes_from(placeless)
        notes["sites without a place, left out"] = len(placeless)


def _without_fix(
    graph: nx.Graph,
    places: Columns,
    placeless: set[Any],
) -> list[Any]:
    """Sites at (0, 0) degrees, far from all others."""
    names = [name for name in graph if name not in placeless]
    fixes = np.full((len(names), 2), np.nan)
    for row, name in enumerate(names):
        data = graph.nodes[name]
        with suppress(TypeError, ValueError, OverflowError):  # they are refused further on
            fixes[row] = [float(data[places[role].name]) for role in _DEGREES]
    known = np.isfinite(fixes).all(axis=1)
    none = no_fix(*fixes[known].T)
    return [names[row] for row in np.flatnonzero(known)[none]]


def _coordinate(
    value: Any,
    key: str,
    where: str,
) -> float:
    """A finite coordinate, of degrees in range."""
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    limit = LIMITS_DEG.get(key, FARTHEST_M)
    if not abs(number) <= limit:
        rule = f"must be metres in -{limit:g}..{limit:g}"
        if key in LIMITS_DEG:
            rule = f"must be degrees in -{limit:g}..{limit:g}"
        raise DataError(rule, where=where, value=value)
    return number


def _project(graph: nx.Graph) -> None:
    """Give every site `x_m` and `y_m` from its degrees; the graph keeps the origin."""
    sites = [data for _, data in graph.nodes(data=True)]
    lat = np.array([data["lat"] for data in sites])
    lon = np.array([data["lon"] for data in sites])
    origin = graph_origin(graph) or central_origin(lat, lon)
    for data, (x, y) in zip(
        sites,
        origin.to_metres(lat, lon),
        strict=True,
    ):
        data["x_m"] = float(x)
        data["y_m"] = float(y)
    keep_origin(graph, origin)


def merge_collocated(
    graph: nx.Graph,
    path: Path,
    notes: dict[str, int],
) -> nx.Graph:
    """The graph with one site for all sectors at a place, the first; `sectors` is their number.

    Sites with links are left as they are. Raises DataError if sites at two places have one name.
    """
    merged = _merged(graph, path, notes)
    for name, data in merged.nodes(data=True):
        if REPEATED in data:
            where = f"{path}, site {name}"
            raise DataError("site names must differ", where=where, value=data[REPEATED])
    return merged


def _merged(
    graph: nx.Graph,
    path: Path,
    notes: dict[str, int],
) -> nx.Graph:
    if graph.number_of_edges() or len(graph) == 1:
        return graph
    tree = cKDTree(site_positions_m(graph))
    if tree.count_neighbors(tree, SAME_PLACE_M) > MOST_NEIGHBOURS * len(graph):
        rule = f"sites lie within {SAME_PLACE_M:g} m of more than {MOST_NEIGHBOURS} others each"
        raise DataError(rule, where=path, value=f"{len(graph)} sites")
    twins = {site: [site] for site in range(len(graph))}  # sites at the place of each
    for a, b in sorted(tree.query_pairs(SAME_PLACE_M)):
        twins[b].append(a)
        twins[a].append(b)
    names = list(graph)
    merged = [names[site] for site, near in twins.items() if min(near) < site]
    if not merged:
        return graph
    for site, near in twins.items():
        if min(near) == site:
            graph.nodes[names[site]]["sectors"] = len(near)
    graph.remove_nodes_from(merged)
    notes["sectors at the place of another, merged into one site"] = len(merged)
    return graph
