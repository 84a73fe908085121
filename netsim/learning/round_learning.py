"""The training of a round: tickets become uploads, and a rule makes new modules of what arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.memories import Memories
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.rule import LocalRule, Partial, PersonalRule, Rule, TieredRule
from netsim.learning.engine.batching import Batches, Chunk, sampled_round, select, sent_parts
from netsim.learning.learner_state import UploadKey
from netsim.learning.module_versions import ModuleVersions
from netsim.learning.own_parts import OwnPart, OwnParts
from netsim.learning.privacy import PrivateRounds, Weights
from netsim.learning.sending import Sending
from netsim.learning.spec import LocalTraining
from netsim.learning.superposed import add_channel_noise, amplitude_of
from netsim.learning.training_jobs import Folded, RoundFold, TicketFigures, Trained, TrainJob
from netsim.protocols import Aggregation, Tickets
from netsim.units import IntArray

RunJobs = Callable[[Iterable[TrainJob], Tickets], Iterator[Any]]
"""(jobs, tickets they are of) -> results in order."""


@dataclass
class RoundLearning:
    """Trains tickets and makes new versions of modules."""

    layouts: Sequence[AdapterLayout]
    batches: Batches
    modules: ModuleVersions
    training: LocalTraining
    memories: Memories
    run: RunJobs
    sending: Sending | None = None  # None: uploads arrive as they are
    private: PrivateRounds | None = None  # None: nothing is
    held: dict[UploadKey, Trained] = field(default_factory=dict)  # computed, not yet redeemed

    def compute(self, tickets: Tickets, aggregation: str | Aggregation) -> list[TicketFigures]:
        """Train tickets before their uplinks; their uploads wait for `redeem`."""
        rule = _LocalSide(self, aggregation)
        jobs = (rule.job(chunk, None) for chunk in self.batches.chunks(tickets))
        done: list[Trained] = []
        rounds = iter(sampled_round(tickets).tolist())
        for part in self.run(jobs, tickets):
            done += [rule.leave(one, next(rounds)) for one in part]
        self._train_personal(tickets, rule)
        self.held |= dict(zip(keys_of(tickets), done, strict=True))
        return [self._figures(one) for one in done]

    def _figures(self, done: Trained) -> TicketFigures:
        """With what the radio must know of an upload."""
        layout = self.layouts[done.upload.module]
        return done.figures._replace(amplitude=amplitude_of(done.upload, layout))

    def redeem(
        self,
        tickets: Tickets,
        aggregation: str | Aggregation,
        in_flight: Tickets | None,
    ) -> list[TicketFigures]:
        """Train what is not trained yet, and aggregate everything."""
        local = _LocalSide(self, aggregation)
        fold = RoundFold(local.rule, self.layouts)
        owed = np.array([key not in self.held for key in keys_of(tickets)], dtype=bool)
        self._fold_held(tickets, np.flatnonzero(~owed), fold)
        self._fold_owed(tickets, np.flatnonzero(owed), fold, local)
        for module, whole in fold.partial.items():
            layout = self.layouts[module]
            add_channel_noise(whole, layout, tickets, module=module, seed=self.memories.seed)
        if self.private is not None:
            self._make_private(self.private, tickets, fold.partial)
        before = self.modules.known()
        moment_of = partial(self.memories.moment, Aggregation.of(aggregation).name, tickets.round)
        self.modules.replace(
            tickets.round,
            local.rule,
            fold.partial,
            self.training,
            moment_of,
        )
        self.modules.forget(before, in_flight)
        kept = set() if in_flight is None else set(keys_of(in_flight))
        self.held = {key: one for key, one in self.held.items() if key in kept}
        return fold.in_order()

    def _make_private(
        self,
        private: PrivateRounds,
        tickets: Tickets,
        partials: dict[int, Partial],
    ) -> None:
        """Noise on the sums of what arrived, if the gNB adds it, and what UEs have spent."""
        if not private.privacy.central:
            private.spend_local(tickets.ue)
            return
        plan = tickets if tickets.planned is None else tickets.planned
        for module, whole in partials.items():
            arrived = self._weights(tickets, module)
            planned = self._weights(plan, module)
            deviation = private.add_noise(
                whole,
                self.layouts[module],
                self.training.server_rate,
                planned=planned if len(planned.samples) else arrived,
                round=tickets.round,
                module=module,
            )
            private.spend_central(tickets.ue[tickets.module == module], arrived, deviation)

    def _weights(self, tickets: Tickets, module: int) -> Weights:
        """Of a module's rows."""
        rows = tickets.module == module
        return Weights(self.batches.samples[tickets.ue[rows]], sent_parts(tickets)[rows])

    def _fold_owed(
        self,
        tickets: Tickets,
        rows: IntArray,
        fold: RoundFold,
        local: _LocalSide,
    ) -> None:
        """Train some `rows` of the tickets, and fold in their uploads."""
        todo = select(tickets, rows)
        self._train_personal(todo, local)
        jobs = (local.job(chunk, local.handed) for chunk in self.batches.chunks(todo))
        following = iter(rows.tolist())
        rounds = sampled_round(tickets)
        for done in self.run(jobs, todo):
            if isinstance(done, Folded):
                fold.merge(done, following)
                for (ue, module), own in done.own.items():
                    local.keep(ue, module, own)
                continue
            for one in done:
                row = next(following)
                self._fold(row, local.leave(one, int(rounds[row])), fold)

    def _train_personal(self, tickets: Tickets, local: _LocalSide) -> None:
        """UEs' own modules, beside the common ones, where the rule has them."""
        if not isinstance(local.rule, PersonalRule) or not len(tickets):
            return
        weight = local.rule.personal_weight
        if weight is None:
            return
        chunks = self.batches.chunks(tickets)
        jobs = (local.personal_job(chunk, weight) for chunk in chunks)
        for done in self.run(jobs, tickets):
            for (ue, module), own in done.own.items():
                local.keep(ue, module, own)

    def _fold_held(
        self,
        tickets: Tickets,
        rows: IntArray,
        fold: RoundFold,
    ) -> None:
        """Fold in the uploads of some `rows` of the tickets, which were computed before."""
        keys = keys_of(tickets)
        for row in rows.tolist():
            done = self.held.pop(keys[row])
            if tickets.staleness is not None:  # how old it is was not known when it was computed
                staleness = int(tickets.staleness[row])
                done = replace(done, upload=replace(done.upload, staleness=staleness))
            self._fold(row, done, fold)

    def _fold(self, row: int, done: Trained, fold: RoundFold) -> None:
        """Fold in an upload, which has arrived."""
        fold.add(row, done)
        if self.sending is not None:
            self.sending.arrived(done.upload)


class _LocalSide:
    """What happens at UEs before and after they train: by the rule, and by what they encode."""

    def __init__(
        self,
        learning: RoundLearning,
        aggregation: str | Aggregation,
    ) -> None:
        self.rule: Rule = find_rule(aggregation)
        self._aggregation = aggregation
        self._name = Aggregation.of(aggregation).name
        self._layouts = learning.layouts
        self._memories = learning.memories
        self._modules = learning.modules
        self._sending = learning.sending

    @property
    def handed(self) -> str | Aggregation | None:
        """What folds uploads where they are trained; None: they pass through this process."""
        passes = isinstance(self.rule, LocalRule) or self._sending is not None
        return None if passes else self._aggregation

    def job(
        self,
        chunk: Chunk,
        aggregation: str | Aggregation | None,
    ) -> TrainJob:
        """A chunk with what UEs have of their own, and add to their gradients."""
        own = self._own_parts(chunk)
        tier = self._tier(chunk)
        if not isinstance(self.rule, LocalRule):
            return TrainJob(chunk, aggregation, own=own, tier=tier)

        corrections: list[Vector | None] = []
        columns = zip(
            chunk.round.tolist(),
            chunk.ue.tolist(),
            chunk.module.tolist(),
            chunk.rank.tolist(),
            strict=True,
        )
        for round, ue, module, rank in columns:
            layout = self._layouts[module].at_rank(rank)
            moment = self._memories.ue_moment(self._name, round, ue, module)
            corrections.append(self.rule.correction(layout, moment))
            self._memories.keep(self._name, moment)
        return TrainJob(chunk, aggregation, corrections, own, tier)

    def _tier(self, chunk: Chunk) -> list[Vector] | None:
        """The modules as the gNBs of the tickets have them, where they have their own."""
        rule = self.rule
        if not isinstance(rule, TieredRule):
            return None
        found = []
        for module, gnb in zip(chunk.module.tolist(), chunk.gnb.tolist(), strict=True):
            memory = self._memories.of_module.get((self._name, module), {})
            found.append(rule.start(self._modules.states[module], memory, gnb))
        return found

    def personal_job(self, chunk: Chunk, weight: float) -> TrainJob:
        """The training of UEs' own modules."""
        return TrainJob(chunk, None, own=self._own_parts(chunk), personal=weight)

    def _own_parts(self, chunk: Chunk) -> list[OwnPart | None] | None:
        """What UEs have of their own; None: nobody has any."""
        store = OwnParts(self._memories.of_ue)
        if not store:
            return None
        pairs = zip(chunk.ue.tolist(), chunk.module.tolist(), strict=True)
        return [store.of(ue, module) for ue, module in pairs]

    def keep(
        self,
        ue: int,
        module: int,
        own: OwnPart,
    ) -> None:
        """What stays at a UE."""
        OwnParts(self._memories.of_ue).keep(ue, module, own)

    def leave(
        self,
        done: Trained,
        round: int,
    ) -> Trained:
        """What arrives of its training, if it does; what stays is put where it goes on from."""
        if done.own is not None:
            self.keep(done.upload.ue, done.upload.module, done.own)
            done = replace(done, own=None)
        upload = done.upload
        if isinstance(self.rule, LocalRule):
            moment = self._memories.ue_moment(self._name, round, upload.ue, upload.module)
            upload = self.rule.leave(upload, self._layouts[upload.module], moment)
            self._memories.keep(self._name, moment)
        if self._sending is not None:
            upload = self._sending.send(upload, round)
        return replace(done, upload=upload)


def keys_of(tickets: Tickets) -> list[UploadKey]:
    """Names of the tickets' uploads: round, UE, module."""
    rounds = sampled_round(tickets).tolist()
    return list(zip(rounds, tickets.ue.tolist(), tickets.module.tolist(), strict=True))
