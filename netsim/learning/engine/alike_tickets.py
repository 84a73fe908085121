"""Tickets in a row with the same tensors, scale and number of texts: work per text is done for all
at once.

Products of a few rows cost their calls more than their FLOP, so alike tickets share the calls; each
still has parameters of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from netsim.learning.adapters import Layout
from netsim.learning.engine.local_descent import Start
from netsim.units import IntArray


@dataclass(frozen=True)
class Alike:
    """G tickets of s texts each, among the S texts of a chunk."""

    starts: Sequence[Start]  # [G]
    texts: slice  # among S
    own: torch.Tensor  # [G, size] parameters, all or those that are trained
    grad: torch.Tensor  # [G, size] their gradients

    @property
    def plan(self) -> Layout:
        """Where the tensors of each stand."""
        return self.starts[0].plan

    def of(self, x: torch.Tensor) -> torch.Tensor:
        """View of these tickets' texts, ticket by ticket: [S, n] -> [G, s, n], [S, H, n] -> [G, s
        H, n].
        """
        return x[self.texts].view(len(self.starts), -1, x.shape[-1])


def alike(
    starts: Sequence[Start],
    sizes: Sequence[int],
    samples: IntArray,
    w: torch.Tensor,
    g: torch.Tensor,
) -> Iterator[Alike]:
    """All tickets, whose parameters are `w` [P], end to end, `sizes` each, and the gradients `g`
    [P].
    """
    first, text, number = 0, 0, 0
    kinds = [
        (start.plan.shapes, start.plan.spec.scale, count)
        for start, count in zip(starts, samples.tolist(), strict=True)
    ]
    for (_, _, each), members in groupby(kinds):
        count, size = len(list(members)), sizes[first]
        end, close = text + count * each, number + count * size
        own, grad = (vector[number:close].view(count, size) for vector in (w, g))
        yield Alike(starts[first : first + count], slice(text, end), own, grad)
        first, text, number = first + count, end, close
