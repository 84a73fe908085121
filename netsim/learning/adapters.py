"""The N modules: all their tensors in one vector each, named as PEFT does.

Module n holds, for every layer that its targets name, A [rank, in] (Kaiming-uniform, as PEFT starts
it) and B [out, rank] (zero), and a classification head of its own. Both starts come from the
module's seed. A module of rank 0 holds every weight of the model instead, by the model's own names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.pytorch_utils import Conv1D

from netsim.errors import InputError
from netsim.learning.foundation import Foundation
from netsim.learning.spec import ModuleSpec
from netsim.units import IntArray

PREFIX = "base_model.model."  # of every tensor name in PEFT's files
A, B = ".lora_A.weight", ".lora_B.weight"
Vector = NDArray[np.float32]
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class AdapterLayout:
    """Where each tensor of a module stands in its vector [size].

    The A of layers that share an input (query, key and value of one block) stand side by side, so
    that they are also one matrix [sum of ranks, in]. LoRA tensors come first, the head last.
    """

    spec: ModuleSpec
    shapes: Shapes  # PEFT's name -> shape, in the order of the vector
    head: tuple[str, ...]  # the head's modules
    lora_size: int
    transposed: bool  # the base layers store [in, out] (GPT-2's Conv1D)

    @cached_property
    def starts(self) -> dict[str, int]:
        """PEFT's name -> first index."""
        first = {}
        index = 0
        for name, shape in self.shapes.items():
            first[name] = index
            index += prod(shape)
        return first

    @property
    def size(self) -> int:
        """Numbers in the vector."""
        return _numbers(self.shapes)

    def trained_size(self, train_head: bool) -> int:
        """Numbers that are trained and sent: all, or those before the head."""
        return self.size if train_head else self.lora_size

    def payload_bits(
        self,
        train_head: bool,
        bits_per_parameter: float,
    ) -> float:
        """Upload size, bit: the numbers of the tensors sent, times their width."""
        return self.trained_size(train_head) * bits_per_parameter

    def views(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """The named tensors, as views of vectors [.., size]; of shorter ones, those that fit."""
        length = vector.shape[-1]
        found = {}
        for name, shape in self.shapes.items():
            if self.starts[name] + prod(shape) <= length:
                found[name] = self.view(name, vector)
        return found

    def view(
        self,
        name: str,
        vector: torch.Tensor,
    ) -> torch.Tensor:
        """One of them."""
        shape = self.shapes[name]
        start = self.starts[name]
        numbers = vector[..., start : start + prod(shape)]
        return numbers.view(*vector.shape[:-1], *shape)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names of A and B of every target layer."""
        for name in self.shapes:
            if name.endswith(A):
                yield name, name.removesuffix(A) + B

    # -- lower ranks -------------------------------------------------------------------------------

    def at_rank(self, rank: int) -> AdapterLayout:
        """The layout of the first `rank` ranks: A[:rank, :] and B[:, :rank], the head as it is."""
        if rank == self.spec.rank:
            return self
        layout, _ = self._cut(rank)
        return layout

    def truncate(
        self,
        vector: Vector,
        rank: int,
    ) -> Vector:
        """Those numbers of a vector that has at least the LoRA tensors' length."""
        if rank == self.spec.rank:
            return vector
        _, chosen = self._cut(rank)
        return vector[chosen[chosen < len(vector)]]

    def pad(
        self,
        vector: Vector,
        rank: int,
    ) -> Vector:
        """A vector of rank `rank` with zeros in the other ranks: the inverse of `truncate`."""
        if rank == self.spec.rank:
            return vector
        small, chosen = self._cut(rank)
        size = self.lora_size + len(vector) - small.lora_size
        whole = np.zeros(size, dtype=vector.dtype)
        whole[chosen[: len(vector)]] = vector
        return whole

    def _cut(self, rank: int) -> tuple[AdapterLayout, IntArray]:
        """Layout of a lower rank, and where its numbers stand in this one's vector."""
        if rank not in self._cuts:
            self._cuts[rank] = self._make_cut(rank)
        return self._cuts[rank]

    def _make_cut(self, rank: int) -> tuple[AdapterLayout, IntArray]:
        spec = self.spec.at_rank(rank)
        shapes: Shapes = {}
        chosen = []
        for name, shape in self.shapes.items():
            numbers = self.starts[name] + np.arange(prod(shape)).reshape(shape)
            if name.endswith(A):
                numbers = numbers[:rank]
            elif name.endswith(B):
                numbers = numbers[:, :rank]
            shapes[name] = numbers.shape
            chosen.append(numbers.ravel())
        lora = {name: shape for name, shape in shapes.items() if name.endswith((A, B))}
        layout = replace(self, spec=spec, shapes=shapes, lora_size=_numbers(lora))
        return layout, np.concatenate(chosen)

    @cached_property
    def _cuts(self) -> dict[int, tuple[AdapterLayout, IntArray]]:
        return {}


def _numbers(shapes: Shapes) -> int:
    return sum(prod(shape) for shape in shapes.values())


# -- layouts of a model ----------------------------------------------------------------------------


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
    lora_size = _numbers(shapes)
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


def _full_layout(foundation: Foundation, spec: ModuleSpec) -> AdapterLayout:
    body, head = _body_and_head(foundation)
    return AdapterLayout(
        spec,
        body | head,
        foundation.head,
        _numbers(body),
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
    if isinstance(module, Conv1D):
        inputs, outputs = module.weight.shape
        return _LinearLayer(inputs, outputs, "Conv1D")
    if not isinstance(module, torch.nn.Linear):
        return None
    outputs, inputs = module.weight.shape
    if type(module).forward is not torch.nn.Linear.forward and not _acts_linear(module):
        return None
    return _LinearLayer(inputs, outputs, "Linear")


def _acts_linear(module: torch.nn.Linear) -> bool:
    """Whether a layer with a forward of its own gives x W^T + b."""
    weight = module.weight
    some = torch.linspace(-1.0, 1.0, weight.shape[1], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        got = module(some[None])
        wanted = torch.nn.functional.linear(some[None], weight, module.bias)
    return bool(got.shape == wanted.shape and torch.allclose(got, wanted, rtol=1e-3, atol=1e-4))
