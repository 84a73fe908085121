"""Local training in parts: what all engines do around the gradients that they compute.

Symbols: G tickets, P numbers that they train.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from netsim.learning.data.tokens import Texts
from netsim.learning.engine.activations import Activations
from netsim.learning.engine.alike_tickets import AlikeTickets, group_alike
from netsim.learning.engine.local_descent import Gradient, LocalResult, Start, descend
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray


@dataclass(frozen=True)
class Part:
    """Tickets, and those of their texts that are computed together."""

    starts: Sequence[Start]  # [G]
    sizes: Sequence[int]  # [G] numbers that each trains
    samples: IntArray  # [G] texts of each
    texts: Texts  # sum of `samples`
    steps: int  # for which the gradient is asked
    recompute: bool  # layers in the backward pass

    def alike(self, w: torch.Tensor, g: torch.Tensor) -> list[AlikeTickets]:
        """The tickets, on their parameters `w` [P] and gradients `g` [P]."""
        found = group_alike(
            self.starts,
            self.sizes,
            self.samples,
            w,
            g,
        )
        return list(found)

    def tokens(self) -> list[int]:
        """Of each ticket, [G]."""
        first = np.cumsum(self.samples) - self.samples
        counts: list[int] = np.add.reduceat(self.texts.length, first).tolist()
        return counts


MakeGradient = Callable[[Part], Gradient]
"""The gradient of the tickets' mean losses over the part's texts."""


def train(
    starts: Sequence[Start],
    samples: IntArray,
    texts: Texts,
    local: LocalTraining,
    *,
    make: MakeGradient,
    bound: Activations,
    train_head: bool,
    device: torch.device,
) -> list[LocalResult]:
    """Train G tickets; one that is alone in parts, where its activations would be too many."""
    sizes = [start.layout.trained_size(train_head) for start in starts]
    whole = Part(
        starts,
        sizes,
        samples,
        texts,
        steps=local.local_steps,
        recompute=bound.exceeded(texts.length),
    )
    parts = list(_parts(whole, bound)) if len(starts) == 1 else [whole]
    gradient = make(parts[0]) if len(parts) == 1 else _mean_gradient(parts, make)
    trained = [start.vector[:size] for start, size in zip(starts, sizes, strict=True)]
    return descend(
        torch.cat([torch.from_numpy(vector).to(device) for vector in trained]),
        starts,
        sizes,
        gradient,
        local,
    )


def _parts(whole: Part, bound: Activations) -> Iterator[Part]:
    """Those of one ticket, each as large as it may be."""
    places = bound.parts(whole.texts.length)
    for start, end in places:
        texts = whole.texts.part(start, end)
        yield replace(
            whole,
            samples=np.array([end - start]),
            texts=texts,
            steps=whole.steps if len(places) == 1 else 1,
            recompute=bound.exceeded(texts.length),
        )


def _mean_gradient(parts: Sequence[Part], make: MakeGradient) -> Gradient:
    """The gradient of one ticket's mean loss over the texts of all parts.

    What a part needs is made anew at each step, so that no more than one takes memory.
    """
    texts = sum(len(part.texts) for part in parts)

    def gradient(w: torch.Tensor, g: torch.Tensor) -> Sequence[torch.Tensor]:
        total = torch.zeros_like(g)
        losses: list[torch.Tensor] = []
        for part in parts:
            losses += make(part)(w, g)
            total.add_(g, alpha=len(part.texts) / texts)
        g.copy_(total)
        return [torch.cat(losses)]

    return gradient
