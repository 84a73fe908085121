"""GeoJSON (RFC 7946): sites are Points, backhaul links LineStrings with `source` and `target`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import networkx as nx

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.units import FloatArray

ORIGIN = "origin"
"""Foreign member (RFC 7946 section 6.1) with the place of the local coordinates' (0, 0)."""
_PLACE_KEYS = ("x_m", "y_m", "lat", "lon")
_NAME_KEYS = ("site", "id", "name")

Properties = dict[str, Any]


def is_geojson(data: Any) -> bool:
    """Whether parsed JSON is a FeatureCollection."""
    return isinstance(data, dict) and data.get("type") == "FeatureCollection"


def graph_of_features(
    data: dict[str, Any],
    path: Path,
    notes: dict[str, int],
) -> nx.Graph:
    """Nodes with lat, lon and the points' properties; edges with the lines' properties.

    A site's name is its feature's `id`, or its property `site`, `id` or `name`, or its number.
    Features that are neither points nor links are counted in `notes`. Raises DataError.
    """
    features = data.get("features")
    if not isinstance(features, list):
        raise DataError("a FeatureCollection has a list `features`", where=path)
    graph = nx.Graph()
    origin = data.get(ORIGIN)
    if isinstance(origin, dict):
        graph.graph["origin_lat"] = origin.get("lat")
        graph.graph["origin_lon"] = origin.get("lon")
    links: list[tuple[str, Properties]] = []
    passed: Counter[str] = Counter()
    for number, feature in enumerate(features):
        where = f"{path}, feature {number}"
        geometry, properties = _parts(feature, where)
        kind = geometry.get("type")
        if kind == "Point":
            name = _site_name(feature, properties, number)
            _add_site(graph, name, geometry, properties, where)
        elif kind == "LineString" and {"source", "target"} & set(properties):
            links.append((where, properties))
        else:
            passed[str(kind)] += 1
    for where, properties in links:
        _add_link(graph, properties, where)
    for kind, count in passed.items():
        notes[f"features that are no sites or links ({kind}), passed over"] = count
    return graph


def _parts(feature: Any, where: str) -> tuple[dict[str, Any], Properties]:
    """Geometry and properties of a feature, empty where it has none."""
    if not isinstance(feature, dict):
        return {}, {}
    geometry = feature.get("geometry")
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise DataError("properties must be an object", where=where, value=properties)
    return (geometry if isinstance(geometry, dict) else {}), properties


def _site_name(
    feature: dict[str, Any],
    properties: Properties,
    number: int,
) -> str | int:
    named = [properties.get(key) for key in _NAME_KEYS]
    for candidate in (feature.get("id"), *named):
        if isinstance(candidate, str | int):
            return candidate
    return number


def _add_site(
    graph: nx.Graph,
    name: str | int,
    geometry: dict[str, Any],
    properties: Properties,
    where: str,
) -> None:
    if name in graph:
        raise DataError("site names must differ", where=where, value=name)
    place = geometry.get("coordinates")
    if not place:  # RFC 7946, section 3.1: an empty array may stand for null
        place = [None, None]
    if not isinstance(place, list) or len(place) < 2:
        rule = "a Point has coordinates [longitude, latitude]"
        raise DataError(rule, where=where, value=place)
    lon, lat = place[:2]
    graph.add_node(name, **_scalars(properties) | {"lat": lat, "lon": lon})


def _add_link(
    graph: nx.Graph,
    properties: Properties,
    where: str,
) -> None:
    ends = [properties.get("source"), properties.get("target")]
    for end in ends:
        if isinstance(end, list | dict) or end not in graph:
            rule = "source and target of a link must name sites"
            raise DataError(rule, where=where, value=end)
    attributes = _scalars(properties)
    attributes.pop("source", None)
    attributes.pop("target", None)
    graph.add_edge(*ends, **attributes)


def _scalars(properties: Properties) -> Properties:
    """Properties that a table or GraphML can hold."""
    kept = {}
    for name, value in properties.items():
        if isinstance(value, str | int | float | bool):
            kept[str(name)] = value
    return kept


def features_of_graph(
    graph: nx.Graph,
    positions_m: FloatArray,
    origin: Origin,
) -> dict[str, Any]:
    """The FeatureCollection of sites at `positions_m` [S, 2] and of the links between them."""
    place = {}
    for name, (lat, lon) in zip(
        graph,
        origin.to_degrees(positions_m).tolist(),
        strict=True,
    ):
        place[name] = [round(lon, 9), round(lat, 9)]
    features = []
    for name, data in graph.nodes(data=True):
        properties = {key: value for key, value in data.items() if key not in _PLACE_KEYS}
        point = {"type": "Point", "coordinates": place[name]}
        features.append(
            {"type": "Feature", "id": name, "geometry": point, "properties": properties}
        )
    for a, b, data in graph.edges(data=True):
        line = {"type": "LineString", "coordinates": [place[a], place[b]]}
        properties = {"source": a, "target": b, **data}
        features.append({"type": "Feature", "geometry": line, "properties": properties})
    return {
        "type": "FeatureCollection",
        ORIGIN: {"lat": origin.lat, "lon": origin.lon},
        "features": features,
    }
