"""What has been drawn for a round in field mode, kept as long as it may be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from netsim.radio.link_rows import LinkRows
from netsim.units import FloatArray, IntArray

Draws = tuple[FloatArray, FloatArray]
"""(fading gain, interference in the UE's whole band, W) of links."""
DrawChunk = Callable[[int, float, IntArray], Draws]
"""Of a chunk, the length of its blocks, and UEs [R], [R, B] each."""


@dataclass
class FieldDraws:
    """Draws of UEs, of all K by attempt, or of some by chunk of coherence blocks."""

    of_attempt: Callable[[int, int], Draws]  # (round it began in, attempt) -> [K] each
    _attempts: dict[tuple[int, int], Draws] = field(default_factory=dict, init=False)
    _chunk: tuple[tuple[int, float], IntArray, Draws] | None = field(default=None, init=False)

    def in_attempts(self, links: LinkRows) -> Draws:
        """Of links [R] in their attempts."""
        fading, interference_w = np.empty((2, len(links)))
        for begun, attempt, mine in links.attempts():
            key = begun, attempt
            if key not in self._attempts:
                self._attempts[key] = self.of_attempt(begun, attempt)
            every_fading, every_interference_w = self._attempts[key]
            ue = links.ue[mine]
            fading[mine] = every_fading[ue]
            interference_w[mine] = every_interference_w[ue]
        return fading, interference_w

    def in_chunk(
        self,
        links: LinkRows,
        chunk: int,
        block_s: float,
        draw: DrawChunk,
    ) -> Draws:
        """Of links in the blocks of a chunk, [R, B] each; what was drawn last is kept."""
        held, key = self._chunk, (chunk, block_s)
        if held is None or held[0] != key or not np.isin(links.ue, held[1]).all():
            ascends = (links.ue[1:] > links.ue[:-1]).all()
            ue = links.ue if ascends else np.unique(links.ue)
            self._chunk = held = key, ue, draw(*key, ue)
        _, ue, draws = held
        if ue is links.ue:
            return draws
        place = np.searchsorted(ue, links.ue)
        fading, interference_w = draws
        return fading[place], interference_w[place]
