"""Sizes of modules and of their parts: of the tensors, by hand, as they are encoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from netsim.assembly.learning import LearningParts, foundation_name
from netsim.errors import ScenarioError
from netsim.learning.payload import BUILTIN, foundation_bits, payload_bits
from netsim.learning.transfer import parts_apart
from netsim.protocols import BASE, LORA_A, LORA_B, WHOLE, Codec, Learner, PayloadSize
from netsim.scenario.model import Scenario
from netsim.scenario.upload import FLOAT_BITS
from netsim.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class _ByRank(ABC):
    """Sizes that are worked out once for each module, rank and choice of parts, bit."""

    _known: dict[tuple[int, int, int], float] = field(
        default_factory=dict, init=False, kw_only=True
    )

    def at(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        """Of one."""
        key = (module, rank, parts)
        if key not in self._known:
            self._known[key] = self._size(module, rank, parts)
        return self._known[key]

    def row_by_row(
        self,
        module: IntArray,
        rank: IntArray,
        parts: IntArray | int,
    ) -> FloatArray:
        """Of M. [M]."""
        wanted = np.broadcast_to(parts, module.shape)
        rows = zip(module.tolist(), rank.tolist(), wanted.tolist(), strict=True)
        return np.array([self.at(*row) for row in rows], dtype=np.float64)

    @abstractmethod
    def _size(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        """What `at` remembers."""


@dataclass(frozen=True)
class SizeByRank(_ByRank):
    """Size of parts of modules at any rank.

    One set by hand shrinks in proportion to the rank, and to its parts as they are on the model; on
    a model that is not loaded, A and B count for one half each.
    """

    scenario: Scenario
    training: LearningParts
    learner: Learner | None
    own_bits: FloatArray  # [N] at the modules' own ranks
    emulated: BoolArray  # [N]

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """As `PayloadSize`."""
        if rank is None and np.equal(parts, WHOLE).all():
            return self.own_bits[module]
        if rank is None:
            rank = self.own_rank[module]
        return self.row_by_row(module, rank, parts)

    @property
    def own_rank(self) -> IntArray:
        """Of the modules. [N]."""
        return np.array([spec.rank for spec in self.training.modules])

    def _size(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        if not self.emulated[module]:
            return self._real(module, rank, parts)
        spec = self.training.modules[module]
        whole = float(self.own_bits[module])
        if spec.rank:
            whole = whole * rank / spec.rank
        if parts == WHOLE:
            return whole
        if self.learner is None and foundation_name(self.scenario) != BUILTIN:
            if parts & BASE:  # no more than the whole model is known
                return model_size(self.scenario, None)
            return whole * ((parts & LORA_A > 0) + (parts & LORA_B > 0)) / 2
        return whole * self._real(module, rank, parts) / self._real(module, rank, WHOLE)

    def _real(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        """Size of the tensors."""
        if self.learner is not None:
            sizes = self.learner.payload_bits_of(np.array([module]), np.array([rank]), parts)
            return float(sizes[0])
        sizes = payload_bits(
            (self.training.modules[module].at_rank(rank),),
            classes=len(self.training.dataset.classes),
            bits_per_parameter=self.scenario.learning.payload_bits_per_parameter,
            train_head=self.scenario.learning.train_head,
            parts=parts,
        )
        return float(sizes[0])


@dataclass(frozen=True)
class Download:
    """What UEs download of modules: as much as is uploaded, unless it is set by hand."""

    own_bits: list[float | None]  # [N] at the modules' own ranks; None: as uploads
    upload: PayloadSize
    training: LearningParts

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """As `PayloadSize`; one set by hand shrinks in proportion to the rank and to the parts."""
        bits = self.upload(module, rank, parts)
        if all(own is None for own in self.own_bits):
            return bits
        bits = bits.copy()
        share = bits / self.upload(module, rank)
        for index, own in enumerate(self.own_bits):
            if own is not None:
                mine = module == index
                full = self.training.modules[index].rank
                bits[mine] = (own if rank is None else own * rank[mine] / full) * share[mine]
        return bits


@dataclass(frozen=True)
class EncodedSize(_ByRank):
    """Size of parts of modules at any rank, as a codec encodes their numbers."""

    tensors: SizeByRank
    codec: Codec
    apart: bool = False  # A, B and the head, as downloads; else all parts together, as uploads

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """As `PayloadSize`; the frozen weights of the model are not encoded."""
        if rank is None:
            rank = self.tensors.own_rank[module]
        return self.row_by_row(module, rank, parts)

    def _size(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        groups = parts_apart(full=rank == 0) if self.apart else (WHOLE,)
        total = self.tensors.at(module, rank, BASE) if parts & BASE else 0.0
        for group in groups:
            bits = self.tensors.at(module, rank, parts & group) if parts & group else 0.0
            numbers = round(bits / FLOAT_BITS)
            total += self.codec.encoded_bits(numbers) if numbers else 0
        return total


@dataclass(frozen=True)
class WithVariates:
    """Modules, and beside them control variates, of as many numbers, which are not encoded."""

    size_of: PayloadSize
    tensors: PayloadSize

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """As `PayloadSize`."""
        return self.size_of(module, rank, parts) + self.tensors(module, rank, parts)


def model_size(scenario: Scenario, learner: Learner | None) -> float:
    """Size of the foundation model."""
    given = scenario.model.foundation_bits_override
    if given is not None:
        return given
    if learner is not None:
        return learner.foundation_bits()
    if foundation_name(scenario) != BUILTIN:
        raise ScenarioError(
            "a network-only run does not load the model, so its size must be given",
            where="scenario: model.foundation_bits_override",
        )
    bits_per_parameter = scenario.learning.payload_bits_per_parameter
    return foundation_bits(bits_per_parameter=bits_per_parameter)
