"""The training of tickets, chunk by chunk, and what a rule makes of their uploads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.rule import Partial, Rule, Upload
from netsim.learning.engine.batching import Chunk
from netsim.learning.engine.local_descent import Engine, LocalResult, Start
from netsim.learning.hearing import Hearing
from netsim.learning.learner_state import Version
from netsim.learning.own_parts import OwnPart, apart
from netsim.learning.spec import LocalTraining
from netsim.protocols import WHOLE, Aggregation


class TicketFigures(NamedTuple):
    """What protocols.Redeemed tells of one ticket."""

    train_loss: float
    loss_rms: float
    gradient_norm: float
    rank: int  # sent
    amplitude: float = float("nan")  # of what is sent; NaN: nobody asks


@dataclass(frozen=True)
class Trained:
    """One ticket's upload, and what is told of it."""

    upload: Upload
    train_loss: float
    loss_rms: float
    gradient_norm: float
    own: OwnPart | None = None  # what stays at the UE

    @property
    def held(self) -> tuple[Upload, float, float, float]:
        """As it is saved; `own` is with the UE by then."""
        return self.upload, self.train_loss, self.loss_rms, self.gradient_norm

    @property
    def figures(self) -> TicketFigures:
        return TicketFigures(self.train_loss, self.loss_rms, self.gradient_norm, self.upload.rank)


@dataclass(frozen=True)
class TrainJob:
    """Job: fold a chunk's uploads by a rule, or (None) hand them over as they are."""

    chunk: Chunk
    rule: str | Aggregation | None
    corrections: Sequence[Vector | None] | None = None  # [G] of gradients; None: none has one
    own: Sequence[OwnPart | None] | None = None  # [G] what UEs go on from; None: nobody has any
    tier: Sequence[Vector] | None = None  # [G] models of their gNBs; None: the core's
    personal: float | None = None  # train UEs' own modules, drawn to the downloaded ones so much


@dataclass(frozen=True)
class Folded:
    """What a rule made of a chunk's uploads."""

    figures: list[TicketFigures]  # [G]
    partial: dict[int, Partial]  # by module
    own: dict[tuple[int, int], OwnPart]  # by UE and module, what stays at UEs


class Trainer:
    """Trains chunks; workers have it as it was when they were started."""

    def __init__(
        self,
        engine: Engine,
        layouts: Sequence[AdapterLayout],
        training: LocalTraining,
        hearing: Hearing | None = None,
    ) -> None:
        self._engine = engine
        self._layouts = layouts
        self._training = training
        self._hearing = hearing  # None: modules are heard as they are

    def compute(
        self,
        job: TrainJob,
        vectors: dict[Version, Vector],
    ) -> list[Trained] | Folded:
        """What a worker does; `vectors` are the versions that the tickets start from."""
        if self._hearing is not None:
            self._hearing.forget(set(vectors))
        if job.personal is not None:
            return self._train_personal(job, job.personal, vectors)
        trained = self._train(job, vectors)
        if job.rule is None:
            return trained
        return self._fold(trained, job.rule)

    def _train(
        self,
        job: TrainJob,
        vectors: dict[Version, Vector],
    ) -> list[Trained]:
        chunk = job.chunk
        wholes = [self._downloaded(job, ticket, vectors) for ticket in range(len(chunk.ue))]
        starts = [self._start(job, ticket, whole) for ticket, whole in enumerate(wholes)]
        results = self._engine.train(starts, chunk.samples, chunk.texts, self._training)
        done = []
        for ticket, result in enumerate(results):
            upload = self._upload(chunk, ticket, starts[ticket], result)
            own = None
            kept = _kept(job, ticket)
            if kept:
                server = vectors[upload.module, int(chunk.version[ticket])]
                upload, own = apart(
                    upload,
                    kept,
                    self._layouts[upload.module],
                    whole=wholes[ticket],
                    server=server,
                )
            figures = result.train_loss, result.loss_rms, result.gradient_norm
            done.append(Trained(upload, *figures, own))
        return done

    def _train_personal(
        self,
        job: TrainJob,
        weight: float,
        vectors: dict[Version, Vector],
    ) -> Folded:
        """UEs' own modules [G], each with `weight` / 2 |v - w|^2, w the one that it downloaded."""
        chunk = job.chunk
        wholes, starts = [], []
        for ticket, module in enumerate(chunk.module.tolist()):
            layout = self._layouts[module]
            server = self._heard(job, ticket, vectors)
            own = None if job.own is None else job.own[ticket]
            wholes.append(server if own is None else own.put_into(server, layout))
            start = self._start(job, ticket, wholes[ticket])
            anchor = layout.truncate(server, int(chunk.rank[ticket]))
            starts.append(replace(start, anchor=anchor))
        training = replace(self._training, prox=weight)
        results = self._engine.train(starts, chunk.samples, chunk.texts, training)
        kept = {}
        for ticket, result in enumerate(results):
            upload = self._upload(chunk, ticket, starts[ticket], result)
            layout = self._layouts[upload.module]
            end = layout.put(wholes[ticket], upload.end, upload.rank)
            kept[upload.ue, upload.module] = OwnPart(WHOLE, end)
        return Folded([], {}, kept)

    def _downloaded(
        self,
        job: TrainJob,
        ticket: int,
        vectors: dict[Version, Vector],
    ) -> Vector:
        """The module that a ticket trains, at the module's own rank, with the UE's own parts."""
        module = int(job.chunk.module[ticket])
        vector = self._heard(job, ticket, vectors)
        own = None if job.own is None else job.own[ticket]
        if own is None:
            return vector
        sent = int(job.chunk.sent[ticket])
        return own.put_into(vector, self._layouts[module], sent)

    def _heard(
        self,
        job: TrainJob,
        ticket: int,
        vectors: dict[Version, Vector],
    ) -> Vector:
        """The gNB's module as it is heard at the ticket's rank; at the module's own, [size]."""
        chunk = job.chunk
        module, version = int(chunk.module[ticket]), int(chunk.version[ticket])
        rank = int(chunk.rank[ticket])
        if job.tier is not None:
            own = job.tier[ticket]
            return own if self._hearing is None else self._hearing.decoded(module, own, rank)
        common = vectors[module, version]
        if self._hearing is None:
            return common
        return self._hearing.heard(module, version, common, rank)

    def _start(
        self,
        job: TrainJob,
        ticket: int,
        whole: Vector,
    ) -> Start:
        """The same at the ticket's rank, with the parts that are trained."""
        chunk = job.chunk
        rank = int(chunk.rank[ticket])
        layout = self._layouts[int(chunk.module[ticket])]
        at_rank = layout.at_rank(rank).training(int(chunk.trained[ticket]))
        correction = None if job.corrections is None else job.corrections[ticket]
        pruned = float(chunk.pruned[ticket])
        return Start(at_rank, layout.truncate(whole, rank), correction, pruned=pruned)

    def _upload(
        self,
        chunk: Chunk,
        ticket: int,
        start: Start,
        result: LocalResult,
    ) -> Upload:
        """What the UE sends of its result."""
        sent = int(chunk.rank[ticket])
        tail = self._training.tail
        if tail is not None and tail.prune and result.tail_fell:
            sent = tail.pruned(sent)
        downloaded = start.vector[: len(result.update)]
        extra = {}
        if result.gradient is not None:
            extra["gradient"] = start.layout.truncate(result.gradient, sent)
        return Upload(
            module=int(chunk.module[ticket]),
            rank=sent,
            samples=int(chunk.samples[ticket]),
            staleness=int(chunk.staleness[ticket]),
            start=start.layout.truncate(downloaded, sent),
            update=start.layout.truncate(result.update, sent),
            rate=self._training.server_rate,
            ue=int(chunk.ue[ticket]),
            parts=int(chunk.sent[ticket]),
            extra=extra,
            gnb=int(chunk.gnb[ticket]),
        )

    def _fold(
        self,
        trained: Sequence[Trained],
        aggregation: str | Aggregation,
    ) -> Folded:
        rule = find_rule(aggregation)
        partial: dict[int, Partial] = {}
        for one in trained:
            module = one.upload.module
            layout = self._layouts[module]
            partial[module] = rule.add(partial.get(module), one.upload, layout)
        own = {}
        for one in trained:
            if one.own is not None:
                own[one.upload.ue, one.upload.module] = one.own
        return Folded([one.figures for one in trained], partial, own)


def _kept(job: TrainJob, ticket: int) -> int:
    """Parts that stay at the UE: what it has of its own, and trains, but for what it sends."""
    own = None if job.own is None else job.own[ticket]
    parts = int(job.chunk.trained[ticket])
    if own is not None:
        parts |= own.parts
    return parts & ~int(job.chunk.sent[ticket])


class RoundFold:
    """What a rule makes of all uploads of a round, chunk after chunk."""

    def __init__(
        self,
        rule: Rule,
        layouts: Sequence[AdapterLayout],
    ) -> None:
        self._rule = rule
        self._layouts = layouts
        self._figures: dict[int, TicketFigures] = {}  # by row of the tickets
        self.partial: dict[int, Partial] = {}  # by module

    def add(
        self,
        row: int,
        trained: Trained,
    ) -> None:
        """Fold in one upload, that of a row of the tickets."""
        upload = trained.upload
        before, layout = self.partial.get(upload.module), self._layouts[upload.module]
        self.partial[upload.module] = self._rule.add(before, upload, layout)
        self._figures[row] = trained.figures

    def merge(
        self,
        folded: Folded,
        rows: Iterator[int],
    ) -> None:
        """Join a chunk, whose tickets are the next of the rows."""
        for figures in folded.figures:
            self._figures[next(rows)] = figures
        for module, new in folded.partial.items():
            if module in self.partial:
                new = self._rule.merge(self.partial[module], new)
            self.partial[module] = new

    def in_order(self) -> list[TicketFigures]:
        """Figures of all tickets, row by row."""
        return [self._figures[row] for row in range(len(self._figures))]
