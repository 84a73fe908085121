"""A fixed set of places in every cell and what each site hears from them: UEs that nobody names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from netsim.units import FloatArray, IntArray

PER_CELL = 64
"""Places kept in each cell; lambda averaged over them errs by about 1% for the nearest cell."""


@dataclass
class CellPlaces:
    """M places in each of S cells, uniform, and their mean channel gain to the sites.

    Gains to a site are worked out when they are first asked for: where one gNB serves all UEs, to
    the hundreds of others nobody asks.
    """

    sites: int  # S
    per_cell: int  # M
    gain_to: Callable[[int], FloatArray]  # site -> gain of all places to it, [S, M]
    gain_at_home: Callable[[], FloatArray]  # of all places to the sites of their cells, [S, M]
    _gain: FloatArray = field(init=False)  # [row, cell, place]
    _row: IntArray = field(init=False)  # by site; -1: not known

    def __post_init__(self) -> None:
        self._gain = np.empty((0, self.sites, self.per_cell))
        self._row = np.full(self.sites, -1)

    @classmethod
    def of(cls, gain: FloatArray) -> CellPlaces:
        """With known gains, [receiving site, cell, place] = [S, S, M]."""
        cells = np.arange(len(gain))
        return cls(
            sites=len(gain),
            per_cell=gain.shape[2],
            gain_to=lambda site: gain[site],
            gain_at_home=lambda: gain[cells, cells],
        )

    @cached_property
    def own_gain(self) -> FloatArray:
        """Gain of each place to the site of its own cell. [cell, place]."""
        return self.gain_at_home()

    @property
    def gain(self) -> FloatArray:
        """Of all places to all sites, [receiving site, cell, place] = [S, S, M]."""
        in_order = np.arange(self.sites)
        self._work_out(in_order)
        if not np.array_equal(self._row, in_order):
            self._gain = self._gain[self._row]
            self._row = in_order
        return self._gain

    def gain_at(
        self,
        site: IntArray,
        cell: IntArray,
        place: IntArray,
    ) -> FloatArray:
        """Gain to `site` from a place of `cell`; arrays broadcast."""
        self._work_out(site)
        return np.asarray(self._gain[self._row[site], cell, place])

    def gains_to(self, sites: IntArray) -> FloatArray:
        """Of all places to some sites [G]. [G, cell, place]."""
        self._work_out(sites)
        return np.asarray(self._gain[self._row[sites]])

    def _work_out(self, sites: IntArray) -> None:
        """Gains to these sites, where they are not known."""
        unknown = self._row[sites] < 0
        if not unknown.any():
            return
        missing = np.unique(sites[unknown])
        found = np.empty((len(missing), self.sites, self.per_cell))
        for row, site in enumerate(missing.tolist()):
            found[row] = self.gain_to(site)
        known = len(self._gain)
        self._row[missing] = known + np.arange(len(missing))
        self._gain = np.concatenate([self._gain, found]) if known else found
