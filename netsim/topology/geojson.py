"""GeoJSON (RFC 7946): sites are Points, backhaul links LineStrings with `source` and `target`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx as nx

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.units import FloatArray

ORIGIN = "origin"
"""Foreign member (RFC 7946 section 6.1) with the place of the local coordinates' (0, 0)."""


def is_geojson(data: Any) -> bool:
    """Whether parsed JSON is a FeatureCollection."""
    return isinstance(data, dict) and data.get("type") == "FeatureCollection"


def graph_of_features(data: dict[str, Any], path: Path) -> nx.Graph:
    """Nodes with lat, lon and the points' properties; edges with the lines' properties.

    A site's name is its feature's `id`, or its property `site`, `id` or `name`, or its number.
    """
    features = data.get("features")
    if not isinstance(features, list):
        raise DataError("a FeatureCollection has a list `features`", where=path)
    graph = nx.Graph()
    origin = data.get(ORIGIN)
    if isinstance(origin, dict):
        graph.graph.update({"origin_lat": origin.get("lat"), "origin_lon": origin.get("lon")})
    links = []
    for number, feature in enumerate(features):
        where = f"{path}, feature {number}"
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        properties = (feature.get("properties") or {}) if isinstance(feature, dict) else {}
        if not isinstance(properties, dict):
            raise DataError("properties must be an object", where=where, value=properties)
        if kind == "Point":
            assert isinstance(geometry, dict)
            name = _name(feature, properties, number)
            if name in graph:
                raise DataError("site names must differ", where=where, value=name)
            place = geometry.get("coordinates")
            if not isinstance(place, list) or len(place) < 2:
                raise DataError(
                    "a Point has coordinates [longitude, latitude]", where=where, value=place
                )
            graph.add_node(name, **_scalars(properties) | {"lat": place[1], "lon": place[0]})
        elif kind == "LineString":
            links.append((where, properties))
        else:
            raise DataError(
                "must be a Point (site) or a LineString (link)", where=where, value=kind
            )
    for where, properties in links:
        ends = [properties.get("source"), properties.get("target")]
        for end in ends:
            if isinstance(end, list | dict) or end not in graph:
                raise DataError(
                    "source and target of a link must name sites", where=where, value=end
                )
        attributes = {
            k: v for k, v in _scalars(properties).items() if k not in ("source", "target")
        }
        graph.add_edge(*ends, **attributes)
    return graph


def features_of_graph(graph: nx.Graph, positions_m: FloatArray, origin: Origin) -> dict[str, Any]:
    """The FeatureCollection of sites at `positions_m` [S, 2] and of the links between them."""
    degrees = [
        [round(lon, 9), round(lat, 9)] for lat, lon in origin.to_degrees(positions_m).tolist()
    ]
    place = dict(zip(graph, degrees, strict=True))
    features: list[dict[str, Any]] = []
    for name, data in graph.nodes(data=True):
        properties = {k: v for k, v in data.items() if k not in ("x_m", "y_m", "lat", "lon")}
        features.append(
            {
                "type": "Feature",
                "id": name,
                "geometry": {"type": "Point", "coordinates": place[name]},
                "properties": properties,
            }
        )
    for a, b, data in graph.edges(data=True):
        line = {"type": "LineString", "coordinates": [place[a], place[b]]}
        features.append(
            {"type": "Feature", "geometry": line, "properties": {"source": a, "target": b, **data}}
        )
    return {
        "type": "FeatureCollection",
        ORIGIN: {"lat": origin.lat, "lon": origin.lon},
        "features": features,
    }


def _name(feature: dict[str, Any], properties: dict[str, Any], number: int) -> Any:
    for candidate in (feature.get("id"), *(properties.get(key) for key in ("site", "id", "name"))):
        if isinstance(candidate, str | int):
            return candidate
    return number


def _scalars(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties that a table or GraphML can hold."""
    return {str(k): v for k, v in properties.items() if isinstance(v, str | int | float | bool)}
