"""The last layer of an encoder, for the first token of each text, which alone is classified.

With one query per text, neither keys nor values are needed of all tokens: q (W_k x) = (q W_k) x, and the sum
of w (W_v x) is W_v times the sum of w x. So both projections are computed per text and head instead of per
token. The keys' bias moves all scores of a text alike and drops out; the weights w sum to 1, so the values'
bias is added as it is.

Symbols: T tokens of S texts of G tickets, H heads of d numbers, h = H d hidden, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import split_with_sizes as cut

from netsim.learning import attention
from netsim.learning.layers import Layer, Places, feed, feed_back
from netsim.learning.lowrank import Factor, LowRank, Pair
from netsim.learning.packing import Packing


@dataclass(frozen=True)
class _Factors:
    """One ticket's factors of the keys or the values, head by head."""

    a: torch.Tensor  # [r, h]
    a_grad: torch.Tensor
    b: torch.Tensor  # [H, d, r]
    b_grad: torch.Tensor
    scale: float


_Part = Sequence[_Factors | None]  # [G]


@dataclass(frozen=True)
class LastLayer:
    """What tickets add in the last layer; for keys and values there are no rows of tokens to add it to."""

    lora: Places  # the layer's other places
    query: LowRank
    keys: _Part
    values: _Part


def last_layer(
    layer: Layer, x: torch.Tensor, plan: Packing, own: LastLayer, saved: list[Any] | None
) -> torch.Tensor:
    """Output [S, h] of the last layer for the first token of each text, from its input `x` [T, h]."""
    h, heads, texts = x.shape[1], plan.heads, own.query.rows
    first = x.index_select(0, plan.first)
    q = layer.qkv.part(0, h)(first)
    added = own.query.add(first, q)
    q = _split(q.mul_((h // heads) ** -0.5), heads)
    seen = _per_head(q, _heads(layer.qkv.weight[h : 2 * h], heads))
    u_keys: list[torch.Tensor | None] = []
    for one, part, out in zip(own.keys, cut(q, texts, 1), cut(seen, texts, 1), strict=True):
        u = None if one is None else torch.bmm(part, one.b)
        if one is not None and u is not None:
            out += torch.matmul(u, one.a).mul_(one.scale)
        u_keys.append(u)
    weights: list[Any] | None = None if saved is None else []
    mean = attention.attend_first(seen, x, plan, weights)
    context = _per_head(mean, _heads(layer.qkv.weight[2 * h :], heads).transpose(1, 2))
    u_values: list[torch.Tensor | None] = []
    for one, part, out in zip(
        own.values,
        cut(mean, texts, 1),
        cut(context, texts, 1),
        strict=True,
    ):
        u = None if one is None else torch.matmul(part, one.a.t())
        if one is not None and u is not None:
            out.baddbmm_(u, one.b.transpose(1, 2), alpha=one.scale)
        u_values.append(u)
    kept = [] if saved is None else [added, q, u_keys, mean, u_values, weights]
    out = feed(layer, _join(context).add_(layer.qkv.bias[2 * h :]), first, own.lora, kept)
    if saved is not None:
        saved.append(kept)
    return out


def last_layer_back(
    layer: Layer, dy: torch.Tensor, plan: Packing, own: LastLayer, kept: list[Any], below: bool
) -> torch.Tensor:
    """Gradient of the last layer's input [T, h], from that of the first tokens' output [S, h]."""
    added, q, u_keys, mean, u_values, weights = kept[:6]
    h, heads, texts = dy.shape[1], plan.heads, own.query.rows
    d_joined, d_first = feed_back(layer, dy, own.lora, kept[6:])
    d_context = _split(d_joined, heads)
    d_mean = _per_head(d_context, _heads(layer.qkv.weight[2 * h :], heads))
    parts = (
        cut(d_context, texts, 1),
        cut(mean, texts, 1),
        cut(d_mean, texts, 1),
    )
    for one, u, part, wide, out in zip(own.values, u_values, *parts, strict=True):
        if one is not None:
            du = torch.bmm(part, one.b)
            _fill(one, part, u, du, wide)
            out += torch.matmul(du, one.a).mul_(one.scale)
    d_seen, dx = attention.attend_first_back(d_mean, plan, weights)
    d_q = _per_head(d_seen, _heads(layer.qkv.weight[h : 2 * h], heads).transpose(1, 2))
    parts = (
        cut(d_seen, texts, 1),
        cut(q, texts, 1),
        cut(d_q, texts, 1),
    )
    for one, u, part, left, out in zip(own.keys, u_keys, *parts, strict=True):
        if one is not None:
            du = torch.matmul(part, one.a.t())
            _fill(one, left, du, u, part)
            out.baddbmm_(du, one.b.transpose(1, 2), alpha=one.scale)
    d_query = _join(d_q).mul_((h // heads) ** -0.5)
    if below:
        d_first = layer.qkv.part(0, h).back(d_query, d_first)
    own.query.back(d_query, added, d_first if below else None)
    return dx.index_add_(0, plan.first, d_first) if below else dy.new_empty(0)


def _fill(
    one: _Factors, left: torch.Tensor, inner: torch.Tensor, d_inner: torch.Tensor, wide: torch.Tensor
) -> None:
    """Gradients of B from [H, S, d] and [H, S, r], of A from [H, S, r] and [H, S, h]."""
    torch.baddbmm(one.b_grad, left.transpose(1, 2), inner, beta=0.0, alpha=one.scale, out=one.b_grad)
    r, h = one.a.shape
    flat = d_inner.reshape(-1, r).t()
    torch.addmm(one.a_grad, flat, wide.reshape(-1, h), beta=0.0, alpha=one.scale, out=one.a_grad)


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


def _per_head(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[H, S, a], [H, a, b] -> [H, S, b]; the weight may be stored in bfloat16."""
    return torch.bmm(x.to(weight.dtype), weight).to(x.dtype)


def apart(lora: Places, h: int, heads: int) -> LastLayer:
    """The factors of the last layer, those of queries, keys and values taken apart."""
    query: list[Pair | None] = []
    others: tuple[list[_Factors | None], list[_Factors | None]] = ([], [])
    for pair in lora["qkv"].pairs:
        found = {f.columns[0] // h: f for f in pair.factors} if pair is not None else {}
        own = found.get(0)
        if pair is not None and own is not None:
            ranks = slice(*own.ranks)
            factor = Factor(own.b, own.b_grad, own.columns, (0, len(pair.a[ranks])))
            query.append(Pair(pair.a[ranks], pair.a_grad[ranks], (factor,), pair.scale))
        else:
            query.append(None)
        for place, part in enumerate(others, start=1):
            f = found.get(place)
            if pair is not None and f is not None:
                ranks = slice(*f.ranks)
                b, b_grad = _heads(f.b, heads), _heads(f.b_grad, heads)
                part.append(_Factors(pair.a[ranks], pair.a_grad[ranks], b, b_grad, pair.scale))
            else:
                part.append(None)
    return LastLayer(lora, LowRank(tuple(query), lora["qkv"].rows), *others)
