"""Gains of all transmitters to all sites: as a matrix or, in a large network, site by site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from netsim.units import BoolArray, FloatArray, IntArray

MATRIX_LINKS = 4_000_000
"""Transmitters times sites up to which they are a matrix, and overlaps of bands are listed."""


def are_many(
    transmitters: int,
    sites: int,
) -> bool:
    """Their links are too many for a matrix."""
    return transmitters * sites > MATRIX_LINKS


def by_site(site: IntArray, sends: BoolArray) -> Iterator[tuple[int, IntArray]]:
    """Each site that somebody sends to, and the uploads to `site` [R] that do."""
    rows = np.flatnonzero(sends)
    rows = rows[np.argsort(site[rows], kind="stable")]
    sites, first = np.unique(site[rows], return_index=True)
    yield from zip(sites.tolist(), np.split(rows, first[1:]), strict=True)


class Gains(Protocol):
    """Of T transmitters to S sites in a block, fading included. R of them are uploads."""

    def own(
        self,
        site: IntArray,
        sends: BoolArray,
    ) -> FloatArray:
        """Of the uploads to `site` [R]. Of those that do not send, any number. [R]."""
        ...

    def to(
        self,
        site: int,
        those: IntArray,
    ) -> FloatArray:
        """Of some transmitters [A] to one site. [A]."""
        ...

    @property
    def matrix(self) -> FloatArray:
        """All of them. [T, S]."""
        ...


@dataclass(frozen=True)
class GainMatrix:
    """All at hand."""

    matrix: FloatArray

    def own(
        self,
        site: IntArray,
        sends: BoolArray,
    ) -> FloatArray:
        """As `Gains`."""
        row = np.arange(len(site))
        own: FloatArray = self.matrix[row, site]
        return own

    def to(
        self,
        site: int,
        those: IntArray,
    ) -> FloatArray:
        """As `Gains`."""
        column: FloatArray = self.matrix[those, site]
        return column


@dataclass(frozen=True)
class GainColumns:
    """Worked out for the sites and the transmitters that are asked for, who are UEs [T] of K."""

    mean: FloatArray  # [S, K]
    ue: IntArray  # [T]
    fading: Callable[[int], FloatArray]  # |h|^2 of all UEs to a site, [K]

    def own(
        self,
        site: IntArray,
        sends: BoolArray,
    ) -> FloatArray:
        """As `Gains`."""
        gain = np.zeros(len(site))
        for one, mine in by_site(site, sends):
            gain[mine] = self.to(one, mine)
        return gain

    def to(
        self,
        site: int,
        those: IntArray,
    ) -> FloatArray:
        """As `Gains`."""
        ue = self.ue[those]
        mean = self.mean[site]
        fading = self.fading(site)
        gain: FloatArray = mean[ue] * fading[ue]
        return gain

    @property
    def matrix(self) -> FloatArray:
        """As `Gains`."""
        everyone = np.arange(len(self.ue))
        return np.stack([self.to(site, everyone) for site in range(len(self.mean))], axis=1)
