"""Rayleigh fading of the links from every UE to every site, where all cells are simulated."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netsim import rng
from netsim.radio.link_rows import LinkRows
from netsim.units import FloatArray, IntArray

NETWORK_CHUNK_BLOCKS = 4
"""Blocks whose fading is drawn at a time, over all links."""


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
        if count:
            for site in range(self.sites):
                stream = rng.stream(self.seed, name, *ids, site)
                drawn[:, :, site] = stream.standard_exponential((count, blocks)).T
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
    ues: int
    background_ues: int
    _held: FloatArray | None = field(default=None, init=False)  # [R, S] in their attempts
    _held_attempt: IntArray | None = field(default=None, init=False)  # [R]
    _background: FloatArray | None = field(default=None, init=False)  # [B, S]
    _chunk: tuple[int, FloatArray, FloatArray] | None = field(default=None, init=False)

    def of(self, links: LinkRows, block: int) -> tuple[FloatArray, FloatArray]:
        """(of the links' UEs [R, S], of background UEs [B, S]) in a block.

        The links are the same R in every call.
        """
        if self.by_block:
            return self._in_block(links.ue, block)
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
            drawn = self.draws.of_attempt(begun, attempt, self.ues)
            self._held[changed[mine]] = drawn[new.ue[mine]]
        self._held_attempt[changed] = new.attempt
        return self._held

    def _in_block(self, ue: IntArray, block: int) -> tuple[FloatArray, FloatArray]:
        """The chunk of blocks that was drawn last is kept."""
        chunk, at = divmod(block, NETWORK_CHUNK_BLOCKS)
        if self._chunk is None or self._chunk[0] != chunk:
            key = (self.round, chunk)
            own = self.draws.of_chunk("network_block_fading", *key, self.ues)
            others = self.draws.of_chunk("background_fading", *key, self.background_ues)
            self._chunk = chunk, own, others
        return self._chunk[1][at][ue], self._chunk[2][at]
