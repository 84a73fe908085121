"""Okumura-Hata and COST-231 Hata: measured median loss of macro cells below 2 GHz.

Sources: M. Hata, "Empirical formula for propagation loss in land mobile radio services", IEEE
Trans. Veh. Technol. 29(3), 1980, Table I; COST Action 231 final report, 1999, section 4.4.1,
eqs. (4.4.1)-(4.4.4). The formulas were fitted to 1..20 km. Links outside are refused, or with
`extrapolate` the formulas are extended, but never below the loss of free space. Loss in dB with f
in MHz, d in km, heights in m:

    A + B log10 f - 13.82 log10 h_b - a(h_m) + (44.9 - 6.55 log10 h_b) log10 d + correction
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from netsim.errors import ScenarioError
from netsim.radio.pathloss import distances_m, require_within
from netsim.radio.shadowing import shadowing_db
from netsim.units import SPEED_OF_LIGHT_M_S, FloatArray, IntArray, from_db

FITTED_M = (1e3, 20e3)
"""Distances to which the models were fitted, m."""

_LOG = logging.getLogger(__name__)
_WARNED: set[str] = set()  # models that have warned in this process


@dataclass(frozen=True)
class _Hata:
    """What both models share: a median loss, and log-normal shadowing around it on request."""

    carrier_hz: float = 0.9e9
    site_height_m: float = 30.0
    ue_height_m: float = 1.5
    shadowing_std_db: float = 0.0
    correlation_m: float = 50.0
    min_distance_m: float = 10.0
    extrapolate: bool = False  # also to links outside 1..20 km

    carrier_range_hz: ClassVar[tuple[float, float]]

    def __post_init__(self) -> None:
        checks = (
            ("carrier_hz", self.carrier_hz, self.carrier_range_hz),
            ("site_height_m", self.site_height_m, (30.0, 200.0)),
            ("ue_height_m", self.ue_height_m, (1.0, 10.0)),
            ("shadowing_std_db", self.shadowing_std_db, (0.0, 30.0)),
            ("correlation_m", self.correlation_m, (1e-3, 1e6)),
            ("min_distance_m", self.min_distance_m, (1.0, 1e6)),
        )
        for key, value, limits in checks:
            require_within(
                value,
                limits,
                key=key,
                model=type(self).__name__,
            )

    def loss_db(self, distance_m: FloatArray) -> FloatArray:
        """Median loss at horizontal `distance_m`, at least that of free space. Any shape."""
        log_height = np.log10(self.site_height_m)
        slope_db = 44.9 - 6.55 * log_height  # per decade of distance
        distance_km = np.maximum(distance_m, self.min_distance_m) / 1e3
        at_1_km_db = self._ground_loss_db() - 13.82 * log_height
        fitted_db = at_1_km_db + slope_db * np.log10(distance_km)
        return np.asarray(np.maximum(fitted_db, self._free_space_db(distance_km * 1e3)))

    def _free_space_db(self, distance_m: FloatArray) -> FloatArray:
        """20 log10 (4 pi d f / c) between the antennas."""
        height_m = self.site_height_m - self.ue_height_m
        distance_3d_m = np.hypot(distance_m, height_m)
        waves = distance_3d_m * self.carrier_hz / SPEED_OF_LIGHT_M_S
        return np.asarray(20 * np.log10(4 * np.pi * waves))

    def _check_range(self, distance_m: FloatArray) -> None:
        """Warns, or raises ScenarioError, about links that the models were not fitted to."""
        low_m, high_m = FITTED_M
        outside = (distance_m < low_m) | (distance_m > high_m)
        if not outside.any():
            return
        if not self.extrapolate:
            rule = (
                f"links must be {low_m / 1e3:g}..{high_m / 1e3:g} km long; extrapolate = true "
                "extends the formula"
            )
            worst = float(distance_m[outside].flat[0])
            raise ScenarioError(
                rule,
                where="scenario: radio.pathloss.extrapolate",
                value=f"{worst:.0f} m",
            )
        if type(self).__name__ not in _WARNED:
            _WARNED.add(type(self).__name__)
            _LOG.warning(
                "%s is fitted to links of 1..20 km; %.0f%% of those here lie outside, where it is "
                "extended, but not below the loss of free space",
                type(self).__name__,
                100 * outside.mean(),
            )

    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear gain at the median of shadowing. Any shape."""
        return from_db(-self.loss_db(distance_m))

    def link_gain(
        self,
        ues_m: FloatArray,
        sites_m: FloatArray,
        *,
        seed: int,
        site_ids: IntArray | None = None,
    ) -> FloatArray:
        """Gain of every link with its shadowing, [K, 2], [S, 2] -> [K, S]."""
        ids = np.arange(len(sites_m)) if site_ids is None else site_ids
        distance_m = distances_m(ues_m, sites_m)
        self._check_range(distance_m)
        median_db = self.loss_db(distance_m)
        excess_db = shadowing_db(
            ues_m,
            ids,
            std_db=self.shadowing_std_db,
            correlation_m=self.correlation_m,
            seed=seed,
            name="hata_shadowing",
        )
        return from_db(-(median_db + excess_db))

    def _ground_loss_db(self) -> float:
        """The terms that depend neither on the site's height nor on the distance."""
        raise NotImplementedError

    @property
    def _log_mhz(self) -> float:
        return float(np.log10(self.carrier_hz / 1e6))

    def _small_city_db(self) -> float:
        """Correction a(h_m) for the UE's height in a small or medium city; also COST-231's."""
        log_f = self._log_mhz
        per_metre = 1.1 * log_f - 0.7
        return per_metre * self.ue_height_m - (1.56 * log_f - 0.8)


@dataclass(frozen=True)
class OkumuraHata(_Hata):
    """150..1500 MHz; a large city, a small or medium one, suburbs or open land."""

    area: Literal["large_city", "small_city", "suburban", "open"] = "small_city"

    carrier_range_hz = (150e6, 1500e6)

    def _ground_loss_db(self) -> float:
        log_f = self._log_mhz
        antenna = self._small_city_db()
        if self.area == "large_city":
            # Hata gives one law up to 200 MHz and one from 400 MHz; the usual boundary is 300 MHz
            if self.carrier_hz <= 300e6:
                antenna = 8.29 * np.log10(1.54 * self.ue_height_m) ** 2 - 1.1
            else:
                antenna = 3.2 * np.log10(11.75 * self.ue_height_m) ** 2 - 4.97
        loss = 69.55 + 26.16 * log_f - antenna
        if self.area == "suburban":
            loss -= 2 * (log_f - np.log10(28)) ** 2 + 5.4
        elif self.area == "open":
            loss -= 4.78 * log_f**2 - 18.33 * log_f + 40.94
        return float(loss)


@dataclass(frozen=True)
class Cost231Hata(_Hata):
    """1500..2000 MHz; `metropolitan` adds C_m = 3 dB."""

    carrier_hz: float = 1.8e9
    metropolitan: bool = False

    carrier_range_hz = (1500e6, 2000e6)

    def _ground_loss_db(self) -> float:
        correction = 3.0 if self.metropolitan else 0.0
        return 46.3 + 33.9 * self._log_mhz - self._small_city_db() + correction
