"""Where a trace lies, whatever a few odd places say: its middle and extent without outliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.traces.tracks import Tracks
from netsim.units import FloatArray

SAMPLED = 100_000
"""Samples that are looked at, about."""
INNER = 0.9
"""Part of the samples that surely are none."""
FAR = 20.0
"""An outlier lies so many times further from the middle than the inner samples."""
FAR_M = 10_000.0
"""Nothing nearer to the middle is an outlier."""


@dataclass(frozen=True)
class Extent:
    """The middle of the samples, the box around them, and what lies outside."""

    middle_m: FloatArray  # [2] median of x and y
    low_m: FloatArray  # [2]
    high_m: FloatArray  # [2]
    outliers: int  # samples far outside
    outlying: tuple[str, ...]  # nodes that have some

    @property
    def centre_m(self) -> FloatArray:
        """The middle of the box. [2]."""
        return (self.low_m + self.high_m) / 2


def extent_of(tracks: Tracks) -> Extent:
    """Where the samples of all nodes lie."""
    places_m = tracks.places_m[:, :2]
    some = sampled(places_m)
    middle_m = np.median(some, axis=0)
    inner_m = float(np.quantile(_distance_m(some, middle_m), INNER))
    limit_m = max(FAR * inner_m, FAR_M)
    far = _distance_m(places_m, middle_m) > limit_m
    kept = places_m[~far] if far.any() else places_m
    rows = np.flatnonzero(far)
    nodes = np.unique(np.searchsorted(tracks.first, rows, side="right") - 1)
    x, y = kept.T  # by column, which is quicker over many rows
    return Extent(
        middle_m,
        low_m=np.array([x.min(), y.min()]),
        high_m=np.array([x.max(), y.max()]),
        outliers=len(rows),
        outlying=tuple(tracks.nodes[node] for node in nodes.tolist()),
    )


def sampled(places_m: FloatArray) -> FloatArray:
    """About SAMPLED of the places, evenly spaced. [N, 2] -> [n, 2]."""
    return places_m[:: max(len(places_m) // SAMPLED, 1)]


def _distance_m(places_m: FloatArray, middle_m: FloatArray) -> FloatArray:
    x, y = (places_m - middle_m).T
    return np.asarray(np.hypot(x, y))
