"""Delivered bits per second of NR uploads: scheme, errors and retransmissions together.

In the steady state of HARQ every uplink slot carries one transmission of some transport block. With
P(lost for good) = p and E[T] transmissions per block, a slot completes a block with probability
(1 - p) / E[T], so that

    goodput = transport-block size * uplink slots per second * (1 - p) / E[T].

What is lost for good is repeated by RLC, as a new transport block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.radio.nr.adaptation import OuterLoop
from netsim.radio.nr.error_rate import transport_block_error
from netsim.radio.nr.grid import ResourceGrid
from netsim.radio.nr.harq import Harq, expected_transmissions, still_lost
from netsim.radio.nr.information import HIGHEST_DB, LOWEST_DB
from netsim.radio.nr.schemes import SchemeTable
from netsim.radio.nr.transport import code_blocks, transport_block_bits
from netsim.units import FloatArray, IntArray, from_db

STEP_DB = 0.1
"""Step of the tables over SINR; lookups take the nearest entry."""

SINRS = round((HIGHEST_DB - LOWEST_DB) / STEP_DB) + 1
"""S, entries of the tables over SINR."""

_LOWEST = from_db(LOWEST_DB)
_HIGHEST = from_db(HIGHEST_DB)


@dataclass(frozen=True)
class NrLink:
    """The link layer of one carrier, with its parameters."""

    grid: ResourceGrid = field(default_factory=ResourceGrid)
    mcs_table: int = 1
    harq: Harq = field(default_factory=Harq)
    outer_loop: OuterLoop = field(default_factory=OuterLoop)
    margin_db: float = 0.0  # by which the known SINR is lowered at first
    csi_delay_s: float = 4e-3  # age of the SINR that the scheme is chosen by

    def __post_init__(self) -> None:
        SchemeTable(self.mcs_table)
        if self.csi_delay_s < 0:
            raise InputError("the CSI delay must not be negative", value=self.csi_delay_s)

    @property
    def schemes(self) -> SchemeTable:
        """The modulation and coding schemes."""
        return _schemes(self.mcs_table)

    @property
    def peak_bps(self) -> float:
        """Goodput on all resource blocks at the highest SINR."""
        table = goodput_table(self, self.grid.blocks)
        return float(table.rate_bps[:, -1].max())

    @cached_property
    def lowest_sinr(self) -> float:
        """SINR below which even the first scheme loses half of its transport blocks for good."""
        table = goodput_table(self, 1)
        kept = table.lost[-1, 0] <= 0.5
        first_db = sinr_grid_db()[int(np.argmax(kept))]
        return float(from_db(first_db))

    @property
    def round_trip_s(self) -> float:
        """From a transmission to the next of the same block: whole uplink slots."""
        grid = self.grid
        slots = np.ceil(self.harq.round_trip_slots * grid.uplink_fraction - 1e-9)
        return float(slots / grid.uplink_slots_per_s)


@dataclass(frozen=True)
class GoodputTable:
    """What N schemes deliver on a number of resource blocks, over S SINRs."""

    rate_bps: FloatArray  # [N, S]
    lost: NDArray[np.float32]  # [m, N, S] after each transmission; the last of them for good
    size_bits: IntArray  # [N] transport-block sizes


def sinr_grid_db() -> FloatArray:
    """SINRs of the goodput tables, dB. [S]."""
    return LOWEST_DB + STEP_DB * np.arange(SINRS, dtype=np.float64)


def nearest_entry(sinr: FloatArray) -> IntArray:
    """Entry of the tables that is nearest to a linear SINR, NaN as the highest. Any shape."""
    position = np.log10(np.fmax(np.fmin(sinr, _HIGHEST), _LOWEST))
    position *= 10 / STEP_DB
    position += 0.5 - LOWEST_DB / STEP_DB
    return position.astype(np.int64)


@lru_cache(maxsize=4)
def _schemes(number: int) -> SchemeTable:
    return SchemeTable(number)


@lru_cache(maxsize=300)
def goodput_table(link: NrLink, blocks: int) -> GoodputTable:
    """The table of a link for one number of resource blocks."""
    schemes = link.schemes
    elements = np.array(blocks * link.grid.elements_per_block)
    size = transport_block_bits(elements, schemes.order, schemes.code_rate)
    cut = code_blocks(size, schemes.code_rate)
    grid = sinr_grid_db()
    errors = []
    for order in np.unique(schemes.order).tolist():
        rows = schemes.order == order
        block_errors = link.harq.block_errors(
            grid,
            order,
            schemes.code_rate[rows, None],
            cut.bits[rows, None],
        )
        errors.append(transport_block_error(block_errors, cut.count[rows, None]))
    lost = still_lost(np.concatenate(errors, axis=1), link.harq.combining)  # [m, N, S]
    completes = (1 - lost[-1]) / expected_transmissions(lost)
    size_bps = size[:, None] * link.grid.uplink_slots_per_s
    return GoodputTable(
        rate_bps=size_bps * completes,
        lost=lost.astype(np.float32),
        size_bits=size,
    )
