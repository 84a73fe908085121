"""Keys of what uploads are encoded as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netsim.scenario.section import PluginChoice, key

CODECS = "none, bfloat16, qsgd, sign, top_k, random_k, topk_qsgd, or a plug-in"
AS_IT_IS = "none"
FLOAT_BITS = 32  # of a number, as it is trained


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


def encoding_faults(scenario: Any) -> Iterator[str]:
    """Rules that join encodings with other keys of a Scenario, where they are broken."""
    if scenario.upload.error_feedback and scenario.upload.codec == AS_IT_IS:
        yield "upload.error_feedback needs an upload.codec other than none"
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
