"""Tickets as chunks that are computed together, the same ones whatever the number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np

from netsim.errors import RunError
from netsim.learning.data.partition import Partition
from netsim.learning.data.tokens import ChunkSize, Texts, TokenCache, even_runs, runs
from netsim.learning.engine.activations import Activations
from netsim.protocols import WHOLE, Tickets
from netsim.units import FloatArray, IntArray

_Array = TypeVar("_Array", IntArray, FloatArray)

# Numbers in all modules that are trained together: bounds the memory that adapters take.
NUMBERS = 1 << 23


@dataclass(frozen=True)
class Chunk:
    """G tickets that are computed together; their texts follow each other."""

    round: IntArray  # [G] whose samples are trained on
    ue: IntArray  # [G]
    module: IntArray  # [G]
    version: IntArray  # [G]
    rank: IntArray  # [G]
    staleness: IntArray  # [G]
    trained: IntArray  # [G] parts of the module
    sent: IntArray  # [G] parts that go up
    gnb: IntArray  # [G] to which they go
    pruned: FloatArray  # [G] part of the model's neurons that is left out
    samples: IntArray  # [G] D_k, texts of each ticket
    texts: Texts  # sum of D_k


@dataclass(frozen=True)
class Batches:
    """Which rows a ticket trains on, and how many tickets are computed together."""

    partition: Partition
    tokens: TokenCache
    samples: IntArray  # [K] D_k
    module_rank: IntArray  # [N]
    module_size: IntArray  # [N] numbers of each module
    seed: int
    chunk: ChunkSize
    activations: Activations

    def chunks(self, tickets: Tickets) -> Iterator[Chunk]:
        """Tickets in order, in chunks of about the size that is aimed at.

        A chunk has at most NUMBERS numbers in its modules, and keeps no more activations than they
        are bounded to, unless one ticket alone has more.
        """
        samples = self.samples[tickets.ue]
        rows = self._training_rows(tickets, samples)
        rank = ranks(tickets, self.module_rank)
        staleness = _staleness(tickets)
        trained = trained_parts(tickets)
        sent = sent_parts(tickets)
        gnb = np.full_like(tickets.ue, -1) if tickets.gnb is None else tickets.gnb
        pruned = np.zeros(len(tickets)) if tickets.pruned is None else tickets.pruned
        sampled = sampled_round(tickets)
        for start, end in self._bounds(tickets, rows):
            part = slice(start, end)
            texts = self.tokens.texts(np.concatenate(rows[part]))
            owner = np.repeat(tickets.ue[part], samples[part])
            own_label = self.partition.own_labels(owner, texts.label)
            yield Chunk(
                round=sampled[part],
                ue=tickets.ue[part],
                module=tickets.module[part],
                version=tickets.version[part],
                rank=rank[part],
                staleness=staleness[part],
                trained=trained[part],
                sent=sent[part],
                gnb=gnb[part],
                pruned=pruned[part],
                samples=samples[part],
                texts=replace(texts, label=own_label),
            )

    @staticmethod
    def tickets_of(round: int, ue: IntArray) -> Tickets:
        """Of some UEs, for the first module as it was at the start."""
        nothing = np.zeros_like(ue)
        return Tickets(round=round, ue=ue, module=nothing, version=nothing)

    def token_counts(self, round: int, ue: IntArray) -> IntArray:
        """Tokens of all samples of UEs [M] in a round. [M]."""
        nothing = np.zeros_like(ue)
        tickets = Tickets(round, ue, nothing, nothing)
        rows = self._training_rows(tickets, self.samples[ue])
        counts = [self.tokens.lengths(each).sum() for each in rows]
        return np.array(counts, dtype=np.int64)

    def _training_rows(
        self,
        tickets: Tickets,
        samples: IntArray,
    ) -> list[IntArray]:
        """Rows of the training split that each ticket trains on."""
        found = []
        rounds = sampled_round(tickets).tolist()
        ues = tickets.ue.tolist()
        for round, ue, count in zip(rounds, ues, samples.tolist(), strict=True):
            rows = self.partition.round_samples(self.seed, round, ue, count)
            found.append(rows)
        return found

    def _bounds(
        self,
        tickets: Tickets,
        rows: list[IntArray],
    ) -> Iterator[tuple[int, int]]:
        """First ticket of each chunk, and the one after its last."""
        lengths = [self.tokens.lengths(each) for each in rows]
        tokens = np.array([length.sum() for length in lengths], dtype=np.int64)
        kept = [self.activations.numbers(length).sum() for length in lengths]
        for begin, close in even_runs(tokens, self.chunk):
            ends = self._ends(tickets.module[begin:close], np.array(kept[begin:close]))
            for start, end in pairwise([0, *ends]):
                yield begin + start, begin + end

    def _ends(
        self,
        modules: IntArray,
        kept: IntArray,
    ) -> list[int]:
        """Where chunks of some tickets [M] must end for their modules and for what is kept [M]."""
        of_modules = runs(self.module_size[modules], NUMBERS)
        of_activations = runs(kept, self.activations.limit)
        return sorted({end for _, end in (*of_modules, *of_activations)})


def sampled_round(tickets: Tickets) -> IntArray:
    """Round whose samples each ticket trains on. [M]."""
    if tickets.sampled is None:
        return np.full_like(tickets.ue, tickets.round)
    return tickets.sampled


def ranks(tickets: Tickets, module_rank: IntArray) -> IntArray:
    """Rank that each ticket trains at. [M]."""
    if tickets.rank is None:
        return module_rank[tickets.module]
    return tickets.rank


def trained_parts(tickets: Tickets) -> IntArray:
    """Parts of its module that each ticket trains. [M]."""
    if tickets.trained is None:
        return np.full_like(tickets.ue, WHOLE)
    return tickets.trained


def sent_parts(tickets: Tickets) -> IntArray:
    """Parts of its module that each ticket sends. [M]."""
    return trained_parts(tickets) if tickets.sent is None else tickets.sent


def select(tickets: Tickets, rows: IntArray) -> Tickets:
    """Some rows of the tickets, in their order."""
    return Tickets(
        round=tickets.round,
        ue=tickets.ue[rows],
        module=tickets.module[rows],
        version=tickets.version[rows],
        rank=_chosen(tickets.rank, rows),
        sampled=_chosen(tickets.sampled, rows),
        staleness=_chosen(tickets.staleness, rows),
        trained=_chosen(tickets.trained, rows),
        sent=_chosen(tickets.sent, rows),
        gnb=_chosen(tickets.gnb, rows),
        pruned=_chosen(tickets.pruned, rows),
        noise=_chosen(tickets.noise, rows),
    )


def _chosen(values: _Array | None, rows: IntArray) -> _Array | None:
    if values is None:
        return None
    chosen: _Array = values[rows]
    return chosen


def _staleness(tickets: Tickets) -> IntArray:
    if tickets.staleness is None:
        return np.zeros_like(tickets.ue)
    return tickets.staleness


def check_tickets(
    tickets: Tickets,
    *,
    ues: int,
    module_rank: IntArray,
) -> None:
    """Raises RunError unless every ticket is of a UE below `ues` and a rank of one of N modules."""
    _check_below("ue", tickets.ue, ues)
    _check_below("module", tickets.module, len(module_rank))
    _check_below("trained", trained_parts(tickets), WHOLE + 1)
    own = module_rank[tickets.module]
    used = ranks(tickets, module_rank)
    wrong = used[(used > own) | (used < np.minimum(own, 1))]
    if len(wrong):
        raise RunError(f"a ticket's rank must be from 1 to its module's own (found {wrong[0]})")


def _check_below(
    name: str,
    values: IntArray,
    limit: int,
) -> None:
    wrong = values[(values < 0) | (values >= limit)]
    if len(wrong):
        raise RunError(f"a ticket's {name} must be below {limit} (found {wrong[0]})")
