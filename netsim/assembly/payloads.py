"""What goes over the air, in bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netsim.assembly.learning import LearningParts, foundation_name
from netsim.assembly.sizes import (
    Download,
    EncodedSize,
    SizeByRank,
    WithVariates,
    model_size,
)
from netsim.assembly.transfer import build_transfer, check_contracts
from netsim.device.compute import work_of_forward_pass, work_with_frozen
from netsim.errors import ScenarioError
from netsim.learning.payload import BUILTIN, payload_bits
from netsim.protocols import WHOLE, Learner, PayloadSize
from netsim.scenario.model import Scenario
from netsim.scenario.upload import AS_IT_IS, FLOAT_BITS
from netsim.simulation.state import Payloads
from netsim.units import FloatArray, IntArray


def build_payloads(
    scenario: Scenario, training: LearningParts, learner: Learner | None
) -> Payloads:
    """Sizes of modules at all ranks and of the foundation model."""
    overrides = [module.payload_bits_override for module in training.configured]
    emulated = np.array([override is not None for override in overrides])
    bits = _module_bits(scenario, training, overrides, learner)
    down = [module.download_bits_override for module in training.configured]
    tensors = SizeByRank(scenario, training, learner, bits, emulated)
    model_bits = model_size(scenario, learner)
    transfer = build_transfer(scenario)
    size_of: PayloadSize = tensors
    unencoded_down: PayloadSize = Download(down, tensors, training)
    down_of = unencoded_down
    check_contracts(scenario, transfer, (bits / FLOAT_BITS).astype(int).tolist())
    if transfer.up is not None:
        size_of = EncodedSize(tensors, transfer.up)
    if transfer.down is not None:
        down_of = EncodedSize(tensors, transfer.down, apart=True)
    if training.optimisation.control_variates:
        size_of, down_of = WithVariates(size_of, tensors), WithVariates(down_of, unencoded_down)
    scaled = scenario.learning.payload_bits_per_parameter != FLOAT_BITS
    return Payloads(
        bits=size_of(np.arange(len(bits))),
        size_of=size_of,
        down_of=down_of,
        emulated=emulated | scaled,
        foundation_bits=model_bits,
        work_of=WorkByParts(
            tensors,
            model_bits,
            full=training.modules[0].full,
            local_steps=scenario.learning.local_steps,
        ),
        unencoded_of=tensors,
    )


def size_source(scenario: Scenario, training: LearningParts, module: int) -> str:
    """What gives a module's uploads their size, in words."""
    if training.configured[module].payload_bits_override is not None:
        return "by hand (emulated)"
    if scenario.learning.payload_bits_per_parameter != FLOAT_BITS:
        return "the tensors, scaled (emulated)"
    codec = scenario.upload.codec
    masked = "" if scenario.upload.secure_aggregation is None else ", before masks"
    return "the tensors" if codec == AS_IT_IS else f"the tensors as {codec}{masked}"


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
