"""The modules before training, from their seeds."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.learning.adapters import A, AdapterLayout, B, Vector
from netsim.learning.foundation import Foundation, config_value
from netsim.rng import stream


def initial_vector(layout: AdapterLayout, foundation: Foundation) -> Vector:
    """The module before training.

    A is uniform in +-1/sqrt(in) (PEFT's Kaiming law) or has unit rows, B is zero, the head is
    fresh. The body of a full module is the foundation model's.
    """
    deviation = float(config_value(foundation.model.config, "initializer_range", 0.02))
    seed = layout.spec.seed
    lora = stream(seed, "learning.lora_start")
    head = stream(seed, "learning.head_start")
    parts: list[NDArray[Any]] = []
    for name, shape in layout.shapes.items():
        count = prod(shape)
        if layout.spec.full and layout.starts[name] < layout.lora_size:
            part = _weights_of(foundation, name)
        elif name.endswith(A) and layout.spec.unit_rows:
            part = _unit_rows(shape, lora)
        elif name.endswith(A):
            bound = 1 / sqrt(shape[1])
            part = lora.uniform(-bound, bound, count)
        elif len(shape) > 1 and not name.endswith(B):
            part = head.normal(0.0, deviation, count)
        else:  # B, biases; the scale of a normalisation layer starts at 1
            part = np.full(count, float(_is_scale(name)))
        parts.append(part.astype(np.float32))
    return np.concatenate(parts)


def _unit_rows(shape: tuple[int, ...], draws: np.random.Generator) -> NDArray[Any]:
    """Rows of 0 but for a 1 in a column of each one's own. Raises InputError if there are fewer."""
    rank, width = shape
    if rank > width:
        rule = f"at most as many columns as a layer has inputs, {width}, can be chosen"
        raise InputError(rule, value=rank)
    rows = np.zeros(shape)
    rows[np.arange(rank), draws.permutation(width)[:rank]] = 1.0
    return rows.ravel()


def _weights_of(foundation: Foundation, name: str) -> NDArray[Any]:
    parameter = foundation.model.get_parameter(name).detach()
    numbers: NDArray[Any] = parameter.float().flatten().cpu().numpy()
    return numbers


def _is_scale(name: str) -> bool:
    return name.endswith(".weight") and not name.endswith(B)
