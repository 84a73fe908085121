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

from netsim.learning.spec import ModuleSpec
from netsim.protocols import BASE, HEAD, LORA_A, LORA_B, PARTS, WHOLE
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
    trained: int = WHOLE  # parts (protocols/exchange.py); the others are frozen

    @cached_property
    def starts(self) -> dict[str, int]:
        """PEFT's name -> first index."""
        first = {}
        index = 0
        for name, shape in self.shapes.items():
            first[name] = index
            index += prod(shape)
        return first

    @cached_property
    def size(self) -> int:
        """Numbers in the vector."""
        return numbers_in(self.shapes)

    def trained_size(self, train_head: bool) -> int:
        """Numbers that are trained and sent: all, or those before the head."""
        return self.size if train_head else self.lora_size

    def payload_bits(
        self,
        train_head: bool,
        bits_per_parameter: float,
        parts: int = WHOLE,
    ) -> float:
        """Size of some parts, bit: the numbers of the tensors sent, times their width."""
        size = self.trained_size(train_head)
        count = 0
        for name, shape in self.shapes.items():
            if self.starts[name] < size and self.part_of(name) & parts:
                count += prod(shape)
        if parts & BASE:
            pairs = self.pairs()
            count += sum(self.shapes[b][0] * self.shapes[a][1] for a, b in pairs)
        return count * bits_per_parameter

    def part_of(self, name: str) -> int:
        """The part of the module that a tensor belongs to; the body of a full module is A and B."""
        if self.starts[name] >= self.lora_size:
            return HEAD
        if self.spec.full:
            return LORA_A | LORA_B
        return LORA_A if name.endswith(A) else LORA_B

    def trains(self, name: str) -> bool:
        """Is this tensor trained, and not frozen?"""
        return bool(self.part_of(name) & self.trained)

    def training(self, parts: int) -> AdapterLayout:
        """The layout with only some parts trained."""
        if parts == self.trained:
            return self
        if parts not in self._by_parts:
            self._by_parts[parts] = replace(self, trained=parts)
        return self._by_parts[parts]

    def numbers_of(self, parts: int) -> IntArray:
        """Where the numbers of some parts stand in the vector, ascending."""
        if parts not in self._numbers:
            chosen = [np.empty(0, dtype=np.int64)]
            for name, start in self.starts.items():
                if self.part_of(name) & parts:
                    chosen.append(start + np.arange(prod(self.shapes[name])))
            self._numbers[parts] = np.concatenate(chosen)
        return self._numbers[parts]

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """One value for each of PARTS, as one for each number. [3] -> [size]."""
        each = np.empty(self.size, dtype=values.dtype)
        for part, value in zip(PARTS.tolist(), values, strict=True):
            each[self.numbers_of(part)] = value
        return each

    @cached_property
    def _numbers(self) -> dict[int, IntArray]:
        return {}

    @cached_property
    def _by_parts(self) -> dict[int, AdapterLayout]:
        return {}

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

    def put(
        self,
        whole: Vector,
        vector: Vector,
        rank: int,
    ) -> Vector:
        """A vector of this layout with that of rank `rank` in the place of its first ranks."""
        new = whole.copy()
        if rank == self.spec.rank:
            new[: len(vector)] = vector
            return new
        _, chosen = self._cut(rank)
        new[chosen[: len(vector)]] = vector
        return new

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
        layout = replace(self, spec=spec, shapes=shapes, lora_size=numbers_in(lora))
        return layout, np.concatenate(chosen)

    @cached_property
    def _cuts(self) -> dict[int, tuple[AdapterLayout, IntArray]]:
        return {}


def numbers_in(shapes: Shapes) -> int:
    """Numbers of all tensors."""
    return sum(prod(shape) for shape in shapes.values())
