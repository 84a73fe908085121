"""Keys of what uploads are encoded as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netsim.scenario.section import NonNegative, PluginChoice, Section, key

CODECS = "none, bfloat16, qsgd, sign, fixed_point, top_k, random_k, topk_qsgd, or a plug-in"
AS_IT_IS = "none"
FLOAT_BITS = 32  # of a number, as it is trained
SINGLE = "the gNB sees no single upload"


class SecureAggregation(Section):
    """Cost of sums of masked uploads (Bonawitz et al., CCS 2017): modelled, not cryptographic."""

    threshold: float = key(
        2 / 3,
        "part of those who hold shares of a UE's secrets that must have arrived; below it the sum "
        "of a module is lost",
        gt=0,
        le=1,
    )
    partners: int | None = key(
        None,
        "UEs with which each UE shares masks, an even number (Bell et al., CCS 2020); default: all "
        "others",
        ge=2,
        multiple_of=2,
    )
    key_bits: int = key(256, "a_K, of a public key", unit="bit", ge=1, le=100_000)
    share_bits: int = key(256, "a_S, of a share of a secret", unit="bit", ge=1, le=100_000)
    round_trip_s: NonNegative = key(
        0.02,
        "of each of three exchanges beside the upload, besides their bits: keys, shares, unmasking",
        unit="s",
    )


class Upload(PluginChoice):
    """Encoding of uploads; other keys are the codec's own parameters."""

    codec: str = key(
        AS_IT_IS,
        f"what the change since the download is encoded as, and aggregated as: {CODECS}",
        min_length=1,
    )
    error_feedback: bool = key(
        False,
        "UEs add to the next upload what has not arrived of those before; then UEs train before "
        "their uplinks, also those whose uploads are lost",
    )
    secure_aggregation: SecureAggregation | None = None


def encoding_faults(scenario: Any) -> Iterator[str]:
    """Rules that join encodings with other keys of a Scenario, where they are broken."""
    if scenario.upload.error_feedback and scenario.upload.codec == AS_IT_IS:
        yield "upload.error_feedback needs an upload.codec other than none"
    yield from _masking_faults(scenario)
    if scenario.flower is not None and scenario.privacy.kind != "none":
        yield "flower needs privacy.kind = none: its apps have mods of their own"
    for section in ("upload", "downlink"):
        codec = getattr(scenario, section).codec
        if codec == AS_IT_IS:
            continue
        encoded = f"{section}.codec = {codec}, whose bits are those of the encoding"
        if scenario.flower is not None:
            yield f"flower needs {section}.codec = none: its apps encode what they send"
        if scenario.learning.payload_bits_per_parameter != FLOAT_BITS:
            yield f"learning.payload_bits_per_parameter must be {FLOAT_BITS} with {encoded}"
        for index, module in enumerate(scenario.modules):
            for name in ("payload_bits_override", "download_bits_override"):
                if getattr(module, name) is not None:
                    yield f"modules.{index}.{name} must not be set with {encoded}"


def _masking_faults(scenario: Any) -> Iterator[str]:
    """Rules that join secure aggregation with other keys, where they are broken."""
    if scenario.upload.secure_aggregation is None:
        return
    one_round = "a sum is of one round"
    wanted = (
        ("upload.error_feedback", scenario.upload.error_feedback, False, "codes are cut"),
        ("round.late_uploads", scenario.round.late_uploads, "drop", one_round),
        ("privacy.kind = central", scenario.privacy.kind == "central", False, SINGLE),
        ("learning.control_variates", scenario.learning.control_variates, False, "they have none"),
        ("flower", scenario.flower, None, "its apps have mods of their own"),
        ("mobility.handover = resume", scenario.mobility.handover == "resume", False, one_round),
        ("device.power", scenario.device.power, "transmit_only", "who waits to answer is not told"),
        ("device.battery_j", scenario.device.battery_j, None, "an empty battery ends a round"),
    )
    for name, value, fit, why in wanted:
        if value != fit:
            needed = "must not be set" if fit in (None, False) else f"must be {fit}"
            yield f"{name} {needed} with upload.secure_aggregation: {why}"
