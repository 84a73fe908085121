"""A fixed set of places in every cell and what each site hears from them: UEs that nobody names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import FloatArray, IntArray

PER_CELL = 64
"""Places kept in each cell; lambda averaged over them errs by about 1% for the nearest cell."""


@dataclass(frozen=True)
class CellPlaces:
    """M places in each of S cells, uniform, and their mean channel gain to every site."""

    gain: FloatArray  # [receiving site, cell, place] = [S, S, M]

    @property
    def sites(self) -> int:
        """S."""
        return len(self.gain)

    @property
    def per_cell(self) -> int:
        """M."""
        return int(self.gain.shape[2])

    def gain_at(
        self,
        site: IntArray,
        cell: IntArray,
        place: IntArray,
    ) -> FloatArray:
        """Gain to `site` from a place of `cell`; arrays broadcast."""
        return np.asarray(self.gain[site, cell, place])
