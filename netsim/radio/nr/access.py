"""Time that an upload over NR takes besides its bits: the grant, and the last block's HARQ.

Between the two a transmission follows another in every uplink slot, whether new or repeated, so
that round trips cost no time but in the transport block that ends the upload. The outer loop holds
its first transmission's loss at the target, so it is late by a round trip with that probability,
and by a further one where that fails too, which is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.radio.rate_model import upload_draws
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Access:
    """What uploads wait for; as it stands nothing, as in the paper."""

    grant_s: float = 0.0  # from the scheduling request to the first data
    round_trip_s: float = 0.0  # of HARQ
    lost: float = 0.0  # probability that the first transmission fails
    sampled: bool = False  # whether it does is drawn
    seed: int = 0

    def delay_s(self, ue: IntArray, module: IntArray, round: int | None = None) -> FloatArray:
        """Of uploads of (UE, module) [M] in a round; None: expected. [M]."""
        again = np.full(len(ue), self.lost)
        if self.sampled and round is not None:
            draws = upload_draws(
                self.seed,
                "nr_last_block",
                (round,),
                ue=ue,
                module=module,
                count=1,
            )
            again = (draws[:, 0] < self.lost).astype(np.float64)
        return self.grant_s + again * self.round_trip_s
