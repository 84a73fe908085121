"""The last layer of an encoder, for the first token of each text, which alone is classified.

With one query per text, neither keys nor values are needed of all tokens: q (W_k x) = (q W_k) x,
and the sum of w (W_v x) is W_v times the sum of w x. So both projections are computed per text and
head instead of per token. The keys' bias moves all scores of a text alike and drops out; the
weights w sum to 1, so the values' bias is added as it is.

Symbols: T tokens of S texts, of which G alike tickets (alike.py) have s each, H heads of d numbers,
h = H d hidden, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from netsim.learning.adapters import A, B
from netsim.learning.engine import attention
from netsim.learning.engine.alike_tickets import Alike
from netsim.learning.engine.encoder_layers import Layer, Places, feed, feed_back
from netsim.learning.engine.packing import Packing


@dataclass(frozen=True)
class _Factors:
    """What alike tickets add to the queries, the keys or the values, head by head.

    An inner product u is [G, s H, r]; of the queries, which have one for all heads, [G, s, r].
    """

    tickets: Alike
    scale: float
    a: torch.Tensor  # [G, r, h]
    a_grad: torch.Tensor
    b: torch.Tensor  # [G, H, d, r]
    b_grad: torch.Tensor

    def down(self, x: torch.Tensor) -> torch.Tensor:
        """x A^T: [S, H, h] or [S, h] -> u."""
        return torch.bmm(self.tickets.of(x), self.a.transpose(1, 2))

    def down_add(self, u: torch.Tensor, x: torch.Tensor) -> None:
        """Add scale u A to `x`, [S, H, h] or [S, h]."""
        self.tickets.of(x).baddbmm_(u, self.a, alpha=self.scale)

    def up(self, y: torch.Tensor) -> torch.Tensor:
        """y B: [S, h] -> u of every head."""
        u = torch.matmul(self._by_head(y), self.b)
        return u.transpose(1, 2).reshape(len(u), -1, u.shape[3])

    def up_add(self, u: torch.Tensor, y: torch.Tensor) -> None:
        """Add scale u B^T to `y` [S, h]."""
        added = torch.matmul(self._inner(u), self.b.transpose(2, 3))
        self._by_head(y).add_(added, alpha=self.scale)

    def fill(self, x: torch.Tensor, u_x: torch.Tensor, y: torch.Tensor, u_y: torch.Tensor) -> None:
        """Gradients of A from `x` ([S, H, h] or [S, h]) and u_x, of B from `y` [S, h] and u_y.

        One of `x` and `y` is a gradient, and the u with the other one.
        """
        wide = self.tickets.of(x)
        torch.baddbmm(
            self.a_grad, u_x.transpose(1, 2), wide, beta=0, alpha=self.scale, out=self.a_grad
        )
        b_grad = torch.matmul(self._by_head(y).transpose(2, 3), self._inner(u_y))
        torch.mul(b_grad, self.scale, out=self.b_grad)

    def _by_head(self, y: torch.Tensor) -> torch.Tensor:
        """View [G, H, s, d] of these tickets' rows of `y` [S, h]."""
        G, H, d, _ = self.b.shape
        return y[self.tickets.texts].view(G, -1, H, d).transpose(1, 2)

    def _inner(self, u: torch.Tensor) -> torch.Tensor:
        """View [G, H, s, r] of `u`; [G, 1, s, r] of that of the queries."""
        s = (self.tickets.texts.stop - self.tickets.texts.start) // len(u)
        return u.view(len(u), s, -1, u.shape[2]).transpose(1, 2)


@dataclass(frozen=True)
class LastLayer:
    """What tickets add in the last layer; to keys and values it is not added token by token."""

    lora: Places  # at the other places
    queries: Sequence[_Factors]
    keys: Sequence[_Factors]
    values: Sequence[_Factors]


def last_layer(
    layer: Layer, x: torch.Tensor, plan: Packing, own: LastLayer, saved: list[Any] | None
) -> torch.Tensor:
    """Output [S, h] of the last layer for the first token of each text, from its input `x` [T,
    h].
    """
    h, heads = x.shape[1], plan.heads
    w_keys, w_values = _weights(layer, heads)
    first = x.index_select(0, plan.first)
    q = layer.qkv.part(0, h)(first)
    u_queries = [f.down(first) for f in own.queries]
    for f, u in zip(own.queries, u_queries, strict=True):
        f.up_add(u, q)
    q *= (h // heads) ** -0.5
    seen = _per_head(q.view(-1, heads, h // heads), w_keys)
    u_keys = [f.up(q) for f in own.keys]
    for f, u in zip(own.keys, u_keys, strict=True):
        f.down_add(u, seen)
    weights: list[Any] | None = None if saved is None else []
    mean = attention.attend_first(seen, x, plan, weights)
    context = _per_head(mean, w_values.transpose(1, 2)).view(-1, h)
    u_values = [f.down(mean) for f in own.values]
    for f, u in zip(own.values, u_values, strict=True):
        f.up_add(u, context)
    kept = [] if saved is None else [first, u_queries, q, u_keys, mean, u_values, weights]
    out = feed(layer, context.add_(layer.qkv.bias[2 * h :]), first, own.lora, kept)
    if saved is not None:
        saved.append(kept)
    return out


def last_layer_back(
    layer: Layer, dy: torch.Tensor, plan: Packing, own: LastLayer, kept: list[Any], below: bool
) -> torch.Tensor:
    """Gradient of the last layer's input [T, h], from that of the first tokens' output [S, h]."""
    first, u_queries, q, u_keys, mean, u_values, weights = kept[:7]
    h, heads = dy.shape[1], plan.heads
    w_keys, w_values = _weights(layer, heads)
    d_context, d_first = feed_back(layer, dy, own.lora, kept[7:])
    d_mean = _per_head(d_context.view(-1, heads, h // heads), w_values)
    for f, u in zip(own.values, u_values, strict=True):
        du = f.up(d_context)
        f.fill(mean, du, d_context, u)
        f.down_add(du, d_mean)
    d_seen, dx = attention.attend_first_back(d_mean, plan, weights)
    d_q = _per_head(d_seen, w_keys.transpose(1, 2)).view(-1, h)
    for f, u in zip(own.keys, u_keys, strict=True):
        du = f.down(d_seen)
        f.fill(d_seen, u, q, du)
        f.up_add(du, d_q)
    d_q *= (h // heads) ** -0.5
    if below:
        d_first = layer.qkv.part(0, h).back(d_q, d_first)
    for f, u in zip(own.queries, u_queries, strict=True):
        du = f.up(d_q).view(len(u), u.shape[1], heads, -1).sum(2)
        f.fill(first, du, d_q, u)
        if below:
            f.down_add(du, d_first)
    return dx.index_add_(0, plan.first, d_first) if below else dy.new_empty(0)


def last_layer_of(
    paths: Sequence[str], tickets: Sequence[Alike], heads: int, lora: Places
) -> LastLayer:
    """`paths` are the queries', keys' and values'; `lora` has what the tickets add at the other
    places.
    """
    parts: tuple[list[_Factors], ...] = ([], [], [])
    for one in tickets:
        plan = one.plan
        for path, part in zip(paths, parts, strict=True):
            a, b = f"{path}{A}", f"{path}{B}"
            if a in plan.shapes:
                of_a = (plan.view(a, each) for each in (one.own, one.grad))
                of_b = (plan.view(b, each) for each in (one.own, one.grad))
                of_b = (each.view(len(each), heads, -1, each.shape[2]) for each in of_b)
                part.append(_Factors(one, plan.spec.scale, *of_a, *of_b))
    return LastLayer(lora, *parts)


def _weights(layer: Layer, heads: int) -> Sequence[torch.Tensor]:
    """Frozen weights of keys and values, head by head, [H, d, h] each."""
    weight = layer.qkv.weight
    return weight.view(3, heads, -1, weight.shape[1])[1:].unbind()


def _per_head(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[S, H, a], [H, a, b] -> [S, H, b]; the weight may be stored in bfloat16."""
    y = weight.new_empty(*x.shape[:2], weight.shape[2])
    torch.bmm(x.to(weight.dtype).transpose(0, 1), weight, out=y.transpose(0, 1))
    return y.to(x.dtype)
