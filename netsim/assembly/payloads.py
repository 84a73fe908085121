"""What goes over the air, in bits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.assembly.learning import LearningParts, foundation_name
from netsim.device.compute import work_of_forward_pass, work_with_frozen
from netsim.errors import ScenarioError
from netsim.learning.payload import BUILTIN, foundation_bits, payload_bits
from netsim.protocols import BASE, LORA_A, LORA_B, WHOLE, Learner, PayloadSize
from netsim.scenario.model import Scenario
from netsim.simulation.state import Payloads
from netsim.units import BoolArray, FloatArray, IntArray


def build_payloads(
    scenario: Scenario, training: LearningParts, learner: Learner | None
) -> Payloads:
    """Sizes of modules at all ranks and of the foundation model."""
    overrides = [module.payload_bits_override for module in training.configured]
    emulated = np.array([override is not None for override in overrides])
    bits = _module_bits(scenario, training, overrides, learner)
    down = [module.download_bits_override for module in training.configured]
    size_of = SizeByRank(scenario, training, learner, bits, emulated)
    down_of = Download(down, size_of, training)
    model_bits = _foundation_bits(scenario, learner)
    beside = 1 + training.optimisation.control_variates
    return Payloads(
        bits=beside * bits,
        size_of=Times(beside, size_of),
        down_of=Times(beside, down_of),
        emulated=emulated,
        foundation_bits=model_bits,
        work_of=WorkByParts(
            size_of,
            model_bits,
            full=training.modules[0].full,
            local_steps=scenario.learning.local_steps,
        ),
    )


@dataclass(frozen=True)
class Times:
    """A module, and as many bits again where there are control variates beside it."""

    factor: int
    size_of: PayloadSize

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """As `PayloadSize`."""
        return self.factor * self.size_of(module, rank, parts)


def _module_bits(
    scenario: Scenario,
    training: LearningParts,
    overrides: list[float | None],
    learner: Learner | None,
) -> FloatArray:
    """Upload sizes at the modules' own ranks; those set by hand come first. [N]."""
    if learner is not None:
        real = learner.payload_bits().tolist()
        chosen = zip(overrides, real, strict=True)
        sizes = [size if given is None else given for given, size in chosen]
        return np.array(sizes, dtype=np.float64)
    if foundation_name(scenario) != BUILTIN and None in overrides:
        rule = "a network-only run does not load the model, so every module needs "
        raise ScenarioError(
            f"{rule}payload_bits_override",
            where="scenario: modules",
            value=foundation_name(scenario),
        )
    return payload_bits(
        training.modules,
        classes=len(training.dataset.classes),
        bits_per_parameter=scenario.learning.payload_bits_per_parameter,
        train_head=scenario.learning.train_head,
        foundation=foundation_name(scenario),
        override=overrides,
    )


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
class SizeByRank:
    """Size of parts of modules at any rank.

    One set by hand shrinks in proportion to the rank, and to its parts as they are on the model; on
    a model that is not loaded, A and B count for one half each.
    """

    scenario: Scenario
    training: LearningParts
    learner: Learner | None
    own_bits: FloatArray  # [N] at the modules' own ranks
    emulated: BoolArray  # [N]
    _known: dict[tuple[int, int, int], float] = field(default_factory=dict, init=False)

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """As `PayloadSize`."""
        wanted = np.broadcast_to(parts, module.shape)
        if rank is None and (wanted == WHOLE).all():
            return self.own_bits[module]
        if rank is None:
            rank = np.array([spec.rank for spec in self.training.modules])[module]
        rows = zip(module.tolist(), rank.tolist(), wanted.tolist(), strict=True)
        return np.array([self._at(*row) for row in rows])

    def _at(
        self,
        module: int,
        rank: int,
        parts: int,
    ) -> float:
        key = (module, rank, parts)
        if key not in self._known:
            self._known[key] = self._size(module, rank, parts)
        return self._known[key]

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
                return _foundation_bits(self.scenario, None)
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
class WorkByParts:
    """Work of training parts of modules over that of training them whole."""

    size_of: PayloadSize
    model_bits: float
    full: bool  # every weight of the model is trained
    local_steps: int

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None,
        trained: IntArray | int,
    ) -> FloatArray | float:
        """As `WorkShare`."""
        if np.all(np.equal(trained, WHOLE)):
            return 1.0
        frozen_bits = self.size_of(module, rank) - self.size_of(module, rank, trained)
        work = work_with_frozen(frozen_bits / self.model_bits, full=self.full)
        forward = work_of_forward_pass(self.local_steps, full=self.full)
        return np.where(np.equal(trained, 0), forward, work)


def _foundation_bits(scenario: Scenario, learner: Learner | None) -> float:
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
