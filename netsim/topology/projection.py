"""Latitude and longitude (WGS 84) to local metres and back.

Azimuthal equidistant around an origin: distances from the origin are true, others to 1e-5 within 50 km.
"""

from __future__ import annotations

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
        x, y = self._transformer().transform(lon, lat)
        return np.column_stack([x, y])

    def to_degrees(self, positions_m: FloatArray) -> FloatArray:
        """Latitude and longitude. Shape [S, 2] -> [S, 2]."""
        lon, lat = self._transformer().transform(positions_m[:, 0], positions_m[:, 1], direction="INVERSE")
        return np.column_stack([lat, lon])

    def _transformer(self) -> Any:
        from pyproj import Transformer  # half a second, and most deployments are in metres already

        local = f"+proj=aeqd +lat_0={self.lat!r} +lon_0={self.lon!r} +datum=WGS84 +units=m +no_defs"
        return Transformer.from_crs("EPSG:4326", local, always_xy=True)


def central_origin(lat: FloatArray, lon: FloatArray) -> Origin:
    """The middle of the sites, also across the date line: mean of the unit vectors, to 1e-6 degrees."""
    phi, lam = np.radians(lat), np.radians(lon)
    x, y, z = (np.cos(phi) * np.cos(lam)).mean(), (np.cos(phi) * np.sin(lam)).mean(), np.sin(phi).mean()
    return Origin(
        round(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), 6),
        round(float(np.degrees(np.arctan2(y, x))), 6),
    )
