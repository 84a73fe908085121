"""Path loss and success probability of links, and how UEs move."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

import numpy as np

from netsim.units import FloatArray, IntArray


class Pathloss(Protocol):
    """Large-scale gain between UEs and sites. Entry point group `netsim.pathloss`."""

    @abstractmethod
    def gain(self, distance_m: FloatArray) -> FloatArray:
        """Linear gain at horizontal distance `distance_m` (any shape): positive, not increasing.

        Averaged over line of sight where the model has it, at the median of shadowing.
        """
        ...

    @abstractmethod
    def link_gain(
        self,
        ues_m: FloatArray,
        sites_m: FloatArray,
        *,
        seed: int,
        site_ids: IntArray | None = None,
    ) -> FloatArray:
        """Linear gain of every link with its line of sight and shadowing, [K, 2], [S, 2] -> [K, S].

        A function of (seed, site, place): adding UEs or sites leaves the other links as they were.
        `site_ids` [S] are the numbers of the sites where `sites_m` is a selection.
        """
        ...


class SuccessModel(Protocol):
    """lambda_{n,k} of eq. (15): the probability that an upload meets the SINR threshold.

    Under block fading, the probability that it ends within its time (docs/model/events.md).
    """

    def probability(
        self,
        ue: IntArray,
        bandwidth_hz: FloatArray,
        power_w: FloatArray,
        payload_bits: FloatArray | float = 0.0,
        airtime_s: float = np.inf,
    ) -> FloatArray:
        """lambda of uploads of UEs `ue`; arrays broadcast. 0 without power and in an infinite band.

        `payload_bits` and `airtime_s`, the time left for the upload, matter only under block
        fading.
        """
        ...


class Motion(Protocol):
    """Where K UEs are. A function of time: the same answer in any order of asking."""

    def positions(self, times_s: FloatArray) -> FloatArray:
        """Places at simulated times, m. [T] -> [K, T, 2]; NaN while a UE is absent."""
        ...


class Mobility(Protocol):
    """How UEs move. Frozen dataclasses under entry point `netsim.mobility`."""

    @abstractmethod
    def motion(
        self,
        start_m: FloatArray,
        region: Any,
        *,
        seed: int,
    ) -> Motion:
        """Motion of the UEs placed at `start_m` [K, 2] in a `netsim.mobility.region.Region`.

        A function of (seed, UE, time): adding UEs leaves the others as they were.
        """
        ...
