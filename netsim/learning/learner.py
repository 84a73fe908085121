"""The learner: redeems tickets into new module versions and measures them (protocols.Learner)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netsim.errors import DataError, InputError, RunError
from netsim.learning import adapters
from netsim.learning.adapters import Layout, Vector
from netsim.learning.aggregation import Partial, Rule, find_rule
from netsim.learning.datasets import TextDataset
from netsim.learning.engines import make_engine
from netsim.learning.evaluation import evaluate_logits
from netsim.learning.foundation import Foundation, load_foundation
from netsim.learning.gradients import Chunk, Engine
from netsim.learning.partition import Partition
from netsim.learning.payload import BUILTIN
from netsim.learning.risk import LocalLoss, RiskJob, RiskMeter
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.learning.tokens import Texts, token_runs
from netsim.learning.workers import Workers, default_workers
from netsim.protocols import Evaluation, Redeemed, RiskProbe, Tickets
from netsim.units import FloatArray, IntArray

# Tokens computed together: enough that the products with frozen weights are large and the calls few, few
# enough that activations stay in the caches (on a 128 x 4 encoder 450 and 1,800 are slower by a tenth).
CHUNK_TOKENS = 1024


@dataclass(frozen=True)
class _Train:
    chunk: Chunk


@dataclass(frozen=True)
class _Score:
    module: int
    piece: int


@dataclass(frozen=True)
class _Context:
    """What all jobs of one call share."""

    states: list[Vector]
    local: LocalTraining
    rule: str


@dataclass(frozen=True)
class _Trained:
    train_loss: FloatArray  # [G]
    gradient_norm: FloatArray  # [G]
    partial: dict[int, Partial]  # module -> what the rule made of the chunk's uploads


class FederatedLearner:
    """N modules on one frozen model, trained on the rows that K UEs hold.

    `samples` [K] is D_k, the rows a UE trains on per round; `seed`, UE and round decide which. The version
    of a module is the round that last changed it (0: none yet); tickets start from the current one.
    """

    def __init__(
        self,
        *,
        foundation: Foundation,
        layouts: Sequence[Layout],
        engine: Engine,
        dataset: TextDataset,
        partition: Partition,
        samples: IntArray,
        training: LocalTraining,
        train_head: bool,
        payload_bits_per_parameter: float,
        seed: int,
        max_tokens: int,
        workers: int,
    ) -> None:
        self._foundation = foundation
        self._layouts = list(layouts)
        self._partition = partition
        self._samples = samples
        self._training = training
        self._train_head = train_head
        self._bits_per_parameter = payload_bits_per_parameter
        self._seed = seed
        start = float(getattr(foundation.model.config, "initializer_range", 0.02))
        self.states: list[Vector] = [adapters.initial_vector(plan, start) for plan in layouts]
        self.versions: IntArray = np.zeros(len(layouts), dtype=np.int64)
        self._train_tokens = foundation.tokens(dataset.train, max_tokens)
        self._test_tokens = foundation.tokens(dataset.test, max_tokens)
        self._test_label = dataset.test.label
        # (rows, their texts) of similar length; made before any worker is forked, which then has them too
        self._test = list(self._pieces(len(dataset.test)))
        self._scored: dict[int, tuple[int, NDArray[np.float32]]] = {}  # module -> (version, logits)
        self._engine = engine
        self._risk = RiskMeter(
            engine, partition, self._test_tokens, self._test_label, samples, seed, self.states[0]
        )
        self._workers = Workers(self._task, workers)

    def payload_bits(self) -> FloatArray:
        """Upload size of each module, bit. Shape [module]."""
        return adapters.payload_bits(
            self._layouts, train_head=self._train_head, bits_per_parameter=self._bits_per_parameter
        )

    def foundation_bits(self) -> float:
        """Size of the frozen model, bit."""
        return self._foundation.bits(self._bits_per_parameter)

    def redeem(self, tickets: Tickets, aggregation: str) -> Redeemed:
        """Compute all tickets in one batched call and aggregate them into their modules.

        A module without a ticket keeps its bits and its version.
        """
        rule = find_rule(aggregation)
        self._check(tickets)
        chunks = list(self._chunks(tickets))
        context = _Context(self.states, self._training, aggregation)
        losses, norms = [np.zeros(0)], [np.zeros(0)]
        partial: dict[int, Partial] = {}
        for trained in self._workers.map(context, [_Train(chunk) for chunk in chunks]):
            losses.append(trained.train_loss)
            norms.append(trained.gradient_norm)
            for module, new in trained.partial.items():
                partial[module] = rule.merge(partial[module], new) if module in partial else new
        for module, whole in partial.items():
            with np.errstate(over="ignore", invalid="ignore"):
                state = rule.apply(self.states[module], whole, self._training.server_rate)
            if not np.isfinite(state).all():
                raise RunError(
                    f"training has diverged: module {module} is not finite after round {tickets.round}; "
                    f"the learning rate is too high (found {self._training.learning_rate:g})"
                )
            self.states[module] = state
            self.versions[module] = tickets.round
        return Redeemed(np.concatenate(losses), np.concatenate(norms))

    def evaluate(self) -> list[Evaluation]:
        """Every module and the ensemble on the test split; unchanged modules are not computed again."""
        stale = [n for n, version in enumerate(self.versions) if self._scored.get(n, (-1,))[0] != version]
        jobs = [_Score(module, piece) for module in stale for piece in range(len(self._test))]
        context = _Context(self.states, self._training, "")
        shape = (len(self._test_label), self._foundation.classes)
        fresh = {module: np.zeros(shape, dtype=np.float32) for module in stale}
        for job, logits in zip(jobs, self._workers.map(context, jobs), strict=True):
            fresh[job.module][self._test[job.piece][0]] = logits
        self._scored |= {module: (int(self.versions[module]), scores) for module, scores in fresh.items()}
        scores = [self._scored[module][1] for module in range(len(self.states))]
        return evaluate_logits(scores, self._test_label, split="test")

    def probe(self) -> RiskProbe:
        """Losses and gradients at every UE's own test set; unchanged modules are not computed again."""
        context = _Context(self.states, self._training, "")
        return self._risk.probe(
            self.states,
            self.versions,
            self._foundation.norm_sq(),
            lambda jobs: self._workers.map(context, jobs),
        )

    def module_gap(self, round: int) -> FloatArray:
        """Loss of each module at each UE minus the best module's, on the UE's samples of `round`. [K, N]."""
        everybody = np.arange(len(self._partition))
        nothing = np.zeros_like(everybody)
        chunks = list(self._chunks(Tickets(round, everybody, nothing, nothing)))
        context = _Context(self.states, self._training, "")
        loss = np.concatenate(list(self._workers.map(context, [LocalLoss(chunk) for chunk in chunks])))
        gap: FloatArray = loss - loss.min(axis=1, keepdims=True)
        return gap

    def save(self, folder: Path) -> None:
        """Write each module to folder/<module>/ in PEFT format."""
        for module, (plan, state) in enumerate(zip(self._layouts, self.states, strict=True)):
            adapters.save(plan, state, self._foundation.name, folder / str(module))

    def close(self) -> None:
        """End the worker processes, if any were started."""
        self._workers.close()

    # -- jobs ------------------------------------------------------------------------------------

    def _task(self, context: _Context, job: _Train | _Score | RiskJob) -> Any:
        """What a worker does; it has this object as it was when the workers were started."""
        if isinstance(job, RiskJob):
            return self._risk.compute(job, context.states)
        if isinstance(job, _Score):
            return self._engine.logits(job.module, context.states[job.module], self._test[job.piece][1])
        rule: Rule = find_rule(context.rule)
        partial: dict[int, Partial] = {}
        uploads = self._engine.train(job.chunk, context.states, context.local)
        for upload in uploads:
            partial[upload.module] = rule.add(partial.get(upload.module), upload)
        return _Trained(
            np.array([upload.train_loss for upload in uploads]),
            np.array([upload.gradient_norm for upload in uploads]),
            partial,
        )

    def _chunks(self, tickets: Tickets) -> Iterator[Chunk]:
        """Tickets in their order, as many together as CHUNK_TOKENS holds, at least one."""
        samples = self._samples[tickets.ue]
        rows = [
            self._partition.round_samples(self._seed, tickets.round, int(ue), int(count))
            for ue, count in zip(tickets.ue, samples, strict=True)
        ]
        texts = self._train_tokens.texts(np.concatenate([np.zeros(0, dtype=np.int64), *rows]))
        ends = np.cumsum(samples)
        tokens = np.add.reduceat(texts.length, ends - samples) if len(rows) else np.zeros(0, dtype=np.int64)
        for start, end in token_runs(tokens, CHUNK_TOKENS):
            first, last = int(ends[start] - samples[start]), int(ends[end - 1])
            yield Chunk(tickets.module[start:end], samples[start:end], texts.part(first, last))

    def _pieces(self, count: int) -> Iterator[tuple[IntArray, Texts]]:
        """Test rows by length, so that little is padded, in pieces of CHUNK_TOKENS."""
        length = self._test_tokens.texts(np.arange(count)).length
        order = np.argsort(length, kind="stable")
        for start, end in token_runs(length[order], CHUNK_TOKENS):
            yield order[start:end], self._test_tokens.texts(order[start:end])

    def _check(self, tickets: Tickets) -> None:
        for name, values, limit in (
            ("ue", tickets.ue, len(self._partition)),
            ("module", tickets.module, len(self.states)),
        ):
            wrong = values[(values < 0) | (values >= limit)]
            if len(wrong):
                raise RunError(f"a ticket's {name} must be below {limit} (found {wrong[0]})")
        current = self.versions[tickets.module]
        for ue, module, version, now in zip(
            tickets.ue, tickets.module, tickets.version, current, strict=True
        ):
            if version != now:
                raise RunError(
                    f"the ticket of UE {ue} starts from version {version} of module {module}, "
                    f"which is not kept; the current version is {now}"
                )


def build_learner(
    *,
    dataset: TextDataset,
    partition: Partition,
    samples: ArrayLike,
    modules: Sequence[ModuleSpec],
    training: LocalTraining,
    seed: int,
    foundation: str | Foundation = BUILTIN,
    train_head: bool = True,
    payload_bits_per_parameter: float = 32.0,
    max_tokens: int = 128,
    workers: int | None = None,
    engine: str = "auto",
) -> FederatedLearner:
    """Load the model and put a learner together.

    `samples` is D_k, one number or [K]. `workers` None: as many as cores, at most 2; changes no result.
    `engine` is "auto" (the fast one where it knows the architecture), "encoder" (only that) or "generic".
    """
    if not modules:
        raise InputError("there must be at least one module")
    if max_tokens < 3:
        raise InputError("max_tokens must be at least 3", value=max_tokens)
    if workers is not None and workers < 1:
        raise InputError("there must be at least one worker", value=workers)
    if len(dataset.test) == 0:
        raise DataError("the test split must not be empty", where=dataset.name)
    if isinstance(foundation, str):
        foundation = load_foundation(foundation, len(dataset.classes))
    layouts = [adapters.layout(foundation, spec) for spec in modules]
    per_ue = np.broadcast_to(np.asarray(samples, dtype=np.int64), (len(partition),)).copy()
    if per_ue.min() < 1:
        raise InputError("each UE must train on at least one sample per round", value=int(per_ue.min()))
    return FederatedLearner(
        foundation=foundation,
        layouts=layouts,
        engine=make_engine(engine, foundation, layouts, train_head),
        dataset=dataset,
        partition=partition,
        samples=per_ue,
        training=training,
        train_head=train_head,
        payload_bits_per_parameter=payload_bits_per_parameter,
        seed=seed,
        max_tokens=min(max_tokens, foundation.max_tokens),
        workers=default_workers() if workers is None else workers,
    )
