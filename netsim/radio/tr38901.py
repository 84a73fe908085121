"""Path loss of 3GPP TR 38.901 (v17.1.0) for outdoor UEs: urban macro, urban micro, rural macro.

    loss              clause 7.4.1, Table 7.4.1-1, notes 1 and 5
    line of sight     clause 7.4.2, Table 7.4.2-1; its map over the plane as in clause 7.6.3.3,
                      correlation distance of Table 7.6.3.1-2
    shadowing         std of Table 7.4.1-1; clause 7.4.4, eq. (7.4-5): R(x) = exp(-x / d_cor), with
    d_cor
                      of Table 7.5-6 (parts 1 and 2, row "SF")

Distances are horizontal (d_2D). Beyond the TR's range of a formula (5 km, RMa with line of sight 10
km) it is extended as it stands; below 10 m the distance counts as 10 m. Maps of different sites are
independent. Indoor UEs and antenna patterns are left out.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from netsim.errors import ScenarioError
from netsim.radio.pathloss import distances_m
from netsim.radio.spatial import gaussian_map
from netsim.units import BoolArray, FloatArray, IntArray, from_db

_C = 3.0e8  # m/s, the TR's value (Table 7.4.1-1, note 1)


@dataclass(frozen=True)
class _Cellular:
    """What the three scenarios share."""

    carrier_hz: float = 3.5e9
    site_height_m: float = 25.0
    ue_height_m: float = 1.5
    shadowing: bool = True
    min_distance_m: float = 10.0

    carrier_range_hz: ClassVar[tuple[float, float]] = (0.5e9, 100e9)
    site_height_range_m: ClassVar[tuple[float, float]] = (5.0, 150.0)
    ue_height_range_m: ClassVar[tuple[float, float]] = (1.5, 22.5)
    correlation_m: ClassVar[dict[bool, float]]  # of shadowing, with and without line of sight
    los_correlation_m: ClassVar[float]

    def __post_init__(self) -> None:
        for name, (low, high) in (
            ("carrier_hz", self.carrier_range_hz),
            ("site_height_m", self.site_height_range_m),
            ("ue_height_m", self.ue_height_range_m),
            ("min_distance_m", (10.0, np.inf)),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                rule = f"must lie in {low:g}..{high:g} for {type(self).__name__} (TR 38.901)"
                raise ScenarioError(rule, where=f"pathloss.{name}", value=value)

    @abstractmethod
    def los_probability(self, distance_m: FloatArray) -> FloatArray:
        """Probability of line of sight, Table 7.4.2-1. Any shape."""

    @abstractmethod
    def los_loss_db(self, distance_m: FloatArray) -> FloatArray:
        """Loss with line of sight, Table 7.4.1-1. Any shape."""

    @abstractmethod
    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        """Loss without line of sight, Table 7.4.1-1. Any shape."""

    @abstractmethod
    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        """Standard deviation of shadowing, Table 7.4.1-1. Any shape."""

    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear gain averaged over line of sight, at the median of shadowing. Any shape."""
        los = self.los_probability(distance_m)
        with_los = from_db(-np.asarray(self.los_loss_db(distance_m)))
        without = from_db(-np.asarray(self.nlos_loss_db(distance_m)))
        return los * with_los + (1 - los) * without

    def link_gain(
        self, ues_m: FloatArray, sites_m: FloatArray, *, seed: int, site_ids: IntArray | None = None
    ) -> FloatArray:
        """Gain of every link with its line of sight and shadowing, [K, 2], [S, 2] -> [K, S].

        The maps belong to (seed, site); `site_ids` [S] names the sites where `sites_m` is a
        selection. Adding UEs or sites, or moving some, leaves the other links as they were.
        """
        ids = np.arange(len(sites_m)) if site_ids is None else site_ids
        gain = np.empty((len(ues_m), len(sites_m)))
        for column, site in enumerate(ids.tolist()):
            distance = distances_m(ues_m, sites_m[column : column + 1])[:, 0]
            los = self.line_of_sight(ues_m, distance, seed=seed, site=site)
            loss_db = np.where(los, self.los_loss_db(distance), self.nlos_loss_db(distance))
            if self.shadowing:
                loss_db = loss_db + self.shadowing_db(ues_m, distance, los, seed=seed, site=site)
            gain[:, column] = from_db(-loss_db)
        return gain

    def line_of_sight(
        self, ues_m: FloatArray, distance_m: FloatArray, *, seed: int, site: int
    ) -> BoolArray:
        """Whether each UE sees `site`. Shapes [K, 2], [K] -> [K]."""
        level = gaussian_map(
            ues_m, correlation_m=self.los_correlation_m, seed=seed, name="line_of_sight", site=site
        )
        return np.asarray(ndtr(level) < self.los_probability(distance_m))

    def shadowing_db(
        self, ues_m: FloatArray, distance_m: FloatArray, los: BoolArray, *, seed: int, site: int
    ) -> FloatArray:
        """Shadowing of each UE towards `site`, dB. Shapes [K, 2], [K], [K] -> [K].

        One map for the places with line of sight, one for those without.
        """
        level = np.empty(len(ues_m))
        for state, name in ((True, "los_shadowing"), (False, "nlos_shadowing")):
            here = los == state
            level[here] = gaussian_map(
                ues_m[here],
                correlation_m=self.correlation_m[state],
                seed=seed,
                name=name,
                site=site,
            )
        return self.shadowing_std_db(distance_m, los) * level

    def _clipped(self, distance_m: FloatArray) -> FloatArray:
        return np.maximum(distance_m, self.min_distance_m)

    def _d3d(self, distance_m: FloatArray) -> FloatArray:
        return np.hypot(distance_m, self.site_height_m - self.ue_height_m)

    @property
    def _log_ghz(self) -> float:
        return float(np.log10(self.carrier_hz / 1e9))


class _Urban(_Cellular):
    """The two-slope loss that UMa and UMi share."""

    los_correlation_m = 50.0
    near: ClassVar[tuple[float, float]]  # loss at 1 m and 1 GHz, slope before the breakpoint
    breakpoint_factor: ClassVar[float]

    @property
    def breakpoint_m(self) -> float:
        """d'_BP = 4 h'_BS h'_UT f / c with effective heights 1 m lower (note 1)."""
        return 4 * (self.site_height_m - 1.0) * (self.ue_height_m - 1.0) * self.carrier_hz / _C

    def los_loss_db(self, distance_m: FloatArray) -> FloatArray:
        d2d = self._clipped(distance_m)
        log_d = np.log10(self._d3d(d2d))
        constant, slope = self.near
        below = constant + slope * log_d + 20 * self._log_ghz
        height = self.site_height_m - self.ue_height_m
        drop = self.breakpoint_factor * np.log10(self.breakpoint_m**2 + height**2)
        beyond = constant + 40 * log_d + 20 * self._log_ghz - drop
        return np.where(d2d <= self.breakpoint_m, below, beyond)


@dataclass(frozen=True)
class UrbanMacro(_Urban):
    """UMa. UEs up to 13 m high: above, the TR draws the height of the environment at random."""

    ue_height_range_m = (1.5, 13.0)
    near = (28.0, 22.0)
    breakpoint_factor = 9.0
    correlation_m = {True: 37.0, False: 50.0}  # noqa: RUF012

    def los_probability(self, distance_m: FloatArray) -> FloatArray:
        d = np.maximum(distance_m, 18.0)
        return 18 / d + np.exp(-d / 63) * (1 - 18 / d)

    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        log_d = np.log10(self._d3d(self._clipped(distance_m)))
        loss = 13.54 + 39.08 * log_d + 20 * self._log_ghz - 0.6 * (self.ue_height_m - 1.5)
        return np.maximum(self.los_loss_db(distance_m), loss)

    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        return np.where(los, 4.0, 6.0)


@dataclass(frozen=True)
class UrbanMicro(_Urban):
    """UMi, street canyon."""

    site_height_m: float = 10.0

    near = (32.4, 21.0)
    breakpoint_factor = 9.5
    correlation_m = {True: 10.0, False: 13.0}  # noqa: RUF012

    def los_probability(self, distance_m: FloatArray) -> FloatArray:
        d = np.maximum(distance_m, 18.0)
        return 18 / d + np.exp(-d / 36) * (1 - 18 / d)

    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        log_d = np.log10(self._d3d(self._clipped(distance_m)))
        loss = 22.4 + 35.3 * log_d + 21.3 * self._log_ghz - 0.3 * (self.ue_height_m - 1.5)
        return np.maximum(self.los_loss_db(distance_m), loss)

    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        return np.where(los, 4.0, 7.82)


@dataclass(frozen=True)
class RuralMacro(_Cellular):
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
        for name in ("building_height_m", "street_width_m"):
            value = getattr(self, name)
            if not 5 <= value <= 50:
                raise ScenarioError(
                    "must lie in 5..50 for RuralMacro (TR 38.901)",
                    where=f"pathloss.{name}",
                    value=value,
                )

    @property
    def breakpoint_m(self) -> float:
        """d_BP = 2 pi h_BS h_UT f / c (note 5)."""
        return 2 * np.pi * self.site_height_m * self.ue_height_m * self.carrier_hz / _C

    def los_probability(self, distance_m: FloatArray) -> FloatArray:
        return np.exp(-np.maximum(distance_m - 10.0, 0.0) / 1000)

    def los_loss_db(self, distance_m: FloatArray) -> FloatArray:
        d2d = self._clipped(distance_m)
        d3d = self._d3d(d2d)
        beyond = self._near_db(np.float64(self.breakpoint_m)) + 40 * np.log10(
            d3d / self.breakpoint_m
        )
        return np.where(d2d <= self.breakpoint_m, self._near_db(d3d), beyond)

    def nlos_loss_db(self, distance_m: FloatArray) -> FloatArray:
        h, height = self.building_height_m, self.site_height_m
        log_height = np.log10(height)
        loss = (
            161.04
            - 7.1 * np.log10(self.street_width_m)
            + 7.5 * np.log10(h)
            - (24.37 - 3.7 * (h / height) ** 2) * log_height
            + (43.42 - 3.1 * log_height) * (np.log10(self._d3d(self._clipped(distance_m))) - 3)
            + 20 * self._log_ghz
            - (3.2 * np.log10(11.75 * self.ue_height_m) ** 2 - 4.97)
        )
        return np.asarray(np.maximum(self.los_loss_db(distance_m), loss))

    def shadowing_std_db(self, distance_m: FloatArray, los: BoolArray) -> FloatArray:
        with_los = np.where(self._clipped(distance_m) <= self.breakpoint_m, 4.0, 6.0)
        return np.where(los, with_los, 8.0)

    def _near_db(self, d3d: FloatArray | np.float64) -> FloatArray:
        """PL1: before the breakpoint, at slant distance d3d."""
        h = self.building_height_m
        free_space = 20 * np.log10(40 * np.pi * d3d / 3) + 20 * self._log_ghz
        clutter = min(0.03 * h**1.72, 10.0) * np.log10(d3d) - min(0.044 * h**1.72, 14.77)
        return np.asarray(free_space + clutter + 0.002 * np.log10(h) * d3d)
