"""Named random streams: randomness is an argument, never a global.

The key of a stream is what it decides (a name) and the indices it belongs to (round, block), never
the order of drawing and never the scheme. Therefore

* the same seed gives the same numbers whatever else the run does;
* all schemes meet the same fading, so that comparisons are paired;
* an array drawn over all UEs in index order keeps its first entries when UEs are added.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str, *ids: int) -> np.random.Generator:
    """Generator of the stream `name` with indices `ids` (non-negative) under `seed`."""
    key = (zlib.crc32(name.encode()), *ids)
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return np.random.Generator(np.random.PCG64(sequence))
