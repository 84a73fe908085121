"""What goes over the air, in bits."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim.assembly.learning import LearningParts, foundation_name
from netsim.errors import ScenarioError
from netsim.learning.payload import BUILTIN, foundation_bits, payload_bits
from netsim.protocols import Learner, PayloadSize
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
    return Payloads(
        bits=bits,
        size_of=size_of,
        down_of=Download(down, size_of, training),
        emulated=emulated,
        foundation_bits=_foundation_bits(scenario, learner),
    )


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

    def __call__(self, module: IntArray, rank: IntArray | None = None) -> FloatArray:
        """As `PayloadSize`; one set by hand shrinks in proportion to the rank."""
        bits = self.upload(module, rank)
        if all(own is None for own in self.own_bits):
            return bits
        bits = bits.copy()
        for index, own in enumerate(self.own_bits):
            if own is not None:
                mine = module == index
                full = self.training.modules[index].rank
                bits[mine] = own if rank is None else own * rank[mine] / full
        return bits


@dataclass(frozen=True)
class SizeByRank:
    """Upload size of modules at any rank; one set by hand shrinks in proportion to the rank."""

    scenario: Scenario
    training: LearningParts
    learner: Learner | None
    own_bits: FloatArray  # [N] at the modules' own ranks
    emulated: BoolArray  # [N]
    _known: dict[tuple[int, int], float] = field(default_factory=dict, init=False)

    def __call__(
        self,
        module: IntArray,
        rank: IntArray | None = None,
    ) -> FloatArray:
        """As `PayloadSize`."""
        if rank is None:
            return self.own_bits[module]
        pairs = zip(module.tolist(), rank.tolist(), strict=True)
        return np.array([self._at(*pair) for pair in pairs])

    def _at(
        self,
        module: int,
        rank: int,
    ) -> float:
        if (module, rank) not in self._known:
            self._known[module, rank] = self._size(module, rank)
        return self._known[module, rank]

    def _size(
        self,
        module: int,
        rank: int,
    ) -> float:
        spec = self.training.modules[module]
        if self.emulated[module]:
            return float(self.own_bits[module]) * rank / spec.rank
        if self.learner is not None:
            sizes = self.learner.payload_bits_of(np.array([module]), np.array([rank]))
            return float(sizes[0])
        sizes = payload_bits(
            (spec.at_rank(rank),),
            classes=len(self.training.dataset.classes),
            bits_per_parameter=self.scenario.learning.payload_bits_per_parameter,
            train_head=self.scenario.learning.train_head,
        )
        return float(sizes[0])


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
