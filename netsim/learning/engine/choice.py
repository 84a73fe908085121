"""Which engine computes: a fast one for architectures it knows, else PEFT's own modules."""

from __future__ import annotations

from collections.abc import Sequence

from netsim.errors import InputError
from netsim.learning.adapters import AdapterLayout
from netsim.learning.engine import decoder, encoder
from netsim.learning.engine.encoder_families import ENCODERS
from netsim.learning.engine.encoder_families import supports as encoder_supports
from netsim.learning.engine.local_descent import Engine
from netsim.learning.foundation import Foundation

KINDS = ("auto", "fast", "generic")


def slow_because(
    engine: Engine,
    foundation: Foundation,
    layouts: Sequence[AdapterLayout],
) -> str:
    """Why no batched engine computes; "" where one does."""
    if isinstance(engine, encoder.EncoderEngine | decoder.DecoderEngine):
        return ""
    family = str(foundation.model.config.model_type)
    known = (*ENCODERS, *decoder.DECODERS)
    if family not in known:
        return f"there is no batched engine for the family {family} (only for {', '.join(known)})"
    if any(layout.spec.full for layout in layouts):
        return "a module of rank 0 trains every weight"
    return f"the batched engine for {family} does not take this configuration or these layers"


def make_engine(
    kind: str,
    foundation: Foundation,
    layouts: Sequence[AdapterLayout],
    train_head: bool,
) -> Engine:
    """`kind` is "auto" (fast where possible), "fast" (that or an error) or "generic"."""
    if kind not in KINDS:
        raise InputError("the engine must be auto, fast or generic", value=kind)
    if kind != "generic":
        if encoder_supports(foundation, layouts):
            return encoder.EncoderEngine(foundation, layouts, train_head=train_head)
        if decoder.supports(foundation, layouts):
            return decoder.DecoderEngine(foundation, layouts, train_head=train_head)
    if kind == "fast":
        known = ", ".join((*ENCODERS, *decoder.DECODERS))
        rule = f"the fast engines take {known} with LoRA on their layers"
        raise InputError(rule, value=foundation.name)
    # PEFT takes a while to import, and only this engine needs it.
    from netsim.learning.engine.generic import GenericEngine

    return GenericEngine(foundation, train_head=train_head)
