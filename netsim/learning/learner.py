"""The learner: redeems tickets into new module versions and measures them (protocols.Learner)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from netsim.learning.adapter_files import BASE, save_model
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.memories import Memories
from netsim.learning.base_delta import BaseDelta
from netsim.learning.engine.batching import Batches, check_tickets, sent_parts
from netsim.learning.engine.local_descent import Start
from netsim.learning.engine.moving_base import MovingBase
from netsim.learning.engine.workers import Workers, one_thread
from netsim.learning.evaluation.risk_meter import LocalLoss, RiskJob, RiskMeter
from netsim.learning.evaluation.scorer import Score, Scorer
from netsim.learning.foundation import Foundation
from netsim.learning.hearing import Hearing
from netsim.learning.initial_weights import initial_vector
from netsim.learning.learner_state import (
    LearnerState,
    UploadKey,
    Version,
    load_learner_state,
    save_learner_state,
)
from netsim.learning.module_sizes import ModuleSizes
from netsim.learning.module_versions import ModuleVersions
from netsim.learning.own_parts import OwnParts, save_modules
from netsim.learning.privacy import PrivateRounds
from netsim.learning.round_learning import RoundLearning
from netsim.learning.sending import Sending
from netsim.learning.spec import LocalTraining
from netsim.learning.training_jobs import TicketFigures, Trained, Trainer, TrainJob
from netsim.learning.transfer import AS_THEY_ARE, Transfer
from netsim.learning.ue_memory_files import load_ue_memories, save_ue_memories
from netsim.protocols import WHOLE, Aggregation, Evaluation, Redeemed, RiskProbe, Tickets
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class _Context:
    """What all jobs of one call share: the versions of modules that they start from."""

    vectors: dict[Version, Vector]
    current: tuple[Version, ...]
    base: BaseDelta


class FederatedLearner:
    """N modules on one frozen model, trained on the rows that K UEs hold.

    Made by composition.build_learner. The version of a module is the round that last changed it (0:
    none yet). Tickets start from the current one, or from an older one that was in flight at the
    last `redeem`.
    """

    def __init__(
        self,
        *,
        foundation: Foundation,
        layouts: Sequence[AdapterLayout],
        engine: MovingBase,
        batches: Batches,
        scorer: Scorer,
        risk: RiskMeter,
        training: LocalTraining,
        train_head: bool,
        payload_bits_per_parameter: float,
        workers: int,
        slow_because: str = "",
        transfer: Transfer = AS_THEY_ARE,
    ) -> None:
        self.slow_because = slow_because  # why PEFT computes, "" where a batched engine does
        self._foundation = foundation
        self._layouts = list(layouts)
        self._engine = engine
        self._batches = batches
        self.tokens = batches.token_counts
        self._scorer = scorer
        self._risk = risk
        self._training = training
        starts = [initial_vector(layout, foundation) for layout in layouts]
        hearing = Hearing.by(transfer, self._layouts, starts, batches.seed)
        self._trainer = Trainer(engine, self._layouts, training, hearing)
        self._sizes = ModuleSizes(
            self._layouts, train_head, payload_bits_per_parameter, transfer.up
        )
        self._modules = ModuleVersions(self._layouts, starts)
        self._memories = Memories(batches.seed)
        self._rounds = RoundLearning(
            layouts=self._layouts,
            batches=batches,
            modules=self._modules,
            training=training,
            memories=self._memories,
            run=self._run,
            sending=Sending.by(transfer, self._layouts, self._memories.of_ue, batches.seed),
            private=PrivateRounds.by(transfer, self._memories, len(batches.samples)),
        )
        self._workers = Workers(self._task, workers)

    @property
    def states(self) -> list[Vector]:
        """The modules as they are. [N]."""
        return self._modules.states

    @property
    def held(self) -> dict[UploadKey, Trained]:
        """Uploads that are computed, but not yet redeemed."""
        return self._rounds.held

    @property
    def versions(self) -> IntArray:
        """Round that last changed each module. [N]."""
        return self._modules.versions

    # -- sizes -------------------------------------------------------------------------------------

    def payload_bits(self) -> FloatArray:
        """Upload size of each module, bit. Shape [module]."""
        return self.payload_bits_of(np.arange(len(self._layouts)), self._batches.module_rank)

    def payload_bits_of(
        self,
        module: IntArray,
        rank: IntArray,
        parts: IntArray | int = WHOLE,
    ) -> FloatArray:
        """Size of some parts of modules at lower ranks, bit. Shape [M], as `module` and `rank`."""
        return self._sizes.bits_of(module, rank, parts)

    def foundation_bits(self) -> float:
        """Size of the frozen model, bit."""
        return self._foundation.bits(self._sizes.bits_per_parameter)

    # -- training ----------------------------------------------------------------------------------

    def compute(
        self,
        tickets: Tickets,
        aggregation: str | Aggregation = "average",
    ) -> Redeemed:
        """Train tickets before their uplinks; their uploads wait for `redeem`."""
        self._check(tickets)
        return self._redeemed(tickets, self._rounds.compute(tickets, aggregation))

    @one_thread()  # of the sums here too: they must not depend on how many there are
    def redeem(
        self,
        tickets: Tickets,
        aggregation: str | Aggregation,
        in_flight: Tickets | None = None,
    ) -> Redeemed:
        """Compute all tickets in one batched call and aggregate them into their modules.

        A module without a ticket keeps its bits and its version.
        """
        self._check(tickets)
        found = self._redeemed(tickets, self._rounds.redeem(tickets, aggregation, in_flight))
        if self._rounds.private is not None:
            found = replace(found, epsilon=self._rounds.private.epsilon)
        return replace(found, dead_ranks=self._modules.dead_ranks())

    # -- measuring ---------------------------------------------------------------------------------

    def evaluate(self) -> list[Evaluation]:
        """Every module and the ensemble; unchanged modules are not computed again.

        Where parts of modules stay at UEs, each UE is measured with its own.
        """
        own = OwnParts(self._memories.of_ue)
        if own:
            measured = own.by_ue(self._scorer.personal_ues, len(self._layouts))
            return self._scorer.evaluate_personal(measured, self._run)
        return self._scorer.evaluate(self.versions, self._run)

    def probe(self) -> RiskProbe:
        """Losses and gradients at every UE's own test set.

        Unchanged modules are not computed again.
        """
        return self._risk.probe(self.states, self.versions, self._foundation.norm_sq(), self._run)

    def local_loss(self, round: int, ue: IntArray) -> FloatArray:
        """Mean loss of each module on samples of UEs `ue` [M] of a round, nats. [M, N]."""
        tickets = self._batches.tickets_of(round, ue)
        jobs = (LocalLoss(one.samples, one.texts) for one in self._batches.chunks(tickets))
        loss: FloatArray = np.concatenate(list(self._run(jobs)))
        return loss

    # -- files -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write each module to folder/<module>/ in PEFT format; a full module as a model folder.

        Where parts of modules stay at UEs, theirs are in folder/ues/<ue>/<module>/. Where
        aggregation has changed the frozen weights, the model is written to folder/base/.
        """
        own = OwnParts(self._memories.of_ue)
        save_modules(self._layouts, self.states, own, self._foundation, folder)
        if self._modules.base.version:
            self._engine.use(self._modules.base)
            save_model(self._engine.foundation, folder / BASE)

    def save_state(self, folder: Path) -> None:
        """Write all that later rounds depend on to `folder`, which must exist."""
        held = {key: one.held for key, one in self._rounds.held.items()}
        state = LearnerState(
            vectors=self.states,
            versions=self.versions,
            old=self._modules.old,
            held=held,
            risk=self._risk.state(),
            memories=self._memories.of_module,
            base=self._modules.base,
        )
        save_learner_state(state, folder)
        save_ue_memories(self._memories.of_ue, folder)

    def load_state(self, folder: Path) -> None:
        """Put back what `save_state` wrote for the same scenario.

        Raises InputError if it does not fit.
        """
        state = load_learner_state(folder, [layout.size for layout in self._layouts])
        self._modules.states = state.vectors
        self._modules.versions = state.versions
        self._modules.old = state.old
        self._rounds.held = {key: Trained(*one) for key, one in state.held.items()}
        self._modules.base = state.base
        self._memories.of_module = state.memories
        load_ue_memories(self._memories.of_ue, folder)
        self._risk.restore(state.risk)
        self._scorer.forget()

    def close(self) -> None:
        """End the worker processes, if any were started, and remove temporary files."""
        self._workers.close()
        self._memories.of_ue.close()

    # -- jobs --------------------------------------------------------------------------------------

    def _run(
        self,
        jobs: Iterable[Any],
        tickets: Tickets | None = None,
    ) -> Iterator[Any]:
        """Results of the jobs in their order, each given the current versions and the tickets'."""
        modules = self._modules
        context = _Context(modules.vectors(tickets), modules.current(), modules.base)
        return self._workers.map(context, jobs)

    def _task(
        self,
        context: _Context,
        job: TrainJob | Score | RiskJob,
    ) -> Any:
        """What a worker does; it has this object as it was when the workers were started."""
        self._engine.use(context.base)
        if isinstance(job, TrainJob):
            return self._trainer.compute(job, context.vectors)
        starts = []
        for n, version in context.current:
            starts.append(Start(self._layouts[n], context.vectors[n, version]))
        if isinstance(job, Score):
            return self._scorer.compute(job, starts)
        return self._risk.compute(job, starts)

    # -- tickets -----------------------------------------------------------------------------------

    def _redeemed(
        self,
        tickets: Tickets,
        figures: Sequence[TicketFigures],
    ) -> Redeemed:
        table = np.array(figures, dtype=np.float64).reshape(-1, len(TicketFigures._fields))
        rank = table[:, 3].astype(np.int64)
        return Redeemed(
            train_loss=table[:, 0],
            loss_rms=table[:, 1],
            gradient_norm=table[:, 2],
            rank=rank,
            amplitude=table[:, 4],
            payload_bits=self._sizes.sent_bits(tickets.module, rank, sent_parts(tickets)),
        )

    def _check(self, tickets: Tickets) -> None:
        """Raises RunError unless every ticket is of a known UE, module, rank and version."""
        check_tickets(
            tickets,
            ues=len(self._batches.samples),
            module_rank=self._batches.module_rank,
        )
        self._modules.check_known(tickets)
