"""The learner: redeems tickets into new module versions and measures them (protocols.Learner)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from netsim.errors import RunError
from netsim.learning import adapter_files as saving
from netsim.learning import learner_state as snapshot
from netsim.learning.adapters import Layout, Vector, initial_vector
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.rule import Partial, Rule, Upload
from netsim.learning.aggregation.zero_padding import dead_ranks
from netsim.learning.engine.batching import Batches, Chunk, ranks, sampled_round, select
from netsim.learning.engine.local_descent import Engine, Start
from netsim.learning.engine.workers import Workers, one_thread
from netsim.learning.evaluation.risk_meter import LocalLoss, RiskJob, RiskMeter
from netsim.learning.evaluation.scorer import Score, Scorer
from netsim.learning.foundation import Foundation
from netsim.learning.learner_state import Version
from netsim.learning.spec import LocalTraining
from netsim.protocols import Evaluation, Redeemed, RiskProbe, Tickets
from netsim.units import FloatArray, IntArray

# Tokens computed together: enough that the products with frozen weights are large and the calls
# few, few
# enough that activations stay in the caches.
CHUNK_TOKENS = 2048
GPU_CHUNK_TOKENS = 32_768  # about 20 GB of activations on an encoder of 768 x 12


@dataclass(frozen=True)
class _Train:
    """Job: fold a chunk's uploads by a rule, or (None) hand them over as they are."""

    chunk: Chunk
    rule: str | None


@dataclass(frozen=True)
class Trained:
    """One ticket's upload, and what Redeemed tells of it."""

    upload: Upload
    train_loss: float
    gradient_norm: float


@dataclass(frozen=True)
class _Folded:
    figures: list[tuple[float, float, int]]  # [G] loss, norm, rank sent
    partial: dict[int, Partial]  # module -> what the rule made of the chunk's uploads


@dataclass(frozen=True)
class _Context:
    """What all jobs of one call share: the versions of modules that they start from."""

    vectors: dict[Version, Vector]
    current: tuple[Version, ...]


class FederatedLearner:
    """N modules on one frozen model, trained on the rows that K UEs hold (made by
    assembly.build_learner).

    The version of a module is the round that last changed it (0: none yet). Tickets start from the
    current one, or from an older one that was in flight at the last `redeem`.
    """

    def __init__(
        self,
        *,
        foundation: Foundation,
        layouts: Sequence[Layout],
        engine: Engine,
        batches: Batches,
        scorer: Scorer,
        risk: RiskMeter,
        training: LocalTraining,
        train_head: bool,
        payload_bits_per_parameter: float,
        workers: int,
    ) -> None:
        self._foundation = foundation
        self._layouts = list(layouts)
        self._engine, self._batches, self._scorer, self._risk = engine, batches, scorer, risk
        self._training = training
        self._train_head = train_head
        self._bits_per_parameter = payload_bits_per_parameter
        self.states: list[Vector] = [initial_vector(plan, foundation) for plan in layouts]
        self.versions: IntArray = np.zeros(len(layouts), dtype=np.int64)
        self.old: dict[Version, Vector] = {}  # versions in flight that are no longer current
        self.held: dict[tuple[int, int, int], Trained] = {}  # (sampled round, UE, module)
        self._workers = Workers(self._task, workers)

    def payload_bits(self) -> FloatArray:
        """Upload size of each module, bit. Shape [module]."""
        modules = np.arange(len(self._layouts))
        return self.payload_bits_of(modules, self._batches.module_rank)

    def payload_bits_of(self, module: IntArray, rank: IntArray) -> FloatArray:
        """Upload size of modules at lower ranks, bit. Shape [M], as `module` and `rank`."""
        pairs = zip(module.tolist(), rank.tolist(), strict=True)
        return np.array(
            [
                self._layouts[n].at_rank(r).payload_bits(self._train_head, self._bits_per_parameter)
                for n, r in pairs
            ]
        )

    def foundation_bits(self) -> float:
        """Size of the frozen model, bit."""
        return self._foundation.bits(self._bits_per_parameter)

    def compute(self, tickets: Tickets) -> Redeemed:
        """Train tickets before their uplinks; their uploads wait for `redeem`."""
        self._check(tickets)
        keys = _keys(tickets)
        jobs = (_Train(chunk, None) for chunk in self._batches.chunks(tickets))
        done = [one for part in self._run(jobs, tickets) for one in part]
        self.held |= dict(zip(keys, done, strict=True))
        return self._redeemed(tickets.module, [_figures(one) for one in done])

    @one_thread()  # of the sums here too: they must not depend on how many there are
    def redeem(
        self, tickets: Tickets, aggregation: str, in_flight: Tickets | None = None
    ) -> Redeemed:
        """Compute all tickets in one batched call and aggregate them into their modules.

        A module without a ticket keeps its bits and its version.
        """
        rule = find_rule(aggregation)
        self._check(tickets)
        keys = _keys(tickets)
        owed = np.array([key not in self.held for key in keys], dtype=bool)
        figures: dict[int, tuple[float, float, int]] = {}
        partial: dict[int, Partial] = {}
        for row in np.flatnonzero(~owed).tolist():
            done = self.held.pop(keys[row])
            figures[row] = _figures(done)
            upload, module = done.upload, done.upload.module
            if tickets.staleness is not None:  # how old it is was not known when it was computed
                upload = replace(upload, staleness=int(tickets.staleness[row]))
            partial[module] = rule.add(partial.get(module), upload, self._layouts[module])
        rows = iter(np.flatnonzero(owed).tolist())
        todo = select(tickets, np.flatnonzero(owed))
        jobs = (_Train(chunk, aggregation) for chunk in self._batches.chunks(todo))
        for folded in self._run(jobs, todo):
            for one in folded.figures:
                figures[next(rows)] = one
            for module, new in folded.partial.items():
                partial[module] = rule.merge(partial[module], new) if module in partial else new
        before = dict(zip(self._current(), self.states, strict=True)) | self.old
        for module, whole in partial.items():
            self._replace(module, tickets.round, rule, whole)
        self._forget(before, in_flight)
        found = self._redeemed(tickets.module, [figures[row] for row in range(len(tickets))])
        dead = sum(
            dead_ranks(plan, state) for plan, state in zip(self._layouts, self.states, strict=True)
        )
        return replace(found, dead_ranks=dead)

    def evaluate(self) -> list[Evaluation]:
        """Every module and the ensemble; unchanged modules are not computed again."""
        return self._scorer.evaluate(self.versions, self._run)

    def probe(self) -> RiskProbe:
        """Losses and gradients at every UE's own test set; unchanged modules are not computed
        again.
        """
        return self._risk.probe(self.states, self.versions, self._foundation.norm_sq(), self._run)

    def module_gap(self, round: int) -> FloatArray:
        """Loss of each module at each UE minus the best module's, on the UE's samples of `round`.
        [K, N].
        """
        everybody = np.arange(len(self._batches.samples))
        nothing = np.zeros_like(everybody)
        chunks = self._batches.chunks(Tickets(round, everybody, nothing, nothing))
        jobs = (LocalLoss(chunk.samples, chunk.texts) for chunk in chunks)
        loss = np.concatenate(list(self._run(jobs)))
        gap: FloatArray = loss - loss.min(axis=1, keepdims=True)
        return gap

    def save(self, folder: Path) -> None:
        """Write each module to folder/<module>/ in PEFT format; a full module as a model folder."""
        for module, (plan, state) in enumerate(zip(self._layouts, self.states, strict=True)):
            saving.save(plan, state, self._foundation, folder / str(module))

    def save_state(self, folder: Path) -> None:
        """Write all that later rounds depend on to `folder`, which must exist."""
        held = {
            key: (one.upload, one.train_loss, one.gradient_norm) for key, one in self.held.items()
        }
        state = snapshot.State(self.states, self.versions, self.old, held, self._risk.state())
        snapshot.save(state, folder)

    def load_state(self, folder: Path) -> None:
        """Put back what `save_state` wrote for the same scenario. Raises InputError if it does not
        fit.
        """
        state = snapshot.load(folder, [plan.size for plan in self._layouts])
        self.states, self.versions, self.old = state.vectors, state.versions, state.old
        self.held = {key: Trained(*one) for key, one in state.held.items()}
        self._risk.restore(state.risk)
        self._scorer.forget()

    def close(self) -> None:
        """End the worker processes, if any were started."""
        self._workers.close()

    # -- jobs ------------------------------------------------------------------------------------

    def _run(self, jobs: Iterable[Any], tickets: Tickets | None = None) -> Iterator[Any]:
        """Results of the jobs in their order, each given the current versions and those of the
        tickets.
        """
        current = self._current()
        vectors = dict(zip(current, self.states, strict=True))
        if tickets is not None:
            needed = set(zip(tickets.module.tolist(), tickets.version.tolist(), strict=True))
            vectors |= {key: self.old[key] for key in needed if key not in vectors}
        return self._workers.map(_Context(vectors, current), jobs)

    def _current(self) -> tuple[Version, ...]:
        return tuple(enumerate(self.versions.tolist()))

    def _task(self, context: _Context, job: _Train | Score | RiskJob) -> Any:
        """What a worker does; it has this object as it was when the workers were started."""
        if isinstance(job, _Train):
            return self._train(context, job)
        starts = [
            Start(self._layouts[n], context.vectors[n, version]) for n, version in context.current
        ]
        if isinstance(job, Score):
            return self._scorer.compute(job, starts)
        return self._risk.compute(job, starts)

    def _train(self, context: _Context, job: _Train) -> list[Trained] | _Folded:
        chunk, local = job.chunk, self._training
        starts = []
        for n, version, rank in zip(
            chunk.module.tolist(), chunk.version.tolist(), chunk.rank.tolist(), strict=True
        ):
            plan, vector = self._layouts[n], context.vectors[n, version]
            starts.append(Start(plan.at_rank(rank), plan.truncate(vector, rank)))
        done = []
        for i, step in enumerate(self._engine.train(starts, chunk.samples, chunk.texts, local)):
            plan, vector = starts[i].plan, starts[i].vector[: len(step.update)]
            sent = int(chunk.rank[i])
            if local.tail is not None and local.tail.prune and step.tail_fell:
                sent = local.tail.pruned(sent)
            upload = Upload(
                module=int(chunk.module[i]),
                rank=sent,
                samples=int(chunk.samples[i]),
                staleness=int(chunk.staleness[i]),
                start=plan.truncate(vector, sent),
                update=plan.truncate(step.update, sent),
                rate=local.server_rate,
            )
            done.append(Trained(upload, step.train_loss, step.gradient_norm))
        if job.rule is None:
            return done
        rule, partial = find_rule(job.rule), dict[int, Partial]()
        for one in done:
            module = one.upload.module
            partial[module] = rule.add(partial.get(module), one.upload, self._layouts[module])
        return _Folded([_figures(one) for one in done], partial)

    # -- versions --------------------------------------------------------------------------------

    def _replace(self, module: int, version: int, rule: Rule, partial: Partial) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            rate = self._training.server_rate
            state = rule.apply(self.states[module], partial, self._layouts[module], rate)
        if not np.isfinite(state).all():
            raise RunError(
                f"training has diverged: module {module} is not finite after round {version}; "
                f"the learning rate is too high (found {self._training.learning_rate:g})"
            )
        self.states[module] = state
        self.versions[module] = version

    def _forget(self, before: dict[Version, Vector], in_flight: Tickets | None) -> None:
        """Keep of the versions that there were, and of the uploads held, only what is in flight."""
        needed: set[Version] = set()
        keys: set[tuple[int, int, int]] = set()
        if in_flight is not None:
            needed = set(zip(in_flight.module.tolist(), in_flight.version.tolist(), strict=True))
            keys = set(_keys(in_flight))
        current = self._current()
        self.old = {
            key: before[key] for key in sorted(needed) if key in before and key not in current
        }
        self.held = {key: one for key, one in self.held.items() if key in keys}

    def _redeemed(self, module: IntArray, figures: Sequence[tuple[float, float, int]]) -> Redeemed:
        table = np.array(figures, dtype=np.float64).reshape(-1, 3)
        rank = table[:, 2].astype(np.int64)
        return Redeemed(table[:, 0], table[:, 1], rank, self.payload_bits_of(module, rank))

    def _check(self, tickets: Tickets) -> None:
        for name, values, limit in (
            ("ue", tickets.ue, len(self._batches.samples)),
            ("module", tickets.module, len(self.states)),
        ):
            wrong = values[(values < 0) | (values >= limit)]
            if len(wrong):
                raise RunError(f"a ticket's {name} must be below {limit} (found {wrong[0]})")
        own, used = (
            self._batches.module_rank[tickets.module],
            ranks(tickets, self._batches.module_rank),
        )
        wrong = used[(used > own) | (used < np.minimum(own, 1))]
        if len(wrong):
            raise RunError(f"a ticket's rank must be from 1 to its module's own (found {wrong[0]})")
        known = {*self._current(), *self.old}
        for ue, module, version in zip(
            tickets.ue.tolist(), tickets.module.tolist(), tickets.version.tolist(), strict=True
        ):
            if (module, version) not in known:
                raise RunError(
                    f"the ticket of UE {ue} starts from version {version} of module {module}, "
                    f"which is not kept; the current version is {self.versions[module]}"
                )


def _keys(tickets: Tickets) -> list[tuple[int, int, int]]:
    rounds = sampled_round(tickets).tolist()
    return list(zip(rounds, tickets.ue.tolist(), tickets.module.tolist(), strict=True))


def _figures(one: Trained) -> tuple[float, float, int]:
    return one.train_loss, one.gradient_norm, one.upload.rank
