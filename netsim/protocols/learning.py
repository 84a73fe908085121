"""What the simulation asks of a learner: it takes tickets and gives modules and measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, nan
from pathlib import Path
from typing import Any, Protocol, Self

from netsim.errors import InputError
from netsim.protocols.exchange import WHOLE
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Tickets:
    """Work that UEs did in simulated time and whose arithmetic is still to be done.

    M rows, ordered by (ue, module): UE `ue[m]` ran its local steps on module `module[m]`, starting
    from version `version[m]` of it, on its own samples of round `round`.
    """

    round: int
    ue: IntArray  # [M]
    module: IntArray  # [M]
    version: IntArray  # [M] round in which the module had last changed
    # [M] number of the module's first ranks that are trained; None: all
    rank: IntArray | None = None
    sampled: IntArray | None = None  # [M] round whose samples were trained on; None: `round`
    staleness: IntArray | None = None  # [M] versions made since the download; None: none
    trained: IntArray | None = None  # [M] parts of the module (exchange.py); None: all
    sent: IntArray | None = None  # [M] of these, parts that go up; the others stay at the UE
    gnb: IntArray | None = None  # [M] at which they are averaged first; None: it does not matter
    # [M] part of the neurons of each layer of the model that the UE leaves out; None: none
    pruned: FloatArray | None = None
    # [M] deviation of the channel's noise on each number of sum_k D_k u_k at the row's gNB; NaN, or
    # None for all: the sum is not made on the air
    noise: FloatArray | None = None

    planned: Tickets | None = None  # all of the plan, of which these arrived; None: nobody asks

    def __len__(self) -> int:
        return len(self.ue)


@dataclass(frozen=True)
class HeldRows:
    """What the tables tell of the rows that K UEs hold, besides their labels."""

    domain_counts: IntArray  # [K, D] rows of each domain; D is 1 where there are no domains
    concept: IntArray  # [K] group of UEs to whom labels mean the same
    distinct: IntArray  # [K] different rows
    shared: IntArray  # [K] of these, rows that another UE holds too
    group: list[str] | None  # [K] of a natural partition


@dataclass(frozen=True)
class Redeemed:
    """Results of the tickets, row by row, at the downloaded version (first local step)."""

    train_loss: FloatArray  # [M] mean loss over the UE's samples of the round, nats
    # [M] root of the mean of the samples' squared losses, likewise; NaN: not known
    loss_rms: FloatArray
    gradient_norm: FloatArray  # [M] L2 norm of the gradient over all trained tensors of the module
    rank: IntArray  # [M] ranks that are sent: those trained, or fewer where the UE prunes
    payload_bits: FloatArray  # [M] of the tensors that are sent
    # ranks of all modules, after the aggregation, that are zero in A and B and have no gradient
    dead_ranks: int = 0
    # [M] D_k times the root mean square of the numbers that are sent; NaN: nobody asks
    amplitude: FloatArray | float = nan
    epsilon: float = nan  # spent so far by the UE that has spent most; NaN: nothing is private


AVERAGES = ("average", "staleness_weighted", "average_and_personal")
"""Rules that take the mean of what arrives."""


@dataclass(frozen=True)
class Aggregation:
    """A rule that makes new modules of what arrives, with parameters of its own."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)  # one may be another rule

    @classmethod
    def of(cls, rule: str | Aggregation) -> Aggregation:
        """The rule, where a scheme may give its name alone."""
        return cls(rule) if isinstance(rule, str) else rule

    @property
    def is_average(self) -> bool:
        """It takes the mean of what arrives: masks, noise and optimisers build on that."""
        return self.name in AVERAGES

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, as it was."""
        parameters = {}
        for name, value in state["parameters"].items():
            nested = isinstance(value, Mapping) and value.keys() == state.keys()
            parameters[name] = cls.restored(value) if nested else value
        return cls(state["name"], parameters)


@dataclass(frozen=True)
class Tail:
    """HetLoRA's local training, declared by a scheme as `tail` (Cho et al., EMNLP 2024).

    The last ranks of each layer are pressed towards zero and dropped. The loss gains `weight` times
    the sum over layers of |B[:, q:]|_F |A[q:, :]|_F with q = floor(kept r). With `prune`, a UE
    whose sum has fallen during its local training sends only its first max(least_rank, q) ranks.
    """

    weight: float  # nat
    kept: float = 0.99
    prune: bool = False
    least_rank: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.weight < float("inf"):
            rule = "the weight of the tail must be finite and not negative"
            raise InputError(rule, value=self.weight)
        if not 0 < self.kept < 1:
            raise InputError("the kept part of the ranks must be between 0 and 1", value=self.kept)
        if self.least_rank < 1:
            raise InputError("the least rank must be at least 1", value=self.least_rank)

    def start(self, rank: int) -> int:
        """First rank of the tail."""
        return floor(self.kept * rank)

    def pruned(self, rank: int) -> int:
        """Ranks that a UE sends whose tail has shrunk."""
        wanted = max(self.least_rank, self.start(rank))
        return min(rank, wanted)


@dataclass(frozen=True)
class Evaluation:
    """One measurement of accuracy; takes no simulated time."""

    # "0", "1", ... a module, "ensemble" (eq. 3), "averaged_logits", or "best" module of a UE
    target: str
    ue: int | None  # None: the common split
    split: str
    loss: float  # nats
    accuracy: float
    samples: int


@dataclass(frozen=True)
class RiskProbe:
    """Losses F_k and their gradients at the UEs' own test sets. K UEs, N modules."""

    loss: FloatArray  # [K, N] F_k(w_n), nats
    gradient_norm_sq: FloatArray  # [K, N] |grad F_k(w_n)|^2
    mean_gradient_norm_sq: FloatArray  # [N] |grad F(w_n)|^2 with F = sum_k rho_k F_k
    # [N] |g' - g| / |w' - w| of grad F since the previous probe; NaN if w has not moved
    smoothness: FloatArray
    optimum_loss: FloatArray  # [K] F_k(w*_k)
    rho: FloatArray  # [K] D_k / sum D
    test_samples: int  # rows of each UE's test set
    foundation_norm_sq: float  # |w_0|^2


class Learner(Protocol):
    """Computes what the simulation decided."""

    def payload_bits(self) -> FloatArray:
        """Upload size of each module, bit. Shape [module]."""
        ...

    def payload_bits_of(
        self,
        module: IntArray,
        rank: IntArray,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """Size of some parts of modules at lower ranks, bit. Shape [M], as `module` and `rank`."""
        ...

    def foundation_bits(self) -> float:
        """Size of the foundation model, bit."""
        ...

    def compute(
        self,
        tickets: Tickets,
        aggregation: str | Aggregation = "average",
    ) -> Redeemed:
        """Train tickets before their uplinks: the payload depends on it, or what UEs keep does.

        Changes no module: the results wait until `redeem` takes those that arrived.
        """
        ...

    def redeem(
        self,
        tickets: Tickets,
        aggregation: str | Aggregation,
        in_flight: Tickets | None = None,
    ) -> Redeemed:
        """Compute all tickets in one batched call and aggregate them into their modules.

        A module without a ticket keeps its bits. `in_flight` may be redeemed later: the versions
        they start from are kept, and their results of `compute`; all others are forgotten.
        """
        ...

    def evaluate(self) -> Sequence[Evaluation]:
        """Measure every module and the ensemble; exactly one common `ensemble` row."""
        ...

    def probe(self) -> RiskProbe:
        """Losses and gradients of the present modules; changes nothing."""
        ...

    def local_loss(self, round: int, ue: IntArray) -> FloatArray:
        """Mean loss of each module on samples of UEs `ue` [M] of a round, nats. [M, N]."""
        ...

    def tokens(self, round: int, ue: IntArray) -> IntArray:
        """Tokens of all samples of UEs `ue` [M] in a round, without padding. [M]."""
        ...

    def save(self, folder: Path) -> None:
        """Write each module to folder/<module>/ in PEFT format; a full module as a model folder."""
        ...

    def save_state(self, folder: Path) -> None:
        """Write everything that later rounds depend on to `folder`, which must exist."""
        ...

    def load_state(self, folder: Path) -> None:
        """Put back what `save_state` wrote. Raises InputError if the scenario does not fit."""
        ...

    def close(self) -> None:
        """Release worker processes, if any."""
        ...


def held_columns(held: HeldRows | None) -> dict[str, Any]:
    """What is told of the rows that UEs hold; nulls where nothing is known."""
    if held is None:
        unknown = dict.fromkeys(("domain_histogram", "data_group"))
        return unknown | dict.fromkeys(("concept", "distinct_samples", "shared_samples"), -1)
    return {
        "domain_histogram": held.domain_counts,
        "data_group": held.group,
        "concept": held.concept,
        "distinct_samples": held.distinct,
        "shared_samples": held.shared,
    }
