"""What an engine computes: the local training of tickets, and logits.

A ticket is tau full-batch steps of one UE on one module (docs/model/learning.md). Tickets that are
given together may be computed together, but each has parameters of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.tail_penalty import TailPenalty
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray

Gradient = Callable[[torch.Tensor, torch.Tensor], Sequence[torch.Tensor]]
"""(w [P], g [P] to be filled) -> losses of the texts of each ticket, [G] of [s], nats."""


@dataclass(frozen=True)
class Start:
    """A module, or its first ranks, as a UE downloaded it."""

    layout: AdapterLayout
    vector: Vector  # [layout.size]
    correction: Vector | None = None  # [layout.size] added to every gradient
    anchor: Vector | None = None  # [layout.size] of the proximal term; None: `vector`
    pruned: float = 0.0  # part of each layer's neurons that the UE leaves out (engine/pruning.py)


@dataclass(frozen=True)
class LocalResult:
    """What the local training of one ticket came to."""

    update: Vector  # [trained] gradient (sgd) or w_start - w_end (adam)
    train_loss: float  # nats, at the downloaded version, without the tail's part
    loss_rms: float  # root of the mean of the texts' squared losses, likewise
    gradient_norm: float  # likewise
    tail_fell: bool = False
    # [trained] mean over the steps, with all that is added to gradients; None: nobody has a
    # correction
    gradient: Vector | None = None


class Engine(Protocol):
    """Computes on one frozen model."""

    def train(
        self,
        starts: Sequence[Start],
        samples: IntArray,
        texts: Texts,
        local: LocalTraining,
    ) -> list[LocalResult]:
        """Train G tickets, each with parameters of its own.

        The texts belong to the tickets in order, `samples` [G] of them to each.
        """
        ...

    def logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """Of several modules on the same texts. Shape [modules, texts, classes]."""
        ...


def descend(
    w: torch.Tensor,
    starts: Sequence[Start],
    sizes: Sequence[int],
    gradient: Gradient,
    local: LocalTraining,
) -> list[LocalResult]:
    """tau steps from `w` [P], the trained parameters of G tickets end to end.

    `sizes` [G] is the number of parameters of each ticket. `w` is overwritten.
    """
    each = list(sizes)
    g = torch.zeros_like(w)
    adam = _Adam(w, local.learning_rate) if local.optimizer == "adam" else None
    upload = torch.zeros_like(w) if adam is None else w.clone()
    tail = TailPenalty(
        local.tail,
        [start.layout for start in starts],
        torch.split(w, each),
        torch.split(g, each),
    )
    tail_start = tail.products()
    corrected = _Corrections(starts, w, g, sizes=each, prox=local.prox)
    figures = torch.zeros(3, 0)
    for step in range(local.local_steps):
        losses = gradient(w, g)
        if step == 0:
            figures = _figures(losses, torch.split(g, each))
        tail.add_gradient()
        corrected.add_gradient()
        if adam is not None:
            adam.step(w, g)
            continue
        # The upload, (w_start - w_end) / rate, is the sum of the gradients. Summing them keeps
        # the low bits that the difference would lose.
        upload += g
        w.sub_(g, alpha=local.learning_rate)
    if adam is not None:
        upload -= w
    fell = [end < start for start, end in zip(tail_start, tail.products(), strict=True)]
    found = _results(torch.split(upload, each), figures, fell)
    return corrected.with_means(found, local.local_steps)


def _figures(
    losses: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
) -> torch.Tensor:
    """Means and root mean squares of losses, and norms of gradients, of G tickets. [3, G]."""
    mean = torch.stack([part.mean() for part in losses])
    rms = torch.stack([part.square().mean().sqrt() for part in losses])
    norm = torch.stack([part.norm() for part in gradients])
    return torch.stack([mean, rms, norm])


def _results(
    uploads: Sequence[torch.Tensor],
    figures: torch.Tensor,
    fell: Sequence[bool],
) -> list[LocalResult]:
    """Ticket by ticket; figures [3, G] are losses, their root mean squares, and norms."""
    updates = [upload.cpu().numpy() for upload in uploads]
    columns = zip(
        updates,
        *figures.tolist(),
        fell,
        strict=True,
    )
    return [LocalResult(*of_ticket) for of_ticket in columns]


def _anchors(
    w: torch.Tensor,
    starts: Sequence[Start],
    sizes: Sequence[int],
) -> torch.Tensor:
    """What the tickets' proximal terms draw them to, [P]; frozen parts are there already."""
    anchors = w.clone()
    parts = torch.split(anchors, list(sizes))
    for start, part in zip(starts, parts, strict=True):
        if start.anchor is None:
            continue
        given = torch.tensor(start.anchor[: len(part)], device=w.device)
        for name, view in start.layout.views(part).items():
            if start.layout.trains(name):
                view.copy_(start.layout.view(name, given))
    return anchors


class _Corrections:
    """What is added to gradients: tickets' corrections, and the proximal term; not where frozen."""

    def __init__(
        self,
        starts: Sequence[Start],
        w: torch.Tensor,
        g: torch.Tensor,
        *,
        sizes: list[int],
        prox: float,
    ) -> None:
        self._w = w
        self._g = g
        self._prox = prox
        self._anchors = _anchors(w, starts, sizes) if prox else w
        self._pairs = []
        for start, part in zip(starts, torch.split(g, sizes), strict=True):
            if start.correction is None:
                continue
            added = torch.tensor(start.correction[: len(part)], device=part.device)
            for name, view in start.layout.views(added).items():
                if not start.layout.trains(name):
                    view.zero_()
            self._pairs.append((part, added))
        self._sizes = sizes
        self._total = torch.zeros_like(g) if self._pairs else None  # of the gradients

    def add_gradient(self) -> None:
        for part, added in self._pairs:
            part += added
        if self._prox:
            self._g.add_(self._w - self._anchors, alpha=self._prox)
        if self._total is not None:
            self._total += self._g

    def with_means(self, results: list[LocalResult], steps: int) -> list[LocalResult]:
        """The results with the mean gradient, if any ticket has a correction."""
        if self._total is None:
            return results
        means = torch.split(self._total / steps, self._sizes)
        pairs = zip(results, means, strict=True)
        return [replace(one, gradient=mean.cpu().numpy()) for one, mean in pairs]


class _Adam:
    """Adam (Kingma and Ba, 2015) with the usual constants, as torch.optim.Adam computes it."""

    def __init__(
        self,
        w: torch.Tensor,
        rate: float,
    ) -> None:
        self.rate = rate
        self.count = 0
        self.first = torch.zeros_like(w)
        self.second = torch.zeros_like(w)

    def step(
        self,
        w: torch.Tensor,
        g: torch.Tensor,
    ) -> None:
        self.count += 1
        self.first.lerp_(g, 1 - 0.9)
        self.second.mul_(0.999).addcmul_(g, g, value=1 - 0.999)
        scale = (1 - 0.999**self.count) ** 0.5
        denominator = self.second.sqrt().div_(scale).add_(1e-8)
        rate = self.rate / (1 - 0.9**self.count)
        w.addcdiv_(self.first, denominator, value=-rate)
