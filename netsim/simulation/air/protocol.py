"""What the loop over uploads asks of the air."""

from __future__ import annotations

from typing import Protocol

from netsim.radio.progress import Transmission
from netsim.simulation.uploads.table import Uploads
from netsim.units import FloatArray, IntArray


class Air(Protocol):
    """The uplink channel of one round.

    `field` draws interferers for every upload, so uploads do not disturb one another and can be
    followed as far as one likes. `network` has the interference of the actual uploads of all
    cells, and is followed one coherence block at a time.
    """

    @property
    def block_fading(self) -> bool:
        """Fading changes from block to block; else one draw holds for an attempt."""
        ...

    @property
    def whole_threshold(self) -> float | None:
        """What signal over mean interference must come to, or an attempt is in outage.

        None: the SINR at its start, or under block fading that of each block, decides.
        """
        ...

    @property
    def block_end_s(self) -> float | None:
        """End of the block in progress, from which changes hold; None: they hold at once."""
        ...

    def next_step_s(self, start_s: FloatArray) -> tuple[float, float]:
        """Begin and end of the next step, for uploads that go on at `start_s`."""
        ...

    def transmit(
        self,
        uploads: Uploads,
        rows: IntArray,
        stop_s: FloatArray,
    ) -> Transmission:
        """What becomes of `rows` [R] from their `start_s` to `stop_s` [R] on the bands they have.

        Changes nothing of the uploads. The bits to be sent are the rows' `left_bits`.
        """
        ...

    def interference_level(
        self,
        uploads: Uploads,
        rows: IntArray,
    ) -> FloatArray:
        """Part of the interference in its UE's whole band that falls on each of `rows`. [R]."""
        ...
