"""Named random streams: randomness is an argument, never a global.

A stream is keyed by what it decides (a name) and by the indices it belongs to (round, block),
never by the order of drawing and never by the scheme, so that

* the same seed gives the same numbers whatever else the run does;
* all schemes meet the same fading (comparisons are paired);
* an array drawn over all UEs in index order keeps its head when UEs are added.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str, *ids: int) -> np.random.Generator:
    """Generator of the stream `name` with indices `ids` (non-negative) under `seed`."""
    key = (zlib.crc32(name.encode()), *ids)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
