"""Bits on the air, known without loading a model (docs/model/magnitudes.md).

An upload carries the tensors that are trained: the A and B of every target layer, and the
classification head unless it is frozen. Sizes of the built-in model ship with it; for any other
model a network-only run needs them as overrides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netsim.errors import InputError
from netsim.learning.builtin import shapes
from netsim.learning.spec import ModuleSpec
from netsim.protocols import BASE, HEAD, LORA_A, LORA_B, WHOLE
from netsim.units import FloatArray

BUILTIN = "builtin"


def payload_bits(
    modules: Sequence[ModuleSpec],
    *,
    classes: int,
    bits_per_parameter: float = 32.0,
    train_head: bool = True,
    foundation: str = BUILTIN,
    override: Sequence[float | None] | None = None,
    parts: int = WHOLE,
) -> FloatArray:
    """Size of some parts of each module, bit; of the whole module, its upload. Shape [module].

    An override replaces the size of its module. Raises InputError where a size is not known.
    """
    overrides = check_override(override, len(modules))
    sizes = []
    for index, (spec, given) in enumerate(zip(modules, overrides, strict=True)):
        if given is not None:
            sizes.append(given)
        elif foundation == BUILTIN:
            parameters = _builtin_parameters(spec, classes, train_head, parts)
            sizes.append(parameters * bits_per_parameter)
        else:
            rule = f"without loading the model {foundation!r}, module {index} needs "
            raise InputError(rule + "payload_bits_override")
    return np.array(sizes, dtype=np.float64)


def _builtin_parameters(
    spec: ModuleSpec,
    classes: int,
    train_head: bool,
    parts: int,
) -> int:
    """Trained parameters of parts of a module on the built-in model."""
    head = shapes.head_parameters(classes) if train_head and parts & HEAD else 0
    if spec.full:
        body = shapes.foundation_parameters() if parts & (LORA_A | LORA_B) else 0
        return body + head
    of_a, of_b = shapes.factor_parameters(spec.rank, spec.target_modules)
    base = shapes.base_parameters(spec.target_modules) if parts & BASE else 0
    return (of_a if parts & LORA_A else 0) + (of_b if parts & LORA_B else 0) + head + base


def foundation_bits(
    *,
    bits_per_parameter: float = 32.0,
    foundation: str = BUILTIN,
    override: float | None = None,
) -> float:
    """Size of the frozen model w_0 that a UE downloads, bit, without a head."""
    if override is not None:
        return override
    if foundation != BUILTIN:
        rule = f"without loading the model {foundation!r}, its size in bits must be given"
        raise InputError(rule)
    return shapes.foundation_parameters() * bits_per_parameter


def check_override(override: Sequence[float | None] | None, modules: int) -> Sequence[float | None]:
    """One positive number or None per module."""
    if override is None:
        return [None] * modules
    if len(override) != modules:
        rule = f"payload_bits_override must have one value per module, {modules}"
        raise InputError(rule, value=list(override))
    for value in override:
        if value is not None and not 0 < value < float("inf"):
            raise InputError("payload_bits_override must be above 0 and finite", value=value)
    return override
