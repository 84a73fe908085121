"""Conversions from and to dB, constants, bounds, array types. Inside, all is linear and SI."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray

SPEED_OF_LIGHT_M_S = 299_792_458.0
M2_PER_KM2 = 1e6
FARTHEST_M = 1e9
"""No place of a map is further from its origin: UTM and Web Mercator stay below 1e8 m."""
FARTHEST_S = 1e12
"""No time is further from its origin: that is 30,000 years."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@overload
def from_db(value_db: float) -> float: ...
@overload
def from_db(value_db: FloatArray) -> FloatArray: ...
def from_db(value_db: float | FloatArray) -> float | FloatArray:
    """Power ratio of a value in dB."""
    bels = np.asarray(value_db, dtype=np.float64) / 10.0
    ratio = np.power(10.0, bels)
    if isinstance(value_db, np.ndarray):
        return ratio
    return float(ratio)


@overload
def to_db(ratio: float) -> float: ...
@overload
def to_db(ratio: FloatArray) -> FloatArray: ...
def to_db(ratio: float | FloatArray) -> float | FloatArray:
    """A power ratio in dB; zero gives -inf."""
    with np.errstate(divide="ignore"):
        value_db = 10.0 * np.log10(np.asarray(ratio, dtype=np.float64))
    if isinstance(ratio, np.ndarray):
        return value_db
    return float(value_db)


def dbm_to_w(power_dbm: float) -> float:
    """Watts of a power in dBm; also W/Hz of a density in dBm/Hz."""
    return from_db(power_dbm) * 1e-3
