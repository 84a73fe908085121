"""What is trained and how, as plain values (no torch)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netsim.errors import InputError
from netsim.protocols import Tail

OPTIMIZERS = ("sgd", "adam")


@dataclass(frozen=True)
class ModuleSpec:
    """One of the N modules: W_0 + (lora_alpha / rank) B A on each target layer.

    Rank 0 is full-parameter training: the module is the whole model, and there is no A and B.
    """

    rank: int
    lora_alpha: float
    target_modules: tuple[str, ...]  # name endings of the layers, as PEFT takes them
    seed: int  # of the initial A and of the initial head; B starts at 0
    unit_rows: bool = False  # rows of the initial A pick columns of the layer each, at random

    def __post_init__(self) -> None:
        if self.rank < 0:
            raise InputError("the rank of a module must not be negative", value=self.rank)
        if not self.lora_alpha > 0:
            raise InputError("lora_alpha must be above 0", value=self.lora_alpha)
        named = [target for target in self.target_modules if target]
        if not named or len(named) < len(self.target_modules):
            rule = "target_modules must name at least one layer"
            raise InputError(rule, value=self.target_modules)
        if self.seed < 0:
            raise InputError("the seed of a module must not be negative", value=self.seed)

    @property
    def full(self) -> bool:
        """Every weight of the model is trained."""
        return self.rank == 0

    @property
    def scale(self) -> float:
        """Factor of B A."""
        return self.lora_alpha / self.rank

    def at_rank(self, rank: int) -> ModuleSpec:
        """The module truncated to a lower rank, with the same factor of B A."""
        if rank == self.rank:
            return self
        if not 1 <= rank <= self.rank:
            rule = f"a UE's rank must be from 1 to the module's own, {self.rank}"
            raise InputError(rule, value=rank)
        return replace(self, rank=rank, lora_alpha=self.scale * rank)


@dataclass(frozen=True)
class LocalTraining:
    """tau full-batch steps on the round's D_k samples, with a fresh optimiser in each round.

    The upload of "sgd" is (w_start - w_end) / learning_rate, the gradient of eq. (1) for tau = 1,
    and the average is applied with the learning rate; the upload of "adam" is w_start - w_end
    (docs/model/learning.md).
    """

    local_steps: int
    learning_rate: float
    optimizer: str = "adam"
    tail: Tail | None = None
    prox: float = 0.0  # mu: the loss gains mu / 2 |w - anchor|^2 (local_descent.Start)

    def __post_init__(self) -> None:
        if self.local_steps < 1:
            raise InputError("there must be at least one local step", value=self.local_steps)
        if not 0 < self.learning_rate < float("inf"):
            rule = "the learning rate must be above 0 and finite"
            raise InputError(rule, value=self.learning_rate)
        if not 0 <= self.prox < float("inf"):
            rule = "the weight of the proximal term must be finite and not negative"
            raise InputError(rule, value=self.prox)
        if self.optimizer not in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            rule = f"the optimiser must be one of {known}"
            raise InputError(rule, value=self.optimizer)

    @property
    def server_rate(self) -> float:
        """Factor of the averaged upload when it is taken off the module."""
        return self.learning_rate if self.optimizer == "sgd" else 1.0
