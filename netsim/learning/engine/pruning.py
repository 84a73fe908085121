"""Structured pruning of the frozen model: neurons of the feed-forward layers that UEs leave out.

A neuron counts as much as what passes through it: |w_up| |w_down|, the norms of its row of the
first matrix and of its column of the second. A UE that prunes a part rho of them leaves out the
floor(rho f) least of each layer: their activations are 0, and no gradient passes through them. That
is the smaller model to the bit of the arithmetic, and tickets with other parts can still be
computed together.

Symbols: f neurons of a layer, G tickets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from netsim.errors import InputError
from netsim.learning.engine.encoder_layers import EncoderLayer
from netsim.learning.engine.local_descent import Start


def importance_order(up: torch.Tensor, down: torch.Tensor) -> torch.Tensor:
    """Place of each neuron by importance, 0 for the least; up [f, h], down [h, f]. [f]."""
    weight = up.float().norm(dim=1) * down.float().norm(dim=0)
    return torch.argsort(torch.argsort(weight, stable=True))


@dataclass(frozen=True)
class Pruned:
    """What the tickets of a chunk leave out."""

    parts: tuple[float, ...] = ()  # [G] of the neurons; none: nobody leaves out any
    order: Sequence[torch.Tensor] = ()  # of each layer, [f]

    @classmethod
    def of(cls, starts: Sequence[Start], layers: Sequence[EncoderLayer]) -> Pruned:
        """Of tickets on an encoder."""
        parts = tuple(start.pruned for start in starts)
        if not any(parts):
            return cls()
        order = [importance_order(layer.up.weight, layer.down.weight) for layer in layers]
        return cls(parts, order)

    def neurons(
        self,
        layer: int,
        rows: Sequence[int],
    ) -> torch.Tensor | None:
        """1 for the neurons that each row keeps and 0 for others, [rows, f]; None: all keep all.

        rows: of each ticket, and, if there are more entries, idle ones.
        """
        if not self.parts:
            return None
        order = self.order[layer]
        left_out = np.zeros(len(rows))
        left_out[: len(self.parts)] = np.floor(np.array(self.parts) * len(order))
        threshold = torch.from_numpy(np.repeat(left_out, rows)).to(order.device)
        return (order[None, :] >= threshold[:, None]).float()


def refuse_pruned(starts: Sequence[Start]) -> None:
    """Raises InputError where tickets leave out neurons: their engine can't."""
    parts = [start.pruned for start in starts if start.pruned]
    if parts:
        rule = "neurons can be pruned only of encoders that the batched engine takes"
        raise InputError(rule, value=parts[0])
