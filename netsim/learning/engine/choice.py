"""Which engine computes: a fast one for architectures it knows, else PEFT's own modules."""

from __future__ import annotations

from collections.abc import Sequence

from netsim.errors import InputError
from netsim.learning.adapters import Layout
from netsim.learning.engine import decoder, encoder
from netsim.learning.engine import encoder_families as families
from netsim.learning.engine.local_descent import Engine
from netsim.learning.foundation import Foundation


def make_engine(
    kind: str, foundation: Foundation, layouts: Sequence[Layout], train_head: bool
) -> Engine:
    """`kind` is "auto" (fast where possible), "fast" (that or an error) or "generic"."""
    if kind not in ("auto", "fast", "generic"):
        raise InputError("the engine must be auto, fast or generic", value=kind)
    if kind != "generic":
        if encoder.supports(foundation, layouts):
            return encoder.EncoderEngine(foundation, layouts, train_head=train_head)
        if decoder.supports(foundation, layouts):
            return decoder.DecoderEngine(foundation, layouts, train_head=train_head)
    if kind == "fast":
        known = ", ".join((*families.FAMILIES, *decoder.FAMILIES))
        raise InputError(
            f"the fast engines take {known} with LoRA on their layers", value=foundation.name
        )
    from netsim.learning.engine.generic import (
        GenericEngine,
    )  # PEFT takes a while to import, and only this needs it

    return GenericEngine(foundation, train_head=train_head)
