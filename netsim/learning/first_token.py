"""The last layer of an encoder, for the first token of each text, which alone is classified.

With one query per text, neither keys nor values are needed of all tokens: q (W_k x) = (q W_k) x, and the sum
of w (W_v x) is W_v times the sum of w x. So both projections are computed per text and head instead of per
token. The keys' bias moves all scores of a text alike and drops out; the weights w sum to 1, so the values'
bias is added as it is.

Symbols: T tokens of S texts, of which G alike tickets (alike.py) have s each, H heads of d numbers, h = H d
hidden, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from netsim.learning import attention
from netsim.learning.adapters import A, B
from netsim.learning.alike import Alike
from netsim.learning.layers import Layer, Places, feed, feed_back
from netsim.learning.packing import Packing


@dataclass(frozen=True)
class _Factors:
    """What alike tickets add to the queries, the keys or the values, head by head."""

    tickets: Alike
    scale: float
    a: torch.Tensor  # [G, r, h]
    a_grad: torch.Tensor
    b: torch.Tensor  # [H, G, d, r]
    b_grad: torch.Tensor

    def down(self, x: torch.Tensor) -> torch.Tensor:
        """x A^T: [.., S, h] -> [.., G, s, r]."""
        return torch.matmul(self.tickets.of(x), self.a.transpose(1, 2))

    def down_add(self, u: torch.Tensor, x: torch.Tensor) -> None:
        """Add scale u A to `x`: [.., G, s, r] -> [.., S, h]."""
        self.tickets.of(x).add_(torch.matmul(u, self.a), alpha=self.scale)

    def up(self, y: torch.Tensor) -> torch.Tensor:
        """y B: [H, S, d] -> [H, G, s, r]."""
        return torch.matmul(self.tickets.of(y), self.b)

    def up_add(self, u: torch.Tensor, y: torch.Tensor) -> None:
        """Add scale u B^T to `y`: [.., G, s, r] -> [H, S, d]."""
        self.tickets.of(y).add_(torch.matmul(u, self.b.transpose(2, 3)), alpha=self.scale)

    def fill(self, x: torch.Tensor, du: torch.Tensor, dy: torch.Tensor, u: torch.Tensor) -> None:
        """Gradients of A from `x` [.., S, h] and `du`, of B from `dy` [H, S, d] and `u`."""
        wide, narrow = self.tickets.of(x), self.tickets.of(dy)
        torch.mul(torch.matmul(du.transpose(2, 3), wide).sum(0), self.scale, out=self.a_grad)
        torch.mul(torch.matmul(narrow.transpose(2, 3), u), self.scale, out=self.b_grad)


@dataclass(frozen=True)
class LastLayer:
    """What tickets add in the last layer; to keys and values it is not added token by token."""

    lora: Places  # the layer's other places
    queries: Sequence[_Factors]
    keys: Sequence[_Factors]
    values: Sequence[_Factors]


def last_layer(
    layer: Layer, x: torch.Tensor, plan: Packing, own: LastLayer, saved: list[Any] | None
) -> torch.Tensor:
    """Output [S, h] of the last layer for the first token of each text, from its input `x` [T, h]."""
    h, heads = x.shape[1], plan.heads
    first = x.index_select(0, plan.first)
    q = _split(layer.qkv.part(0, h)(first), heads)
    u_queries = [f.down(first) for f in own.queries]
    for f, u in zip(own.queries, u_queries, strict=True):
        f.up_add(u, q)
    q = q.mul_((h // heads) ** -0.5)
    seen = _per_head(q, _heads(layer.qkv.weight[h : 2 * h], heads))
    u_keys = [f.up(q) for f in own.keys]
    for f, u in zip(own.keys, u_keys, strict=True):
        f.down_add(u, seen)
    weights: list[Any] | None = None if saved is None else []
    mean = attention.attend_first(seen, x, plan, weights)
    context = _per_head(mean, _heads(layer.qkv.weight[2 * h :], heads).transpose(1, 2))
    u_values = [f.down(mean) for f in own.values]
    for f, u in zip(own.values, u_values, strict=True):
        f.up_add(u, context)
    kept = [] if saved is None else [first, u_queries, q, u_keys, mean, u_values, weights]
    out = feed(layer, _join(context).add_(layer.qkv.bias[2 * h :]), first, own.lora, kept)
    if saved is not None:
        saved.append(kept)
    return out


def last_layer_back(
    layer: Layer, dy: torch.Tensor, plan: Packing, own: LastLayer, kept: list[Any], below: bool
) -> torch.Tensor:
    """Gradient of the last layer's input [T, h], from that of the first tokens' output [S, h]."""
    first, u_queries, q, u_keys, mean, u_values, weights = kept[:7]
    h, heads = dy.shape[1], plan.heads
    d_joined, d_first = feed_back(layer, dy, own.lora, kept[7:])
    d_context = _split(d_joined, heads)
    d_mean = _per_head(d_context, _heads(layer.qkv.weight[2 * h :], heads))
    for f, u in zip(own.values, u_values, strict=True):
        du = f.up(d_context)
        f.fill(mean, du, d_context, u)
        f.down_add(du, d_mean)
    d_seen, dx = attention.attend_first_back(d_mean, plan, weights)
    d_q = _per_head(d_seen, _heads(layer.qkv.weight[h : 2 * h], heads).transpose(1, 2))
    for f, u in zip(own.keys, u_keys, strict=True):
        du = f.down(d_seen)
        f.fill(d_seen, u, q, du)
        f.up_add(du, d_q)
    d_q = d_q.mul_((h // heads) ** -0.5)
    if below:
        d_first = layer.qkv.part(0, h).back(_join(d_q), d_first)
    for f, u in zip(own.queries, u_queries, strict=True):
        du = f.up(d_q).sum(0, keepdim=True)
        f.fill(first, du, d_q, u)
        if below:
            f.down_add(du[0], d_first)
    return dx.index_add_(0, plan.first, d_first) if below else dy.new_empty(0)


def last_layer_of(paths: Sequence[str], tickets: Sequence[Alike], heads: int, lora: Places) -> LastLayer:
    """`paths` are the queries', keys' and values'; `lora` has what the tickets add at the other places."""
    parts: tuple[list[_Factors], ...] = ([], [], [])
    for one in tickets:
        plan = one.starts[0].plan
        for path, part in zip(paths, parts, strict=True):
            a, b = f"{path}{A}", f"{path}{B}"
            if a in plan.shapes:
                factors = (plan.view(a, each) for each in (one.own, one.grad))
                others = (_by_head(plan.view(b, each), heads) for each in (one.own, one.grad))
                part.append(_Factors(one, plan.spec.scale, *factors, *others))
    return LastLayer(lora, *parts)


# -- heads ---------------------------------------------------------------------------------------


def _split(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[S, H d] -> [H, S, d]."""
    return x.view(len(x), heads, -1).transpose(0, 1)


def _join(x: torch.Tensor) -> torch.Tensor:
    """[H, S, d] -> [S, H d]."""
    return x.transpose(0, 1).reshape(x.shape[1], -1)


def _heads(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a weight [H d, h] head by head, [H, d, h]."""
    return weight.view(heads, -1, weight.shape[1])


def _by_head(b: torch.Tensor, heads: int) -> torch.Tensor:
    """[G, H d, r] -> [H, G, d, r]."""
    return b.view(len(b), heads, -1, b.shape[2]).transpose(0, 1)


def _per_head(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[H, S, a], [H, a, b] -> [H, S, b]; the weight may be stored in bfloat16."""
    return torch.bmm(x.to(weight.dtype), weight).to(x.dtype)
