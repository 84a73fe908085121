"""Which engine computes: the fast one for architectures it knows, else PEFT's own modules."""

from __future__ import annotations

from collections.abc import Sequence

from netsim.errors import InputError
from netsim.learning import encoder
from netsim.learning.adapters import Layout
from netsim.learning.foundation import Foundation
from netsim.learning.gradients import Engine


def make_engine(kind: str, foundation: Foundation, layouts: Sequence[Layout], train_head: bool) -> Engine:
    """`kind` is "auto" (fast where possible), "encoder" (the fast one or an error) or "generic"."""
    if kind not in ("auto", "encoder", "generic"):
        raise InputError("the engine must be auto, encoder or generic", value=kind)
    fast = encoder.supports(foundation, layouts)
    if kind == "encoder" and not fast:
        rule = f"the engine 'encoder' takes {', '.join(encoder.FAMILIES)} with adapters on encoder layers"
        raise InputError(rule, value=foundation.name)
    if fast and kind != "generic":
        return encoder.EncoderEngine(foundation, layouts, train_head=train_head)
    from netsim.learning.generic import GenericEngine  # PEFT takes a while to import, and only this needs it

    return GenericEngine(foundation, train_head=train_head)
