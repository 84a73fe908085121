"""Rayleigh fading of the links from every UE to every site, where all cells are simulated."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np

from netsim import rng
from netsim.radio.fading import block_lengths_s
from netsim.radio.link_rows import LinkRows
from netsim.units import FloatArray, IntArray

NETWORK_CHUNK_BLOCKS = 4
"""Blocks whose fading is drawn at a time, over all links."""

_SITES_AT_A_TIME = 8  # a line of memory holds the draws to so many


@dataclass(frozen=True)
class SiteFading:
    """Draws |h|^2 to each of S sites from a stream of its own: more UEs or sites change no draw."""

    seed: int
    sites: int

    def draw(
        self,
        name: str,
        *ids: int,
        blocks: int,
        count: int,
    ) -> FloatArray:
        """Of `count` UEs to all sites in some blocks. [block, count, S]."""
        drawn: FloatArray = np.empty((blocks, count, self.sites))
        if not count:
            return drawn
        streams = rng.streams(self.seed, name, *ids, last=np.arange(self.sites))
        for begin in range(0, self.sites, _SITES_AT_A_TIME):
            some = islice(streams, _SITES_AT_A_TIME)
            columns = [stream.standard_exponential((count, blocks)) for stream in some]
            drawn[:, :, begin : begin + len(columns)] = np.stack(columns).T
        return drawn

    def of_attempt(
        self,
        round: int,
        attempt: int,
        count: int,
    ) -> FloatArray:
        """Of all UEs in an attempt at uploads that began in a round. [count, S]."""
        drawn = self.draw("network_fading", round, attempt, blocks=1, count=count)
        return np.asarray(drawn[0])

    def of_chunk(
        self,
        name: str,
        round: int,
        chunk: int,
        count: int,
    ) -> FloatArray:
        """In the blocks of a chunk. [block, count, S]."""
        return self.draw(name, round, chunk, blocks=NETWORK_CHUNK_BLOCKS, count=count)


@dataclass
class RoundFading:
    """|h|^2 of the R uploads and B background UEs of a round to all sites."""

    draws: SiteFading
    by_block: bool  # else one draw for an attempt
    round: int
    every: IntArray  # [K] blocks in which the fading of each UE stays the same
    background_every: int  # likewise, of background UEs
    background_ues: int
    block_s: float  # length of a block: that of the fastest UE
    _held: FloatArray | None = field(default=None, init=False)  # [R, S] in their attempts
    _held_attempt: IntArray | None = field(default=None, init=False)  # [R]
    _background: FloatArray | None = field(default=None, init=False)  # [B, S]
    _chunks: dict[tuple[str, int], tuple[int, FloatArray]] = field(default_factory=dict, init=False)
    _columns: dict[tuple[int, int], tuple[int, FloatArray]] = field(
        default_factory=dict, init=False
    )  # by (blocks that are alike, site): (chunk, [K, block])

    @classmethod
    def at_pace(
        cls,
        draws: SiteFading,
        number: int,
        pace: FloatArray,
        *,
        standing_s: float,
        shortest_s: float,
        by_block: bool,
        background_ues: int,
    ) -> RoundFading:
        """Of a round with that number. pace: of the K UEs, as `block_lengths_s` has it.

        Length of a block: standing_s of UEs that stand, shortest_s at least.
        """
        length_s = block_lengths_s(standing_s, pace if by_block else np.ones(len(pace)), shortest_s)
        block_s = float(length_s.min(initial=standing_s))
        return cls(
            draws=draws,
            by_block=by_block,
            round=number,
            every=np.rint(length_s / block_s).astype(np.int64),
            background_every=round(standing_s / block_s),
            background_ues=background_ues,
            block_s=block_s,
        )

    def of(self, links: LinkRows, block: int) -> tuple[FloatArray, FloatArray]:
        """(of the links' UEs [R, S], of background UEs [B, S]) in a block.

        The links are the same R in every call.
        """
        if self.by_block:
            own = self.in_block(block)[links.ue]
            at = block // self.background_every
            others = self._drawn("background_fading", at, 0, self.background_ues)
            return own, others
        if self._background is None:
            count = self.background_ues
            drawn = self.draws.draw("background_fading", self.round, 0, blocks=1, count=count)
            self._background = drawn[0]
        return self._in_attempts(links), self._background

    def _in_attempts(self, links: LinkRows) -> FloatArray:
        """Only links in a new attempt are drawn."""
        if self._held is None or self._held_attempt is None:
            self._held = np.empty((len(links), self.draws.sites))
            self._held_attempt = np.zeros_like(links.attempt)
        changed = np.flatnonzero(links.attempt != self._held_attempt)
        new = links.select(changed)
        for begun, attempt, mine in new.attempts():
            drawn = self.draws.of_attempt(begun, attempt, len(self.every))
            self._held[changed[mine]] = drawn[new.ue[mine]]
        self._held_attempt[changed] = new.attempt
        return self._held

    @cached_property
    def _lengths(self) -> list[int]:
        """The values in `every`."""
        lengths: list[int] = np.unique(self.every).tolist()
        return lengths

    def in_block(self, block: int) -> FloatArray:
        """Of all UEs. [K, S]."""
        ues = len(self.every)
        every = self._lengths
        if len(every) == 1:
            return self._drawn("network_block_fading", block // every[0], every[0], ues)
        own = np.empty((ues, self.draws.sites))
        for one in every:
            mine = self.every == one
            own[mine] = self._drawn("network_block_fading", block // one, one, ues)[mine]
        return own

    def to_site(self, block: int, site: int) -> FloatArray:
        """|h|^2 of all UEs to one site: a column of `in_block`. [K]."""
        chunk_blocks, ues = NETWORK_CHUNK_BLOCKS, len(self.every)
        columns = []
        for one in self._lengths:
            chunk, at = divmod(block // one, chunk_blocks)
            kept = self._columns.get((one, site))
            if kept is None or kept[0] != chunk:
                ids = self.round, chunk, site
                stream = rng.stream(self.draws.seed, "network_block_fading", *ids)
                kept = chunk, stream.standard_exponential((ues, chunk_blocks))
                self._columns[one, site] = kept
            columns.append((one, kept[1][:, at]))
        if len(columns) == 1:
            return columns[0][1]
        own = np.empty(ues)
        for one, column in columns:
            mine = self.every == one
            own[mine] = column[mine]
        return own

    def _drawn(self, name: str, block: int, every: int, count: int) -> FloatArray:
        """A block of the chunk of blocks that is kept of each length. [count, S]."""
        chunk, at = divmod(block, NETWORK_CHUNK_BLOCKS)
        kept = self._chunks.get((name, every))
        if kept is None or kept[0] != chunk:
            kept = chunk, self.draws.of_chunk(name, self.round, chunk, count)
            self._chunks[name, every] = kept
        return np.asarray(kept[1][at])
