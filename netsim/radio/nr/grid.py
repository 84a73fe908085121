"""The resource grid of an NR carrier: numerology, resource blocks, slots, overheads.

Resource blocks by channel bandwidth: 3GPP TS 38.101-1 (v17) Table 5.3.2-1 for FR1, TS 38.101-2
Table 5.3.2-1 for FR2. Slots: TS 38.211 clause 4.3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.errors import InputError
from netsim.units import FloatArray, IntArray

SUBCARRIERS_PER_BLOCK = 12
SYMBOLS_PER_SLOT = 14

RESOURCE_BLOCKS: dict[int, dict[int, int]] = {
    15: {
        5: 25,
        10: 52,
        15: 79,
        20: 106,
        25: 133,
        30: 160,
        35: 188,
        40: 216,
        45: 242,
        50: 270,
    },
    30: {
        5: 11,
        10: 24,
        15: 38,
        20: 51,
        25: 65,
        30: 78,
        35: 92,
        40: 106,
        45: 119,
        50: 133,
        60: 162,
        70: 189,
        80: 217,
        90: 245,
        100: 273,
    },
    60: {
        10: 11,
        15: 18,
        20: 24,
        25: 31,
        30: 38,
        35: 44,
        40: 51,
        45: 58,
        50: 65,
        60: 79,
        70: 93,
        80: 107,
        90: 121,
        100: 135,
        200: 264,
    },
    120: {
        50: 32,
        100: 66,
        200: 132,
        400: 264,
    },
}
"""Most resource blocks: subcarrier spacing in kHz -> channel bandwidth in MHz -> blocks.

At 60 kHz, 50 and 100 MHz are those of FR1; FR2 has one and two blocks more there (66, 132).
"""


def resource_blocks(bandwidth_hz: float, subcarrier_spacing_hz: float) -> int:
    """Resource blocks N_RB of a channel. Raises InputError for a channel that NR does not have."""
    spacing_khz = round(subcarrier_spacing_hz / 1e3)
    channels = RESOURCE_BLOCKS.get(spacing_khz)
    if channels is None or spacing_khz * 1e3 != subcarrier_spacing_hz:
        known = ", ".join(str(khz) for khz in RESOURCE_BLOCKS)
        rule = f"the subcarrier spacing must be one of {known} kHz"
        raise InputError(rule, value=subcarrier_spacing_hz)
    bandwidth_mhz = round(bandwidth_hz / 1e6)
    if bandwidth_mhz not in channels or bandwidth_mhz * 1e6 != bandwidth_hz:
        known = ", ".join(str(mhz) for mhz in channels)
        nr = f"radio.rate_model = nr and radio.nr.subcarrier_spacing_khz = {spacing_khz}"
        rule = f"with {nr} must be one of {known} MHz"
        raise InputError(rule, value=bandwidth_hz)
    return channels[bandwidth_mhz]


@dataclass(frozen=True)
class ResourceGrid:
    """One carrier as an uplink sees it."""

    bandwidth_hz: float = 100e6
    subcarrier_spacing_hz: float = 30e3
    uplink_fraction: float = 1.0  # of the slots; 1 is FDD, a TDD pattern DDDSU has about 0.2
    dmrs_elements: int = 12  # resource elements of each block and slot for DM-RS: one symbol
    overhead_elements: int = 0  # N_oh of TS 38.214 clause 5.1.3.2: 0, 6, 12 or 18
    symbols: int = SYMBOLS_PER_SLOT  # for data and DM-RS
    grant_delay_slots: int = 4  # from the scheduling request to the first data

    def __post_init__(self) -> None:
        resource_blocks(self.bandwidth_hz, self.subcarrier_spacing_hz)
        if not 0 < self.uplink_fraction <= 1:
            raise InputError("the uplink fraction must lie in (0, 1]", value=self.uplink_fraction)
        if not 1 <= self.symbols <= SYMBOLS_PER_SLOT:
            raise InputError("symbols of a slot must lie in 1..14", value=self.symbols)
        if (
            not 0
            <= self.dmrs_elements + self.overhead_elements
            < SUBCARRIERS_PER_BLOCK * self.symbols
        ):
            taken = self.dmrs_elements + self.overhead_elements
            raise InputError("overheads must leave resource elements for data", value=taken)
        if self.grant_delay_slots < 0:
            rule = "the grant delay must not be negative"
            raise InputError(rule, value=self.grant_delay_slots)

    @property
    def blocks(self) -> int:
        """N_RB, resource blocks of the carrier."""
        return resource_blocks(self.bandwidth_hz, self.subcarrier_spacing_hz)

    def whole_blocks(self, bandwidth_hz: FloatArray) -> IntArray:
        """Whole resource blocks in a part of the channel, guard bands included. Any shape."""
        blocks = bandwidth_hz * (self.blocks / self.bandwidth_hz)
        return np.floor(blocks + 1e-6).astype(np.int64)

    @property
    def block_hz(self) -> float:
        """Width of a resource block, Hz."""
        return SUBCARRIERS_PER_BLOCK * self.subcarrier_spacing_hz

    @property
    def slot_s(self) -> float:
        """Length of a slot: 1 ms / 2^mu."""
        return 1e-3 * 15e3 / self.subcarrier_spacing_hz

    @property
    def uplink_slots_per_s(self) -> float:
        """Slots in which the uplink may send, on average."""
        return self.uplink_fraction / self.slot_s

    @property
    def elements_per_block(self) -> int:
        """N'_RE of TS 38.214 clause 5.1.3.2: data elements of a block and slot, at most 156."""
        elements = SUBCARRIERS_PER_BLOCK * self.symbols
        elements -= self.dmrs_elements + self.overhead_elements
        return min(elements, 156)

    @property
    def grant_delay_s(self) -> float:
        """Time from the scheduling request to the first data."""
        return self.grant_delay_slots * self.slot_s
