"""How far the uploads of a medium are at a time within the block that it has stepped last.

Who is on the air in a block, and at which rate, is known at its start, and an upload that ends in
it is told of then. A round may end within a block: what came after is taken back, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.units import BoolArray, FloatArray

Standing = dict[str, FloatArray]
"""Numbers of R uploads by name; open, outage and usable are 0 or 1."""

STANDING = (
    "open",
    "start",
    "attempt",
    "left",
    "airtime",
    "sinr",
    "outage",
    "usable",
    "piece_start",
    "piece_bits",
)


@dataclass(frozen=True)
class Block:
    """One step of a medium with R uploads."""

    before: Standing
    open_s: FloatArray  # [R] when they are on the air from
    rate_bps: FloatArray  # [R] 0 in a block that carries nothing
    ratio: FloatArray  # [R] SINR
    on: BoolArray  # [R]
    fresh: BoolArray  # [R] the attempt begins
    through_s: FloatArray  # [R] end of those through in it, inf of others
    end_s: float


def stand(
    now: Standing, block: Block | None, time_s: float, *, threshold: float, blocks: bool
) -> Standing:
    """`now` as it was at `time_s`, not before the block; `blocks`: block fading."""
    if block is None or time_s >= block.end_s:
        return now
    undone = (block.before["open"] > 0) & ~(block.through_s <= time_s)
    out = {name: np.where(undone, block.before[name], values) for name, values in now.items()}
    spent = np.where(undone & block.on, np.maximum(time_s - block.open_s, 0.0), 0.0)
    on, fresh = spent > 0, block.fresh & (spent > 0)
    good = block.ratio >= threshold
    if blocks:
        out["sinr"] = np.where(fresh, 0.0, out["sinr"])
        out["sinr"] = np.where(on, out["sinr"] + block.ratio * spent, out["sinr"])
        out["usable"] = np.where(on & good, 1.0, out["usable"])
    else:
        out["sinr"] = np.where(fresh, block.ratio, out["sinr"])
        out["outage"] = np.where(fresh, ~good, out["outage"])
    bits = np.minimum(block.rate_bps * spent, out["left"])
    out["airtime"] = out["airtime"] + spent
    out["left"] = out["left"] - bits
    out["piece_bits"] = out["piece_bits"] + bits
    return out
