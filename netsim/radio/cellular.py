"""What the scenarios of 3GPP TR 38.901 share: maps of line of sight and of shadowing."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from netsim.radio.pathloss import distances_m, require_within
from netsim.radio.spatial import gaussian_map
from netsim.units import BoolArray, FloatArray, IntArray, from_db


@dataclass(frozen=True)
class Cellular:
    """A scenario of TR 38.901: UMa, UMi and RMa fill in the formulas of Table 7.4.1-1."""

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
        checks = (
            ("carrier_hz", self.carrier_hz, self.carrier_range_hz),
            ("site_height_m", self.site_height_m, self.site_height_range_m),
            ("ue_height_m", self.ue_height_m, self.ue_height_range_m),
            ("min_distance_m", self.min_distance_m, (10.0, np.inf)),
        )
        for key, value, limits in checks:
            require_within(
                value,
                limits,
                key=key,
                model=self.label,
            )

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
        los_loss_db = np.asarray(self.los_loss_db(distance_m))
        nlos_loss_db = np.asarray(self.nlos_loss_db(distance_m))
        return los * from_db(-los_loss_db) + (1 - los) * from_db(-nlos_loss_db)

    def link_gain(
        self,
        ues_m: FloatArray,
        sites_m: FloatArray,
        *,
        seed: int,
        site_ids: IntArray | None = None,
    ) -> FloatArray:
        """Gain of every link with its line of sight and shadowing, [K, 2], [S, 2] -> [K, S].

        The maps belong to (seed, site); `site_ids` [S] are the numbers of the sites where
        `sites_m` is a selection. Adding or moving UEs or sites leaves the other links as they were.
        """
        ids = np.arange(len(sites_m)) if site_ids is None else site_ids
        gain = np.empty((len(ues_m), len(sites_m)))
        for column, site in enumerate(ids.tolist()):
            distance = distances_m(ues_m, sites_m[column : column + 1])[:, 0]
            los = self.line_of_sight(
                ues_m,
                distance,
                seed=seed,
                site=site,
            )
            loss_db = np.where(
                los,
                self.los_loss_db(distance),
                self.nlos_loss_db(distance),
            )
            if self.shadowing:
                loss_db = loss_db + self.shadowing_db(
                    ues_m,
                    distance,
                    los,
                    seed=seed,
                    site=site,
                )
            gain[:, column] = from_db(-loss_db)
        return gain

    def line_of_sight(
        self,
        ues_m: FloatArray,
        distance_m: FloatArray,
        *,
        seed: int,
        site: int,
    ) -> BoolArray:
        """Whether each UE sees `site`. Shapes [K, 2], [K] -> [K]."""
        level = gaussian_map(
            ues_m,
            correlation_m=self.los_correlation_m,
            seed=seed,
            name="line_of_sight",
            site=site,
        )
        return np.asarray(ndtr(level) < self.los_probability(distance_m))

    def shadowing_db(
        self,
        ues_m: FloatArray,
        distance_m: FloatArray,
        los: BoolArray,
        *,
        seed: int,
        site: int,
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

    def clipped(self, distance_m: FloatArray) -> FloatArray:
        """Horizontal distance, at least `min_distance_m`."""
        return np.maximum(distance_m, self.min_distance_m)

    def distance_3d_m(self, distance_m: FloatArray) -> FloatArray:
        """Distance between the antennas, d_3D."""
        height_m = self.site_height_m - self.ue_height_m
        return np.hypot(distance_m, height_m)

    @property
    def frequency_db(self) -> float:
        """20 log10 f, f in GHz."""
        return 20 * self.log_ghz

    @property
    def log_ghz(self) -> float:
        """log10 f, f in GHz."""
        return float(np.log10(self.carrier_hz / 1e9))

    @property
    def label(self) -> str:
        """Name of the model in messages."""
        return f"{type(self).__name__} (TR 38.901)"
