"""Path loss of 3GPP TR 38.901 (v17.1.0) for outdoor UEs: urban macro, urban micro, rural macro.

    loss              clause 7.4.1, Table 7.4.1-1, notes 1 and 5
    line of sight     clause 7.4.2, Table 7.4.2-1; its map over the plane as in clause 7.6.3.3,
                      correlation distance of Table 7.6.3.1-2
    shadowing         standard deviation of Table 7.4.1-1; autocorrelation exp(-x / d_cor) of
                      clause 7.4.4, eq. (7.4-5), with d_cor of Table 7.5-6 (parts 1, 2, row "SF")

Distances are horizontal (d_2D). Beyond the TR's range of a formula (5 km; 10 km for RMa with line
of sight) the formula is extended as it stands; below 10 m the distance counts as 10 m. Maps of
different sites are independent. Indoor UEs and antenna patterns are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.radio.cellular import Cellular
from netsim.radio.pathloss import require_within
from netsim.units import BoolArray, FloatArray

_C = 3.0e8  # m/s, the TR's value (Table 7.4.1-1, note 1)


class _Urban(Cellular):
    """The two-slope loss that UMa and UMi share."""

    los_correlation_m = 50.0
    los_decay_m: ClassVar[float]  # of the probability of line of sight
    near: ClassVar[tuple[float, float]]  # loss at 1 m and 1 GHz, slope before the breakpoint
    breakpoint_factor: ClassVar[float]

    @property
    def breakpoint_m(self) -> float:
        """d'_BP = 4 h'_BS h'_UT f / c with effective heights 1 m lower (note 1)."""
        site_m = self.site_height_m - 1.0
        ue_m = self.ue_height_m - 1.0
        return 4 * site_m * ue_m * self.carrier_hz / _C

    def los_loss_db(self, distance_m: FloatArray) -> FloatArray:
        d2d = self.clipped(distance_m)
        log_d = np.log10(self.distance_3d_m(d2d))
        constant, slope = self.near
        below = constant + slope * log_d + self.frequency_db
        height = self.site_height_m - self.ue_height_m
        drop = self.breakpoint_factor * np.log10(self.breakpoint_m**2 + height**2)
        beyond = constant + 40 * log_d + self.frequency_db - drop
        return np.where(d2d <= self.breakpoint_m, below, beyond)

    def los_probability(self, distance_m: FloatArray) -> FloatArray:
        d = np.maximum(distance_m, 18.0)
        near = 18 / d
        return near + np.exp(-d / self.los_decay_m) * (1 - near)


@dataclass(frozen=True)
class UrbanMacro(_Urban):
    """UMa. UEs up to 13 m high: above, the TR draws the height of the environment at random."""

    ue_height_range_m = (1.5, 13.0)
    los_decay_m = 63
    near = (28.0, 22.0)
    breakpoint_factor = 9.0
    correlation_m = {True: 37.0, False: 50.0}  # noqa: RUF012

    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        d3d = self.distance_3d_m(self.clipped(distance_m))
        height_gain = 0.6 * (self.ue_height_m - 1.5)
        loss = 13.54 + 39.08 * np.log10(d3d) + self.frequency_db - height_gain
        return np.maximum(self.los_loss_db(distance_m), loss)

    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        return np.where(los, 4.0, 6.0)


@dataclass(frozen=True)
class UrbanMicro(_Urban):
    """UMi, street canyon."""

    site_height_m: float = 10.0

    los_decay_m = 36
    near = (32.4, 21.0)
    breakpoint_factor = 9.5
    correlation_m = {True: 10.0, False: 13.0}  # noqa: RUF012

    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        d3d = self.distance_3d_m(self.clipped(distance_m))
        height_gain = 0.3 * (self.ue_height_m - 1.5)
        loss = 22.4 + 35.3 * np.log10(d3d) + 21.3 * self.log_ghz - height_gain
        return np.maximum(self.los_loss_db(distance_m), loss)

    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        return np.where(los, 4.0, 7.82)


@dataclass(frozen=True)
class RuralMacro(Cellular):
    """RMa, with mean building height h and street width W."""

    carrier_hz: float = 0.7e9
    site_height_m: float = 35.0
    building_height_m: float = 5.0
    street_width_m: float = 20.0

    carrier_range_hz = (0.5e9, 30e9)
    site_height_range_m = (10.0, 150.0)
    ue_height_range_m = (1.0, 10.0)
    correlation_m = {True: 37.0, False: 120.0}  # noqa: RUF012
    los_correlation_m = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        limits = (5.0, 50.0)
        require_within(
            self.building_height_m,
            limits,
            key="building_height_m",
            model=self.label,
        )
        require_within(
            self.street_width_m,
            limits,
            key="street_width_m",
            model=self.label,
        )

    @property
    def breakpoint_m(self) -> float:
        """d_BP = 2 pi h_BS h_UT f / c (note 5)."""
        heights_m2 = 2 * np.pi * self.site_height_m * self.ue_height_m
        return heights_m2 * self.carrier_hz / _C

    def los_probability(self, distance_m: FloatArray) -> FloatArray:
        beyond_10_m = np.maximum(distance_m - 10.0, 0.0)
        return np.exp(-beyond_10_m / 1000)

    def los_loss_db(self, distance_m: FloatArray) -> FloatArray:
        d2d = self.clipped(distance_m)
        d3d = self.distance_3d_m(d2d)
        breakpoint_m = self.breakpoint_m
        at_breakpoint = self._near_db(np.float64(breakpoint_m))
        beyond = at_breakpoint + 40 * np.log10(d3d / breakpoint_m)
        return np.where(
            d2d <= breakpoint_m,
            self._near_db(d3d),
            beyond,
        )

    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        h = self.building_height_m
        height = self.site_height_m
        log_height = np.log10(height)
        log_km = np.log10(self.distance_3d_m(self.clipped(distance_m))) - 3
        slope = 43.42 - 3.1 * log_height
        site_gain = (24.37 - 3.7 * (h / height) ** 2) * log_height
        ue_gain = 3.2 * np.log10(11.75 * self.ue_height_m) ** 2 - 4.97
        loss = (
            161.04
            - 7.1 * np.log10(self.street_width_m)
            + 7.5 * np.log10(h)
            - site_gain
            + slope * log_km
            + self.frequency_db
            - ue_gain
        )
        return np.asarray(np.maximum(self.los_loss_db(distance_m), loss))

    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        before = self.clipped(distance_m) <= self.breakpoint_m
        with_los = np.where(before, 4.0, 6.0)
        return np.where(los, with_los, 8.0)

    def _near_db(self, d3d: FloatArray | np.float64) -> FloatArray:
        """PL1: before the breakpoint, at distance d3d between the antennas."""
        h = self.building_height_m
        power = h**1.72
        slope = min(0.03 * power, 10.0)
        offset = min(0.044 * power, 14.77)
        free_space = 20 * np.log10(40 * np.pi * d3d / 3) + self.frequency_db
        clutter = slope * np.log10(d3d) - offset
        return np.asarray(free_space + clutter + 0.002 * np.log10(h) * d3d)
