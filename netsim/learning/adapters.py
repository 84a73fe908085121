"""The N modules: all their tensors in one vector each, named as PEFT does.

Module n holds, for every layer that its targets name, A [rank, in] (Kaiming-uniform, as PEFT starts
it) and B [out, rank] (zero), and a classification head of its own. Both starts come from the
module's seed. A module of rank 0 holds every weight of the model instead, by the model's own names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod, sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.errors import InputError
from netsim.learning.foundation import Foundation
from netsim.learning.spec import ModuleSpec
from netsim.rng import stream
from netsim.units import IntArray

PREFIX = "base_model.model."  # of every tensor name in PEFT's files
A, B = ".lora_A.weight", ".lora_B.weight"
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """Where each tensor of a module stands in its vector [size].

    The A of layers that share an input (query, key and value of one block) stand side by side, so
    that they are also one matrix [sum of ranks, in]. LoRA tensors come first, the head last.
    """

    spec: ModuleSpec
    shapes: dict[str, tuple[int, ...]]  # PEFT's name -> shape, in the order of the vector
    head: tuple[str, ...]  # the head's modules
    lora_size: int
    transposed: bool  # the base layers store [in, out] (GPT-2's Conv1D)

    @cached_property
    def starts(self) -> dict[str, int]:
        """PEFT's name -> first index."""
        sizes = [prod(shape) for shape in self.shapes.values()]
        return dict(zip(self.shapes, np.cumsum([0, *sizes])[:-1].tolist(), strict=True))

    @property
    def size(self) -> int:
        """Numbers in the vector."""
        return sum(prod(shape) for shape in self.shapes.values())

    def trained_size(self, train_head: bool) -> int:
        """Numbers that are trained and sent: all, or those before the head."""
        return self.size if train_head else self.lora_size

    def payload_bits(self, train_head: bool, bits_per_parameter: float) -> float:
        """Upload size, bit: the numbers of the tensors sent, times their width."""
        return self.trained_size(train_head) * bits_per_parameter

    def views(self, vector: torch.Tensor) -> dict[str, torch.Tensor]:
        """The named tensors, as views of vectors [.., size]; of shorter ones, those that fit."""
        return {
            name: self.view(name, vector)
            for name, shape in self.shapes.items()
            if self.starts[name] + prod(shape) <= vector.shape[-1]
        }

    def view(self, name: str, vector: torch.Tensor) -> torch.Tensor:
        """One of them."""
        shape, start = self.shapes[name], self.starts[name]
        return vector[..., start : start + prod(shape)].view(*vector.shape[:-1], *shape)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names of A and B of every target layer."""
        for name in self.shapes:
            if name.endswith(A):
                yield name, name.removesuffix(A) + B

    # -- lower ranks -------------------------------------------------------------------------------

    def at_rank(self, rank: int) -> Layout:
        """The layout of the first `rank` ranks: A[:rank, :] and B[:, :rank], the head as it is."""
        return self if rank == self.spec.rank else self._cut(rank)[0]

    def truncate(self, vector: Vector, rank: int) -> Vector:
        """Those numbers of a vector that has at least the LoRA tensors' length."""
        if rank == self.spec.rank:
            return vector
        chosen = self._cut(rank)[1]
        return vector[chosen[chosen < len(vector)]]

    def pad(self, vector: Vector, rank: int) -> Vector:
        """A vector of rank `rank` with zeros in the other ranks: the inverse of `truncate`."""
        if rank == self.spec.rank:
            return vector
        small, chosen = self._cut(rank)
        size = self.lora_size + len(vector) - small.lora_size
        whole = np.zeros(size, dtype=vector.dtype)
        whole[chosen[: len(vector)]] = vector
        return whole

    def _cut(self, rank: int) -> tuple[Layout, IntArray]:
        """Layout of a lower rank, and where its numbers stand in this one's vector."""
        if rank not in self._cuts:
            spec = self.spec.at_rank(rank)
            shapes, chosen = {}, []
            for (name, shape), start in zip(self.shapes.items(), self.starts.values(), strict=True):
                numbers = start + np.arange(prod(shape)).reshape(shape)
                if name.endswith(A):
                    numbers = numbers[:rank]
                elif name.endswith(B):
                    numbers = numbers[:, :rank]
                shapes[name] = numbers.shape
                chosen.append(numbers.ravel())
            small = sum(prod(shape) for name, shape in shapes.items() if name.endswith((A, B)))
            cut = replace(self, spec=spec, shapes=shapes, lora_size=small)
            self._cuts[rank] = cut, np.concatenate(chosen)
        return self._cuts[rank]

    @cached_property
    def _cuts(self) -> dict[int, tuple[Layout, IntArray]]:
        return {}


def layout(foundation: Foundation, spec: ModuleSpec) -> Layout:
    """Layout of a module on a foundation model."""
    if spec.full:
        return _full_layout(foundation, spec)
    layers = _target_layers(foundation, spec)
    shapes: dict[str, tuple[int, ...]] = {}
    blocks: dict[str, list[str]] = {}
    for path in layers:
        blocks.setdefault(path.rpartition(".")[0], []).append(path)
    for paths in blocks.values():
        shapes |= {f"{PREFIX}{path}{A}": (spec.rank, layers[path][0]) for path in paths}
        shapes |= {f"{PREFIX}{path}{B}": (layers[path][1], spec.rank) for path in paths}
    lora_size = sum(prod(shape) for shape in shapes.values())
    inside = tuple(f"{name}." for name in foundation.head)
    for name, parameter in foundation.model.named_parameters():
        if name.startswith(inside):
            shapes[PREFIX + name] = tuple(parameter.shape)
    kinds = {layers[path][2] for path in layers}
    if len(kinds) > 1:
        raise InputError("target_modules must be layers of one kind", value=spec.target_modules)
    return Layout(spec, shapes, foundation.head, lora_size, transposed=kinds == {"Conv1D"})


def _full_layout(foundation: Foundation, spec: ModuleSpec) -> Layout:
    inside = tuple(f"{name}." for name in foundation.head)
    named = list(foundation.model.named_parameters())
    body = {name: tuple(p.shape) for name, p in named if not name.startswith(inside)}
    head = {name: tuple(p.shape) for name, p in named if name.startswith(inside)}
    size = sum(map(prod, body.values()))
    return Layout(spec, body | head, foundation.head, size, transposed=False)


def _target_layers(foundation: Foundation, spec: ModuleSpec) -> dict[str, tuple[int, int, str]]:
    """Path -> (in, out, kind) of every layer outside the head whose path ends with a target."""
    inside = tuple(f"{name}." for name in foundation.head)
    linear: dict[str, tuple[int, int, str]] = {}
    for path, module in foundation.model.named_modules():
        kind = type(module).__name__
        if kind not in ("Linear", "Conv1D") or path.startswith(inside) or path in foundation.head:
            continue
        rows, columns = module.weight.shape
        linear[path] = (columns, rows, kind) if kind == "Linear" else (rows, columns, kind)
    for target in spec.target_modules:
        if not any(f".{path}".endswith(f".{target}") for path in linear):
            names = sorted({path.rpartition(".")[2] for path in linear})
            rule = (
                f"a target module must name linear layers of the model, such as {', '.join(names)}"
            )
            raise InputError(rule, value=target)
    targets = tuple(f".{target}" for target in spec.target_modules)
    return {path: layer for path, layer in linear.items() if f".{path}".endswith(targets)}


def initial_vector(plan: Layout, foundation: Foundation) -> Vector:
    """The module before training: A uniform in +-1/sqrt(in) (PEFT's Kaiming law), B zero, a fresh
    head.

    The body of a full module is the foundation model's.
    """
    config = foundation.model.config
    deviation = float(getattr(config, "initializer_range", 0.02))
    lora, head = (
        stream(plan.spec.seed, name) for name in ("learning.lora_start", "learning.head_start")
    )
    parts: list[NDArray[Any]] = []
    for name, shape in plan.shapes.items():
        if plan.spec.full and plan.starts[name] < plan.lora_size:
            parts.append(
                foundation.model.get_parameter(name).detach().float().flatten().cpu().numpy()
            )
        elif name.endswith(A):
            bound = 1 / sqrt(shape[1])
            parts.append(lora.uniform(-bound, bound, prod(shape)))
        elif len(shape) > 1 and not name.endswith(B):
            parts.append(head.normal(0.0, deviation, prod(shape)))
        else:  # B, biases; the scale of a normalisation layer starts at 1
            parts.append(np.full(prod(shape), float(_is_scale(name))))
    return np.concatenate([part.astype(np.float32) for part in parts])


def _is_scale(name: str) -> bool:
    return name.endswith(".weight") and not name.endswith(B)
