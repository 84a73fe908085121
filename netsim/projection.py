"""Latitude and longitude (WGS 84) to local metres and back.

Azimuthal equidistant around an origin: distances from the origin are true, those between other
places to 1e-5 within 50 km.
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
        azimuth_deg, _, distance_m = _wgs84().inv(
            self.lon * here,
            self.lat * here,
            lon,
            lat,
        )
        azimuth = np.radians(azimuth_deg)
        east = distance_m * np.sin(azimuth)
        north = distance_m * np.cos(azimuth)
        return np.column_stack([east, north])

    def to_degrees(self, positions_m: FloatArray) -> FloatArray:
        """Latitude and longitude. Shape [S, 2] -> [S, 2]."""
        x, y = positions_m.T
        here = np.ones(len(x))
        azimuth_deg = np.degrees(np.arctan2(x, y))
        lon, lat, _ = _wgs84().fwd(
            self.lon * here,
            self.lat * here,
            azimuth_deg,
            np.hypot(x, y),
        )
        return np.column_stack([lat, lon])


@functools.cache
def _wgs84() -> Any:
    """The geodesics that the projection consists of.

    A pyproj.Transformer cannot be made in the threads of polars.
    """
    from pyproj import Geod  # slow to import, and most coordinates are in metres already

    return Geod(ellps="WGS84")


def central_origin(lat: FloatArray, lon: FloatArray) -> Origin:
    """The middle of places, also across the date line, to 1e-6 degrees: mean of the unit vectors.

    Shapes [S], [S].
    """
    latitude = np.radians(lat)
    longitude = np.radians(lon)
    x = (np.cos(latitude) * np.cos(longitude)).mean()
    y = (np.cos(latitude) * np.sin(longitude)).mean()
    z = np.sin(latitude).mean()
    return origin_of(float(x), float(y), float(z))


def origin_of(
    x: float,
    y: float,
    z: float,
) -> Origin:
    """The place in the direction of a vector from the Earth's centre, to 1e-6 degrees."""
    lat = np.degrees(np.arctan2(z, np.hypot(x, y)))
    lon = np.degrees(np.arctan2(y, x))
    return Origin(round(float(lat), 6), round(float(lon), 6))
