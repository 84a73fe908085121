"""Keys of how the UEs of a gNB share its uplink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from netsim.scenario.section import Positive, Section, key
from netsim.scenario.upload import FLOAT_BITS

OFDMA, AIRCOMP = "ofdma", "aircomp"


class UplinkKeys(Section):
    """Access to the uplink."""

    access: Literal["ofdma", "aircomp"] = key(
        OFDMA,
        "each upload has a part of the band of its own, or all of a gNB are sent at once, as "
        "analog signals that add up on the air (over-the-air aggregation)",
    )
    truncation: Positive = key(
        0.1,
        "aircomp: fading gain |h|^2 down to which the weakest UE of the plan reaches the common "
        "receive power; a UE that cannot reach it is silent",
        ge=1e-9,
        le=1e9,
    )


def access_faults(scenario: Any) -> Iterator[str]:
    """Rules that join the access with other keys of a Scenario, where they are broken."""
    if scenario.uplink.access != AIRCOMP:
        return
    radio, analog = scenario.radio, f"uplink.access = {AIRCOMP}"
    yield f"{analog} is not carried out yet"
    wanted = (
        ("radio.rate_model", radio.rate_model, "shannon", "analog symbols have no code"),
        ("radio.retransmissions", radio.retransmissions, 0, "nobody knows what was lost of a sum"),
        ("radio.reallocation", radio.reallocation, "static", "all share one band to the end"),
        ("radio.interference", radio.interference, "field", "other cells send digitally"),
        ("radio.fading", radio.fading, "round", "UEs invert the channel that they know"),
        ("radio.power_control", radio.power_control, None, "UEs invert their channels"),
        ("round.alloc_start", scenario.round.alloc_start, "barrier", "symbols must coincide"),
        ("round.late_uploads", scenario.round.late_uploads, "drop", "symbols must coincide"),
        ("upload.codec", scenario.upload.codec, "none", "numbers are sent as amplitudes"),
    )
    for name, value, needed, why in wanted:
        if value != needed:
            yield f"{analog} needs {name} = {str(needed).lower()}: {why}"
    if scenario.learning.payload_bits_per_parameter != FLOAT_BITS:
        yield f"{analog} needs learning.payload_bits_per_parameter = {FLOAT_BITS}: none are sent"
    if scenario.flower is not None:
        yield f"{analog} does not go with flower: its messages are digital"
