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
from scipy.stats import binom

from netsim.errors import InputError
from netsim.radio.nr.adaptation import TARGET_ERROR, highest_scheme
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
    target_error: float = TARGET_ERROR
    margin_db: float = 0.0  # of the inner loop, by which the known SINR is lowered
    csi_delay_s: float = 4e-3  # age of the SINR that the scheme is chosen by

    def __post_init__(self) -> None:
        SchemeTable(self.mcs_table)
        if not 0 < self.target_error < 1:
            rule = "the target error rate must lie in (0, 1)"
            raise InputError(rule, value=self.target_error)
        if self.csi_delay_s < 0:
            raise InputError("the CSI delay must not be negative", value=self.csi_delay_s)

    @property
    def schemes(self) -> SchemeTable:
        """The modulation and coding schemes."""
        return _schemes(self.mcs_table)

    def expected_bps(
        self,
        blocks: IntArray,
        sinr: FloatArray,
        known_sinr: FloatArray,
    ) -> FloatArray:
        """Mean goodput of uploads on `blocks` [R] resource blocks, bit/s. [R, B].

        sinr: linear, in each coherence block, [R, B]. known_sinr: by which schemes are chosen.
        """
        stack, row = self._stacked(blocks)
        scheme = stack.scheme_at(row, _nearest(known_sinr))
        return stack.rate_at(row, scheme, _nearest(sinr))

    def sampled_bps(
        self,
        blocks: IntArray,
        sinr: FloatArray,
        known_sinr: FloatArray,
        length_s: float,
        uniform: FloatArray,
    ) -> FloatArray:
        """Goodput with drawn errors in coherence blocks of `length_s`; its mean is `expected_bps`.

        uniform: one random number in [0, 1) for each block, [R, B].
        """
        stack, row = self._stacked(blocks)
        scheme = stack.scheme_at(row, _nearest(known_sinr))
        mean_bps = stack.rate_at(row, scheme, _nearest(sinr))
        full_bps = stack.size_bits[row[:, None], scheme] * self.grid.uplink_slots_per_s
        slots = length_s * self.grid.uplink_slots_per_s
        whole = np.floor(slots)
        completes = np.divide(
            mean_bps,
            full_bps,
            out=np.zeros_like(mean_bps),
            where=full_bps > 0,
        )
        completed = np.maximum(
            binom.ppf(
                uniform,
                whole,
                np.clip(completes, 0.0, 1.0),
            ),
            0.0,
        )
        part = completes * (slots - whole)  # of a slot that reaches into the next block
        return np.asarray((completed + part) / slots * full_bps)

    def rate_bps(
        self,
        blocks: IntArray,
        sinr: FloatArray,
        coherence_s: float,
    ) -> FloatArray:
        """Mean goodput over coherence blocks [R, B] with SINRs that are known late, bit/s.

        For `csi_delay_s` of every block the scheme is still that of the block before. The first
        block given has nothing before it and goes by its own SINR throughout.
        """
        stack, row = self._stacked(blocks)
        entry = _nearest(sinr)
        scheme = stack.scheme_at(row, entry)
        late = min(self.csi_delay_s / coherence_s, 1.0)
        if late == 0:
            return stack.rate_at(row, scheme, entry)
        before = np.concatenate([scheme[:, :1], scheme[:, :-1]], axis=1)
        stale = stack.rate_at(row, before, entry)
        if late == 1:
            return stale
        fresh = stack.rate_at(row, scheme, entry)
        return np.asarray(late * stale + (1 - late) * fresh)

    def drawn_rate_bps(
        self,
        blocks: IntArray,
        sinr: FloatArray,
        coherence_s: float,
        uniform: FloatArray,
    ) -> FloatArray:
        """As `rate_bps`, its mean, with drawn errors; uniform: one number per block, [R, B]."""
        late_s = min(self.csi_delay_s, coherence_s)
        before = np.concatenate([sinr[:, :1], sinr[:, :-1]], axis=1)
        carried = np.zeros(sinr.shape)
        for known, length_s in ((before, late_s), (sinr, coherence_s - late_s)):
            if length_s > 0:
                rate = self.sampled_bps(blocks, sinr, known, length_s, uniform)
                carried += length_s * rate
        return carried / coherence_s

    @property
    def peak_bps(self) -> float:
        """Goodput on all resource blocks at the highest SINR."""
        table = goodput_table(self, self.grid.blocks)
        return float(table.rate_bps[:, -1].max())

    @cached_property
    def lowest_sinr(self) -> float:
        """SINR below which even the first scheme loses half of its transport blocks for good."""
        table = goodput_table(self, 1)
        kept = table.residual[0] <= 0.5
        first_db = sinr_grid_db()[int(np.argmax(kept))]
        return float(from_db(first_db))

    def _stacked(self, blocks: IntArray) -> tuple[_TableStack, IntArray]:
        """Tables of the numbers of blocks that occur, and the table of each row."""
        distinct, row = np.unique(blocks, return_inverse=True)
        counts = tuple(distinct.tolist())
        return _stack(self, counts), row


@dataclass(frozen=True)
class GoodputTable:
    """What N schemes deliver on a number of resource blocks, over S SINRs."""

    rate_bps: FloatArray  # [N, S]
    first_error: FloatArray  # [N, S] of the first transmission
    residual: FloatArray  # [N, S] lost for good
    size_bits: IntArray  # [N] transport-block sizes


def sinr_grid_db() -> FloatArray:
    """SINRs of the goodput tables, dB. [S]."""
    return LOWEST_DB + STEP_DB * np.arange(SINRS, dtype=np.float64)


@lru_cache(maxsize=4)
def _schemes(number: int) -> SchemeTable:
    return SchemeTable(number)


@lru_cache(maxsize=1024)
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
        first_error=lost[0],
        residual=lost[-1],
        size_bits=size,
    )


@dataclass(frozen=True)
class _TableStack:
    """Tables of U numbers of resource blocks in one array, for lookups of many rows at once."""

    rate_bps: FloatArray  # [U * N * S]
    scheme: IntArray  # [U * S] that the inner loop chooses
    size_bits: IntArray  # [U, N]

    def scheme_at(self, row: IntArray, entry: IntArray) -> IntArray:
        """Scheme by table `row` [R] and entry of the known SINR [R, B]. [R, B]."""
        first = row * SINRS
        return np.asarray(self.scheme.take(first[:, None] + entry))

    def rate_at(
        self,
        row: IntArray,
        scheme: IntArray,
        entry: IntArray,
    ) -> FloatArray:
        """Goodput by table `row` [R], scheme [R, B] and entry of the SINR [R, B]. [R, B]."""
        schemes = self.size_bits.shape[1]
        first = row * schemes
        table = (first[:, None] + scheme) * SINRS
        return np.asarray(self.rate_bps.take(table + entry))


@lru_cache(maxsize=64)
def _stack(link: NrLink, blocks: tuple[int, ...]) -> _TableStack:
    tables = [goodput_table(link, count) for count in blocks]
    margin = round(link.margin_db / STEP_DB)
    schemes = []
    for table in tables:
        chosen = highest_scheme(table.first_error, link.target_error)
        known = np.clip(
            np.arange(len(chosen)) - margin,
            0,
            len(chosen) - 1,
        )
        schemes.append(chosen[known])
    return _TableStack(
        rate_bps=np.concatenate([table.rate_bps.ravel() for table in tables]),
        scheme=np.concatenate(schemes),
        size_bits=np.array([table.size_bits for table in tables]),
    )


def _nearest(sinr: FloatArray) -> IntArray:
    """Entry of the tables that is nearest to a linear SINR. Any shape."""
    position = np.log10(np.clip(sinr, _LOWEST, _HIGHEST))
    position *= 10 / STEP_DB
    position += 0.5 - LOWEST_DB / STEP_DB
    return position.astype(np.int64)
