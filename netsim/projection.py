"""Latitude and longitude (WGS 84) to local metres and back.

Azimuthal equidistant around an origin: distances from the origin are true, others to 1e-5 within 50
km.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from netsim.units import FloatArray


@dataclass(frozen=True)
class Origin:
    """The place whose local coordinates are (0, 0), degrees."""

    lat: float
    lon: float

    def to_metres(self, lat: FloatArray, lon: FloatArray) -> FloatArray:
        """x to the east and y to the north. Shapes [S], [S] -> [S, 2]."""
        here = np.ones(len(lat))
        azimuth_deg, _, distance_m = _wgs84().inv(self.lon * here, self.lat * here, lon, lat)
        azimuth = np.radians(azimuth_deg)
        return np.column_stack([distance_m * np.sin(azimuth), distance_m * np.cos(azimuth)])

    def to_degrees(self, positions_m: FloatArray) -> FloatArray:
        """Latitude and longitude. Shape [S, 2] -> [S, 2]."""
        x, y = positions_m.T
        here = np.ones(len(x))
        azimuth_deg = np.degrees(np.arctan2(x, y))
        lon, lat, _ = _wgs84().fwd(self.lon * here, self.lat * here, azimuth_deg, np.hypot(x, y))
        return np.column_stack([lat, lon])


@functools.cache
def _wgs84() -> Any:
    """The geodesics the projection consists of; a pyproj.Transformer cannot be made in polars'
    threads.
    """
    from pyproj import Geod  # slow to import, and most coordinates are in metres already

    return Geod(ellps="WGS84")


def central_origin(lat: FloatArray, lon: FloatArray) -> Origin:
    """The middle of the sites, also across the date line: mean of the unit vectors, to 1e-6
    degrees.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    x, y, z = (
        (np.cos(phi) * np.cos(lam)).mean(),
        (np.cos(phi) * np.sin(lam)).mean(),
        np.sin(phi).mean(),
    )
    return origin_of(float(x), float(y), float(z))


def origin_of(x: float, y: float, z: float) -> Origin:
    """The place in the direction of a vector from the Earth's centre, to 1e-6 degrees."""
    lat, lon = np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))
    return Origin(round(float(lat), 6), round(float(lon), 6))
