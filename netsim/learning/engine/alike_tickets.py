"""Consecutive tickets with the same tensors, trained parts, scale and number of texts share calls.

A product of a few rows costs more for its call than for its FLOP. So work per text is done for all
alike tickets at once; each ticket still has parameters of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from netsim.learning.adapters import AdapterLayout
from netsim.learning.engine.local_descent import Start
from netsim.units import IntArray


@dataclass(frozen=True)
class AlikeTickets:
    """G tickets of s texts each, among the S texts of a chunk."""

    starts: Sequence[Start]  # [G]
    texts: slice  # among S
    own: torch.Tensor  # [G, size] parameters, all or those that are trained
    grad: torch.Tensor  # [G, size] their gradients

    def grad_of(self, name: str) -> torch.Tensor | None:
        """Gradients [G, ...] of the tensor `name`; None if it is frozen."""
        layout = self.layout
        return layout.view(name, self.grad) if layout.trains(name) else None

    def gradients(
        self,
        name: str,
        numbers: slice,
        width: int,
    ) -> Sequence[torch.Tensor | None]:
        """Those of some `numbers` of each vector, which begin with `name`, as [rows, width]. [G].

        None where they are frozen.
        """
        count = len(self.starts)
        if not self.layout.trains(name):
            return [None] * count
        return self.grad[:, numbers].view(count, -1, width).unbind()

    @property
    def layout(self) -> AdapterLayout:
        """Where the tensors of each stand."""
        return self.starts[0].layout

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """View of these tickets' texts, ticket by ticket.

        [S, n] -> [G, s, n]; [S, H, n] -> [G, s H, n].
        """
        own = x[self.texts]
        return own.view(len(self.starts), -1, x.shape[-1])


def group_alike(
    starts: Sequence[Start],
    sizes: Sequence[int],
    samples: IntArray,
    w: torch.Tensor,
    g: torch.Tensor,
) -> Iterator[AlikeTickets]:
    """All tickets, as runs of alike ones.

    `w` [P] holds their parameters end to end, `sizes` [tickets] numbers each, and `g` [P] the
    gradients. `samples` [tickets] is the number of texts of each.
    """
    kinds = []
    for start, texts in zip(starts, samples.tolist(), strict=True):
        layout = start.layout
        kinds.append((layout.shapes, layout.spec.scale, layout.trained, texts))
    first = 0  # ticket
    text = 0
    number = 0  # of w
    for (*_, texts_each), members in groupby(kinds):
        count = len(list(members))
        size = sizes[first]
        next_text = text + count * texts_each
        next_number = number + count * size
        yield AlikeTickets(
            starts=starts[first : first + count],
            texts=slice(text, next_text),
            own=w[number:next_number].view(count, size),
            grad=g[number:next_number].view(count, size),
        )
        first += count
        text = next_text
        number = next_number
