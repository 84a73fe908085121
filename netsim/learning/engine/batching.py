"""Tickets as chunks that are computed together, the same ones whatever the number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netsim.learning.data.partition import Partition
from netsim.learning.data.tokens import Texts, TokenCache, even_runs, runs
from netsim.protocols import Tickets
from netsim.units import IntArray

NUMBERS = (
    1 << 23
)  # of all modules that are trained together, so that few adapters are in memory at once


@dataclass(frozen=True)
class Chunk:
    """G tickets that are computed together; their texts follow each other."""

    module: IntArray  # [G]
    version: IntArray  # [G]
    rank: IntArray  # [G]
    staleness: IntArray  # [G]
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
    budget: int  # tokens computed together

    def chunks(self, tickets: Tickets) -> Iterator[Chunk]:
        """Tickets in order: about `budget` tokens together, and at most NUMBERS unless one alone
        has more.
        """
        count = self.samples[tickets.ue]
        rows = [
            self.partition.round_samples(self.seed, round, ue, number)
            for round, ue, number in zip(
                sampled_round(tickets).tolist(), tickets.ue.tolist(), count.tolist(), strict=True
            )
        ]
        rank = ranks(tickets, self.module_rank)
        staleness = np.zeros_like(tickets.ue) if tickets.staleness is None else tickets.staleness
        tokens = np.array([self.tokens.count(row) for row in rows], dtype=np.int64)
        sizes = self.module_size[tickets.module]
        for begin, close in even_runs(tokens, self.budget):
            for start, end in runs(sizes[begin:close], NUMBERS):
                part = slice(begin + start, begin + end)
                yield Chunk(
                    tickets.module[part],
                    tickets.version[part],
                    rank[part],
                    staleness[part],
                    count[part],
                    self.tokens.texts(np.concatenate(rows[part])),
                )


def sampled_round(tickets: Tickets) -> IntArray:
    """Round whose samples each ticket trains on. [M]."""
    return np.full_like(tickets.ue, tickets.round) if tickets.sampled is None else tickets.sampled


def ranks(tickets: Tickets, module_rank: IntArray) -> IntArray:
    """Rank that each ticket trains at. [M]."""
    return module_rank[tickets.module] if tickets.rank is None else tickets.rank


def select(tickets: Tickets, rows: IntArray) -> Tickets:
    """Some rows of the tickets, in their order."""
    extra = (tickets.rank, tickets.sampled, tickets.staleness)
    return Tickets(
        tickets.round,
        tickets.ue[rows],
        tickets.module[rows],
        tickets.version[rows],
        *(None if values is None else values[rows] for values in extra),
    )
