"""Keys of the link layer of 5G NR."""

from __future__ import annotations

from typing import Literal

from netsim.scenario.section import Finite, NonNegative, Section, key


class Nr(Section):
    """Link layer of 5G NR, with radio.rate_model = nr (TS 38.211, 38.214)."""

    subcarrier_spacing_khz: Literal[15, 30, 60, 120] = key(30, "subcarrier spacing", unit="kHz")
    uplink_fraction: float = key(
        1.0, "part of the slots that are the uplink's (TDD); 1 is FDD", ge=1e-3, le=1
    )
    dmrs_elements: int = key(
        12, "resource elements for DM-RS in each resource block and slot", ge=0, le=72
    )
    overhead_elements: Literal[0, 6, 12, 18] = key(0, "other overhead, N_oh of TS 38.214, 5.1.3.2")
    mcs_table: Literal[1, 2, 3] = key(
        1, "schemes of TS 38.214, 5.1.3.1: up to 64-QAM, up to 256-QAM, low efficiency"
    )
    target_error: float = key(
        0.1, "error rate of first transmissions that schemes are chosen for", ge=1e-6, lt=1
    )
    margin_db: Finite = key(
        0.0, "by which the known SINR is lowered at first", unit="dB", ge=-15, le=15
    )
    outer_step_db: NonNegative = key(
        0.1,
        "fading = block: how much the margin grows with a loss, so that losses come to "
        "target_error; 0: it stays",
        unit="dB",
        le=15,
    )
    csi_delay_s: NonNegative = key(
        4e-3, "fading = block: age of the SINR that schemes are chosen by", unit="s"
    )
    grant_delay_slots: int = key(
        4, "slots from an upload's request to its first data", ge=0, le=10_000
    )
    round_trip_slots: int = key(
        8, "slots from a transmission to the next of the same block", ge=1, le=10_000
    )
    harq: Literal["incremental", "chase", "none"] = key(
        "incremental", "retransmissions bring new parity bits, add up SINRs, or stand alone"
    )
    errors: Literal["expected", "sampled"] = key(
        "expected", "rates are means over block errors, or errors are drawn"
    )
    transmissions: int = key(4, "of a transport block, at most; then RLC sends it anew", ge=1, le=4)
