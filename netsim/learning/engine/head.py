"""What stands on an encoder: outer(activation(inner(x))), x the last hidden state of a text's first
token.

Each ticket has a head of its own; a pooler that came with the model is frozen, and all have that
one.

Symbols: S texts, of which G alike tickets (alike.py) have s each, h hidden, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netsim.learning.adapters import PREFIX
from netsim.learning.engine.alike_tickets import Alike
from netsim.learning.engine.encoder_families import Family


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

    def back(self, dy: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Gradient of the input, [G, s, out] -> [G, s, in]; fills those of the weights."""
        if self.weight_grad is not None and self.bias_grad is not None:
            self.weight_grad.copy_(torch.bmm(dy.transpose(1, 2), x))
            torch.sum(dy, 1, out=self.bias_grad)
        return torch.bmm(dy, self.weight)


@dataclass(frozen=True)
class Head:
    """The heads of alike tickets."""

    tickets: Alike
    inner: Affine
    outer: Affine


@dataclass(frozen=True)
class Heads:
    """The heads of all tickets of a chunk."""

    parts: Sequence[Head]
    activation: str  # tanh | relu

    def logits(self, first: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [S, C] and what enters the outer layer [S, h], from the first tokens' hidden
        state.
        """
        active = _joined([head.inner.forward(head.tickets.of(first)) for head in self.parts])
        active = active.tanh_() if self.activation == "tanh" else active.relu_()
        return _joined([head.outer.forward(head.tickets.of(active)) for head in self.parts]), active

    def back(
        self, d_logits: torch.Tensor, active: torch.Tensor, first: torch.Tensor
    ) -> torch.Tensor:
        """Gradient of the first tokens' hidden state [S, h]; fills those of the heads."""
        parts = [(head, head.tickets.of) for head in self.parts]
        d_active = _joined([head.outer.back(of(d_logits), of(active)) for head, of in parts])
        if self.activation == "tanh":
            d_inner = torch.ops.aten.tanh_backward(d_active, active)
        else:
            d_inner = d_active.mul_(active > 0)
        return _joined([head.inner.back(of(d_inner), of(first)) for head, of in parts])


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """[G, s, n] of all tickets -> [S, n]."""
    flat = [part.flatten(0, 1) for part in parts]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


def heads_of(family: Family, tickets: Sequence[Alike], weights: dict[str, torch.Tensor]) -> Heads:
    """`weights`: the foundation model's, for a pooler that is not the tickets' own."""
    parts = []
    for one in tickets:
        plan, count, vectors = one.plan, len(one.starts), one.own
        if vectors.shape[1] < plan.size:  # heads are not trained
            vectors = torch.stack([torch.from_numpy(start.vector) for start in one.starts]).to(
                vectors.device
            )
        own, grad = plan.views(vectors), plan.views(one.grad)
        inner, outer = (
            _affine(name, own, grad, weights, count) for name in (family.inner, family.outer)
        )
        parts.append(Head(one, inner, outer))
    return Heads(parts, family.activation)


def _affine(
    name: str,
    own: dict[str, torch.Tensor],
    grad: dict[str, torch.Tensor],
    weights: dict[str, torch.Tensor],
    count: int,
) -> Affine:
    names = f"{name}.weight", f"{name}.bias"
    if PREFIX + names[0] in own:
        weight, bias = (own[PREFIX + each] for each in names)
        return Affine(weight, bias, *(grad.get(PREFIX + each) for each in names))
    weight, bias = (weights[each].float().expand(count, *weights[each].shape) for each in names)
    return Affine(weight, bias, None, None)
