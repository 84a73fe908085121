"""The head on an encoder: outer(activation(inner(x))) of each text's first token.

x is the token's last hidden state. Each ticket has a head of its own; a pooler that came with the
model is frozen, and all tickets share it.

Symbols: S texts, of which G alike tickets (alike_tickets.py) have s each, h hidden, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netsim.learning.adapters import PREFIX
from netsim.learning.engine.alike_tickets import AlikeTickets
from netsim.learning.engine.encoder_families import EncoderFamily
from netsim.protocols import HEAD

Tensors = dict[str, torch.Tensor]
"""Tensors by name."""


@dataclass(frozen=True)
class Affine:
    """A linear layer of alike tickets; its gradients, if it is trained."""

    weight: torch.Tensor  # [G, out, in]
    bias: torch.Tensor  # [G, out]
    weight_grad: torch.Tensor | None
    bias_grad: torch.Tensor | None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[G, s, in] -> [G, s, out]."""
        return torch.baddbmm(self.bias[:, None], x, self.weight.transpose(1, 2))

    def back(
        self,
        dy: torch.Tensor,
        x: torch.Tensor,
    ) -> torch.Tensor:
        """Gradient of the input, [G, s, out] -> [G, s, in]; fills those of the weights."""
        if self.weight_grad is not None and self.bias_grad is not None:
            self.weight_grad.copy_(torch.bmm(dy.transpose(1, 2), x))
            torch.sum(dy, 1, out=self.bias_grad)
        return torch.bmm(dy, self.weight)


@dataclass(frozen=True)
class AlikeHeads:
    """The heads of alike tickets."""

    tickets: AlikeTickets
    inner: Affine
    outer: Affine


@dataclass(frozen=True)
class Heads:
    """The heads of all tickets of a chunk."""

    parts: Sequence[AlikeHeads]
    activation: str  # tanh | relu

    def logits(self, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [S, C] and what enters the outer layer [S, h].

        `first` [S, h] is the hidden state of the first tokens.
        """
        inner = [head.inner.forward(head.tickets.of(first)) for head in self.parts]
        active = _joined(inner)
        active = active.tanh_() if self.activation == "tanh" else active.relu_()
        outer = [head.outer.forward(head.tickets.of(active)) for head in self.parts]
        return _joined(outer), active

    def losses_back(
        self,
        first: torch.Tensor,
        label: torch.Tensor,
        texts_of_own: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses [S], and the gradient of `first` [S, h]; fills those of the heads.

        That is of the tickets' mean losses, of which each has `texts_of_own` [S, 1] texts.
        """
        logits, active = self.logits(first)
        log_p = torch.log_softmax(logits, -1)
        losses = -log_p.gather(1, label[:, None])[:, 0]
        d_logits = log_p.exp_()
        d_logits[torch.arange(len(label), device=label.device), label] -= 1.0
        d_logits /= texts_of_own
        return losses, self.back(d_logits, active, first)

    def back(
        self,
        d_logits: torch.Tensor,
        active: torch.Tensor,
        first: torch.Tensor,
    ) -> torch.Tensor:
        """Gradient of the first tokens' hidden state [S, h]; fills those of the heads."""
        d_outer = []
        for head in self.parts:
            of = head.tickets.of
            d_outer.append(head.outer.back(of(d_logits), of(active)))
        d_active = _joined(d_outer)
        if self.activation == "tanh":
            d_inner = torch.ops.aten.tanh_backward(d_active, active)
        else:
            d_inner = d_active.mul_(active > 0)
        d_first = []
        for head in self.parts:
            of = head.tickets.of
            d_first.append(head.inner.back(of(d_inner), of(first)))
        return _joined(d_first)


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """[G, s, n] of all tickets -> [S, n]."""
    flat = [part.flatten(0, 1) for part in parts]
    if len(flat) == 1:
        return flat[0]
    return torch.cat(flat)


def heads_of(
    family: EncoderFamily,
    tickets: Sequence[AlikeTickets],
    weights: Tensors,
) -> Heads:
    """The heads of a chunk's tickets.

    `weights` are the foundation model's, for a pooler that is not the tickets' own.
    """
    parts = []
    for group in tickets:
        own = group.layout.views(whole_vectors(group))
        grad = group.layout.views(group.grad) if group.layout.trained & HEAD else {}
        count = len(group.starts)
        inner = _affine(
            family.inner,
            own,
            grad,
            weights,
            count=count,
        )
        outer = _affine(
            family.outer,
            own,
            grad,
            weights,
            count=count,
        )
        parts.append(AlikeHeads(group, inner, outer))
    return Heads(parts, family.activation)


def whole_vectors(tickets: AlikeTickets) -> torch.Tensor:
    """Modules with their heads, [G, size], where heads are not among what is trained too."""
    if tickets.own.shape[1] == tickets.layout.size:
        return tickets.own
    vectors = [torch.from_numpy(start.vector) for start in tickets.starts]
    return torch.stack(vectors).to(tickets.own.device)


def _affine(
    name: str,
    own: Tensors,
    grad: Tensors,
    weights: Tensors,
    *,
    count: int,
) -> Affine:
    """The linear layer `name` of `count` tickets: their own, or the foundation model's."""
    weight_name = f"{name}.weight"
    bias_name = f"{name}.bias"
    if PREFIX + weight_name in own:
        return Affine(
            weight=own[PREFIX + weight_name],
            bias=own[PREFIX + bias_name],
            weight_grad=grad.get(PREFIX + weight_name),
            bias_grad=grad.get(PREFIX + bias_name),
        )
    weight = weights[weight_name].float()
    bias = weights[bias_name].float()
    return Affine(
        weight=weight.expand(count, *weight.shape),
        bias=bias.expand(count, *bias.shape),
        weight_grad=None,
        bias_grad=None,
    )
