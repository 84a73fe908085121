"""What an engine computes: the local training of tickets, and logits.

A ticket is tau full-batch steps of one UE on one module (model-spec 10.6). Tickets come in chunks; those of
one chunk may be computed together, but each has parameters of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.adapters import Vector
from netsim.learning.spec import LocalTraining
from netsim.learning.tokens import Texts
from netsim.units import IntArray

Gradient = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(w [P], g [P] to be filled) -> mean loss of each ticket [G], nats."""


@dataclass(frozen=True)
class Chunk:
    """G tickets that are computed together; their texts follow each other."""

    module: IntArray  # [G]
    samples: IntArray  # [G] D_k, texts of each ticket
    texts: Texts  # sum of D_k


@dataclass(frozen=True)
class Upload:
    """What one ticket sends, and what its first step saw at the downloaded version."""

    module: int
    samples: int  # D_k
    update: Vector  # [trained] gradient (sgd) or w_start - w_end (adam)
    train_loss: float  # nats
    gradient_norm: float


class Engine(Protocol):
    """Computes on one frozen model. Each module's state is its whole vector (adapters.Layout)."""

    def train(self, chunk: Chunk, states: Sequence[Vector], local: LocalTraining) -> list[Upload]:
        """The uploads of a chunk's tickets, in their order."""
        ...

    def logits(self, module: int, state: Vector, texts: Texts) -> NDArray[np.float32]:
        """Shape [texts, classes]."""
        ...


def descend(
    w: torch.Tensor, sizes: Sequence[int], gradient: Gradient, local: LocalTraining
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """tau steps from `w` [P], the parameters of G tickets end to end, `sizes` [G] numbers each.

    Returns the uploads [P], and the losses [G] and gradient norms [G] of the first step. `w` is overwritten.
    """
    g = torch.zeros_like(w)
    upload = torch.zeros_like(w) if local.optimizer == "sgd" else w.clone()
    adam = _Adam(w, local.learning_rate)
    loss = norm = torch.zeros(0)
    for step in range(local.local_steps):
        losses = gradient(w, g)
        if step == 0:
            loss = losses.clone()
            norm = torch.stack([part.norm() for part in torch.split(g, list(sizes))])
        if local.optimizer == "sgd":
            # (w_start - w_end) / rate is the sum of the gradients; the sum does not lose their low bits.
            upload += g
            w.sub_(g, alpha=local.learning_rate)
        else:
            adam.step(w, g)
    if local.optimizer == "adam":
        upload -= w
    return upload, loss, norm


class _Adam:
    """Adam (Kingma and Ba, 2015) with the usual constants, as torch.optim.Adam computes it."""

    def __init__(self, w: torch.Tensor, rate: float) -> None:
        self.rate, self.count = rate, 0
        self.first, self.second = torch.zeros_like(w), torch.zeros_like(w)

    def step(self, w: torch.Tensor, g: torch.Tensor) -> None:
        self.count += 1
        self.first.lerp_(g, 1 - 0.9)
        self.second.mul_(0.999).addcmul_(g, g, value=1 - 0.999)
        scale = (1 - 0.999**self.count) ** 0.5
        denominator = self.second.sqrt().div_(scale).add_(1e-8)
        w.addcdiv_(self.first, denominator, value=-self.rate / (1 - 0.9**self.count))
