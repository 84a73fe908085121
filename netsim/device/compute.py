"""Work of local training in processor cycles, and the time it takes (eq. 4).

The readings are weighed in docs/model/magnitudes.md.

A model of the work is a frozen dataclass whose fields are its parameters and which meets
`protocols.ComputeModel`. An outside package registers one under the entry point group
`netsim.compute`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from netsim.plugins import Limited, parameter
from netsim.protocols import Training
from netsim.units import FloatArray, IntArray

ENTRY_POINTS = "netsim.compute"

FULL_WORK = 1.5
"""Work of training every weight over that of a LoRA module (docs/model/magnitudes.md)."""


@dataclass(frozen=True)
class SampleBits(Limited):
    """tau D_k b M: the data-processing reading of eq. (4), with b the bits of one sample."""

    section: ClassVar[str] = "compute"

    sample_bits: float = parameter(4096.0, "b, bits of one sample", gt=0, le=1e12)
    cycles_per_bit: float = parameter(737.5, "M, cycles a bit takes", gt=0, le=1e9)

    def cycles(self, training: Training) -> FloatArray:
        """As `ComputeModel`."""
        return cycles_from_sample_bits(
            training.samples,
            local_steps=training.local_steps,
            sample_bits=self.sample_bits,
            cycles_per_bit=self.cycles_per_bit,
        )


@dataclass(frozen=True)
class Flops(Limited):
    """Forward and activation-gradient pass over the frozen model, in FLOP per cycle."""

    section: ClassVar[str] = "compute"

    flops_per_cycle: float = parameter(256.0, "FLOP in a cycle", ge=1e-6, le=1e9)
    tokens_per_sample: float = parameter(32.0, "tokens of one sample", gt=0, le=1e6)

    def cycles(self, training: Training) -> FloatArray:
        """As `ComputeModel`."""
        shape = training.shape()
        return cycles_from_flops(
            training.samples,
            local_steps=training.local_steps,
            parameters=shape.layer_parameters,
            layers=shape.layers,
            hidden=shape.hidden,
            tokens=self.tokens_per_sample,
            flops_per_cycle=self.flops_per_cycle,
        )


@dataclass(frozen=True)
class ModelBits(Limited):
    """tau D_k G^w M with the bits of the model, as eq. (4) prints it: hours a round for RoBERTa."""

    section: ClassVar[str] = "compute"

    cycles_per_bit: float = parameter(737.5, "M, cycles a bit takes", gt=0, le=1e9)

    def cycles(self, training: Training) -> FloatArray:
        """As `ComputeModel`."""
        return cycles_from_sample_bits(
            training.samples,
            local_steps=training.local_steps,
            sample_bits=training.model_bits,
            cycles_per_bit=self.cycles_per_bit,
        )


def cycles_from_sample_bits(
    samples: IntArray,
    *,
    local_steps: int,
    sample_bits: float,
    cycles_per_bit: float,
) -> FloatArray:
    """tau D_k b M cycles: the data-processing reading of eq. (4), b bits a sample. [K]."""
    cycles_per_sample = local_steps * sample_bits * cycles_per_bit
    return samples.astype(np.float64) * cycles_per_sample


def cycles_from_flops(
    samples: IntArray,
    *,
    local_steps: int,
    parameters: float,
    layers: int,
    hidden: int,
    tokens: float,
    flops_per_cycle: float,
) -> FloatArray:
    """tau D_k FLOP / (FLOP per cycle), cycles. [K].

    FLOP per sample = 2 (2 p L + 4 l L^2 h) for p weights in l layers of width h and L tokens: a
    forward and an activation-gradient pass; frozen weights need no weight gradient.
    """
    flop = 2 * (2 * parameters * tokens + 4 * layers * tokens**2 * hidden)
    return samples.astype(np.float64) * (local_steps * flop / flops_per_cycle)


def work_with_frozen(frozen: FloatArray, *, full: bool) -> FloatArray:
    """Work of a step that leaves out the weight gradients of frozen tensors, over a whole step's.

    frozen: their numbers over those of the model; sizes set by hand can make them more, and then
    count as all of the model's. A number of the model costs 2 FLOP a token forward, 2 for the
    activations' gradient and 2 for its own where it is trained: a step of a LoRA module counts as 4
    for each number of the model, a step of every weight (`full`) as 6.
    """
    whole = FULL_WORK if full else 1.0
    return 1.0 - (FULL_WORK - 1.0) * np.minimum(frozen, 1.0) / whole


def work_of_forward_pass(local_steps: int, *, full: bool) -> float:
    """Work of one forward pass over that of all local steps: 2 of the 4 or 6 FLOP of one."""
    whole = FULL_WORK if full else 1.0
    return 0.5 / (whole * local_steps)


def compute_time_s(cycles: FloatArray, cpu_hz: FloatArray) -> FloatArray:
    """Seconds of `cycles` at the clock rate `cpu_hz`."""
    return cycles / cpu_hz
