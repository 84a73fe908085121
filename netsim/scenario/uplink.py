"""Keys of how the UEs of a gNB share its uplink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from netsim.scenario.section import Section, key
from netsim.scenario.upload import FLOAT_BITS

OFDMA, AIRCOMP, NOMA = "ofdma", "aircomp", "noma"


class UplinkKeys(Section):
    """Access to the uplink."""

    access: Literal["ofdma", "aircomp", "noma"] = key(
        OFDMA,
        "each upload has a part of the band of its own, or all of a gNB are sent at once, as "
        "analog signals that add up on the air (over-the-air aggregation); noma: two UEs share a "
        "band, and the gNB tells them apart",
    )
    sic_residual: float = key(
        0.0,
        "noma: part of the power of the upload that is decoded first that stays when it is "
        "subtracted",
        ge=0,
        le=1,
    )
    truncation: float | None = key(
        None,
        "aircomp: part of a module's UEs that are expected to be silent, as their fading keeps "
        "them from the common receive power; default: that with the least expected error",
        gt=0,
        lt=1,
    )


def access_faults(scenario: Any) -> Iterator[str]:
    """Rules that join the access with other keys of a Scenario, where they are broken."""
    if scenario.uplink.access == NOMA:
        yield from _pairing_faults(scenario)
    if scenario.uplink.access != AIRCOMP:
        if scenario.uplink.truncation is not None:
            yield f"uplink.truncation needs uplink.access = {AIRCOMP}"
        return
    radio, analog = scenario.radio, f"uplink.access = {AIRCOMP}"
    wanted = (
        ("radio.rate_model", radio.rate_model, "shannon", "analog symbols have no code"),
        ("radio.retransmissions", radio.retransmissions, 0, "nobody knows what was lost of a sum"),
        ("radio.reallocation", radio.reallocation, "static", "all share one band to the end"),
        ("radio.interference", radio.interference, "field", "other cells send digitally"),
        ("radio.fading", radio.fading, "round", "UEs invert the channel that they know"),
        ("radio.power_control", radio.power_control, None, "UEs invert their channels"),
        ("round.alloc_start", scenario.round.alloc_start, "barrier", "symbols must coincide"),
        ("radio.success_model", radio.success_model, None, "it is how likely a UE is silent"),
        ("device.battery_j", scenario.device.battery_j, None, "all go on to the end"),
        ("record", scenario.record, False, "its channels cannot be replayed"),
        ("round.late_uploads", scenario.round.late_uploads, "drop", "symbols must coincide"),
        (
            "upload.secure_aggregation",
            scenario.upload.secure_aggregation,
            None,
            "masks are of integers",
        ),
        ("upload.codec", scenario.upload.codec, "none", "numbers are sent as amplitudes"),
    )
    for name, value, needed, why in wanted:
        if value != needed:
            needs = f"no {name}" if needed is None else f"{name} = {str(needed).lower()}"
            yield f"{analog} needs {needs}: {why}"
    if scenario.learning.payload_bits_per_parameter != FLOAT_BITS:
        yield f"{analog} needs learning.payload_bits_per_parameter = {FLOAT_BITS}: none are sent"
    if scenario.mobility.moves:
        yield f"{analog} needs mobility.kind = static: channels are inverted when a round opens"
    if scenario.channel:
        yield f"{analog} needs no channel: it has the channels of the radio alone"
    if scenario.interferers_follow:
        yield f"{analog} needs radio.interferer_power = fixed: UEs have powers of their own"
    if scenario.flower is not None:
        yield f"{analog} does not go with flower: its messages are digital"


def _pairing_faults(scenario: Any) -> Iterator[str]:
    """Rules that join two UEs on a band with other keys, where they are broken."""
    radio, pairs = scenario.radio, f"uplink.access = {NOMA}"
    to_the_end = "the two share one band to the end"
    masks = scenario.upload.secure_aggregation
    fixed = "the order of decoding is that of mean gains and equal powers"
    wanted = (
        ("radio.rate_model", radio.rate_model, "shannon", "rates are those of the capacity region"),
        ("radio.interference", radio.interference, "field", "other cells send one upload a band"),
        ("radio.fading", radio.fading, "round", to_the_end),
        ("radio.retransmissions", radio.retransmissions, 0, to_the_end),
        ("radio.reallocation", radio.reallocation, "static", to_the_end),
        ("radio.power_control", radio.power_control, None, fixed),
        ("radio.interferer_power", _interferers(scenario), "fixed", fixed),
        ("round.late_uploads", scenario.round.late_uploads, "drop", "pairs send in one round"),
        ("mobility.kind", scenario.mobility.kind, "static", fixed),
        ("channel", len(scenario.channel), 0, fixed),
        ("record", scenario.record, False, "a replay could not tell who is heard"),
        ("learning.log_risk", scenario.learning.log_risk, False, "its lambda knows no partners"),
        ("upload.secure_aggregation", masks, None, "answers would need pairs of their own"),
    )
    for name, value, needed, why in wanted:
        if value != needed:
            yield f"{pairs} needs {name} = {str(needed).lower()}: {why}"


def _interferers(scenario: Any) -> str:
    return "equal" if scenario.interferers_follow else "fixed"
