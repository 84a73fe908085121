"""Background UEs: transmitters that load the cells of a network and that nobody names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim import rng
from netsim.radio.places import CellPlaces
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Background:
    """B background UEs of S cells in a round, on equal shares of their cells' bands."""

    cell: IntArray  # [B]
    gain: FloatArray  # [B, S] mean, to every site
    low_hz: FloatArray  # [B] lower edge of the band
    width_hz: float
    power_w: float

    def __len__(self) -> int:
        return len(self.cell)


def background_ues(
    places: CellPlaces | None,
    *,
    per_cell: int,
    sites: int,
    bandwidth_hz: float,
    power_w: float,
    seed: int,
    round: int,
) -> Background:
    """`per_cell` UEs in each cell, at places drawn for the round; none without places."""
    each = 0 if places is None else per_cell
    cell = np.repeat(np.arange(sites), each)
    width_hz = bandwidth_hz / max(each, 1)
    gain = np.empty((len(cell), sites))
    if places is not None and each:
        draw = rng.stream(seed, "background_place", round)
        part = draw.random((sites, each)) * places.per_cell
        place = part.astype(np.int64).ravel()
        gain = places.gain_at(np.arange(sites), cell[:, None], place[:, None])
    return Background(
        cell=cell,
        gain=gain,
        low_hz=np.asarray(np.arange(len(cell)) % max(each, 1) * width_hz, dtype=np.float64),
        width_hz=width_hz,
        power_w=power_w,
    )
