"""Layouts of modules on a foundation model: which layers an adapter targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from netsim.errors import InputError
from netsim.learning.adapters import PREFIX, A, AdapterLayout, B, Shapes, numbers_in
from netsim.learning.foundation import Foundation
from netsim.learning.spec import ModuleSpec

# By its name: importing transformers takes a while, and the built-in model does without.
CONV1D = "transformers.pytorch_utils.Conv1D"


@dataclass(frozen=True)
class _LinearLayer:
    """A layer that an adapter may target."""

    inputs: int
    outputs: int
    kind: str  # how it stores its weight: Linear [out, in] or Conv1D [in, out]


def layout_of(foundation: Foundation, spec: ModuleSpec) -> AdapterLayout:
    """Layout of a module on a foundation model. Raises InputError for targets it does not have."""
    if spec.full:
        return _full_layout(foundation, spec)
    layers = _target_layers(foundation, spec)
    kinds = {layer.kind for layer in layers.values()}
    if len(kinds) > 1:
        raise InputError("target_modules must be layers of one kind", value=spec.target_modules)

    shapes: Shapes = {}
    for paths in _by_block(layers).values():
        for path in paths:
            shapes[f"{PREFIX}{path}{A}"] = (spec.rank, layers[path].inputs)
        for path in paths:
            shapes[f"{PREFIX}{path}{B}"] = (layers[path].outputs, spec.rank)
    lora_size = numbers_in(shapes)
    _, head = _body_and_head(foundation)
    for name, shape in head.items():
        shapes[PREFIX + name] = shape
    transposed = kinds == {"Conv1D"}
    return AdapterLayout(
        spec,
        shapes,
        foundation.head,
        lora_size,
        transposed=transposed,
    )


def lowest_layer(layouts: Sequence[AdapterLayout], path: str) -> int:
    """The lowest layer, of those named `path` and a number, that any adapter changes."""
    numbers = []
    for layout in layouts:
        for name in layout.shapes:
            if name.startswith(path):
                number, _, _ = name.removeprefix(path).partition(".")
                numbers.append(int(number))
    return min(numbers)


def _full_layout(foundation: Foundation, spec: ModuleSpec) -> AdapterLayout:
    body, head = _body_and_head(foundation)
    return AdapterLayout(
        spec,
        body | head,
        foundation.head,
        numbers_in(body),
        transposed=False,
    )


def _body_and_head(foundation: Foundation) -> tuple[Shapes, Shapes]:
    """Shapes of the model's own weights, below the head and in it."""
    inside = tuple(f"{name}." for name in foundation.head)
    body: Shapes = {}
    head: Shapes = {}
    for name, parameter in foundation.model.named_parameters():
        part = head if name.startswith(inside) else body
        part[name] = tuple(parameter.shape)
    return body, head


def _by_block(layers: dict[str, _LinearLayer]) -> dict[str, list[str]]:
    """Paths of the layers, by the block that they stand in."""
    blocks: dict[str, list[str]] = {}
    for path in layers:
        block = path.rpartition(".")[0]
        blocks.setdefault(block, []).append(path)
    return blocks


def _target_layers(foundation: Foundation, spec: ModuleSpec) -> dict[str, _LinearLayer]:
    """Every layer outside the head whose path ends with a target, by its path."""
    linear = _linear_layers(foundation)
    for target in spec.target_modules:
        if not any(f".{path}".endswith(f".{target}") for path in linear):
            names = ", ".join(sorted({path.rpartition(".")[2] for path in linear}))
            rule = f"a target module must name linear layers of the model, such as {names}"
            raise InputError(rule, value=target)
    ends = tuple(f".{target}" for target in spec.target_modules)
    return {path: layer for path, layer in linear.items() if f".{path}".endswith(ends)}


def _linear_layers(foundation: Foundation) -> dict[str, _LinearLayer]:
    """Every linear layer outside the head, by its path."""
    inside = tuple(f"{name}." for name in foundation.head)
    found = {}
    for path, module in foundation.model.named_modules():
        if path.startswith(inside) or path in foundation.head:
            continue
        layer = _linear_layer(module)
        if layer is not None:
            found[path] = layer
    return found


def _linear_layer(module: Any) -> _LinearLayer | None:
    """A module as a linear layer, if it computes what one does, whatever its class is called."""
    if _name_of_class(module) == CONV1D:
        inputs, outputs = module.weight.shape
        return _LinearLayer(inputs, outputs, "Conv1D")
    if not isinstance(module, torch.nn.Linear):
        return None
    outputs, inputs = module.weight.shape
    if type(module).forward is not torch.nn.Linear.forward and not _acts_linear(module):
        return None
    return _LinearLayer(inputs, outputs, "Linear")


def _name_of_class(module: Any) -> str:
    kind = type(module)
    return f"{kind.__module__}.{kind.__qualname__}"


def _acts_linear(module: torch.nn.Linear) -> bool:
    """Whether a layer with a forward of its own gives x W^T + b."""
    weight = module.weight
    some = torch.linspace(-1.0, 1.0, weight.shape[1], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        got = module(some[None])
        wanted = torch.nn.functional.linear(some[None], weight, module.bias)
    return bool(got.shape == wanted.shape and torch.allclose(got, wanted, rtol=1e-3, atol=1e-4))
