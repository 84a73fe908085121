"""The last layer of an encoder, for the first token of each text, which alone is classified.

With one query per text, neither keys nor values are needed of all tokens: q (W_k x) = (q W_k) x,
and the sum of w (W_v x) is W_v times the sum of w x. So both projections are computed per text and
head instead of per token. The keys' bias moves all scores of a text alike and drops out. The
weights w sum to 1, so the values' bias is added as it is.

Symbols: T tokens of S texts, of which G alike tickets (alike_tickets.py) have s each, H heads of d
numbers, h = H d hidden, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from netsim.learning.engine import attention
from netsim.learning.engine.alike_tickets import AlikeTickets
from netsim.learning.engine.encoder_layers import EncoderLayer, Places, feed, feed_back
from netsim.learning.engine.head_factors import HeadFactors, add_down, add_up, factors_at
from netsim.learning.engine.packing import Packing


@dataclass(frozen=True)
class LastLayer:
    """What tickets add in the last layer; to keys and values it is not added token by token."""

    lora: Places  # at the other places
    queries: Sequence[HeadFactors]
    keys: Sequence[HeadFactors]
    values: Sequence[HeadFactors]


class _Kept(NamedTuple):
    """What `last_layer_back` needs from the forward pass; an inner product u for each factor."""

    first: torch.Tensor  # [S, h] input of the first tokens
    u_queries: list[torch.Tensor]
    q: torch.Tensor  # [S, h] queries, scaled
    u_keys: list[torch.Tensor]
    mean: torch.Tensor  # [S, H, h] of the input, by the attention's weights
    u_values: list[torch.Tensor]
    weights: list[Any]  # of `attend_first`
    fed: list[Any]  # of `feed`


def last_layer(
    layer: EncoderLayer,
    x: torch.Tensor,
    packing: Packing,
    own: LastLayer,
    saved: list[Any] | None,
) -> torch.Tensor:
    """Output [S, h] of the last layer for the first token of each text, from its input [T, h]."""
    h = x.shape[1]
    w_keys, w_values = _weights(layer, packing.heads)
    first = x.index_select(0, packing.first)
    q, u_queries = _queries(layer, first, own, packing.heads)

    seen = _per_head(_split_heads(q, packing.heads), w_keys)
    u_keys = [factors.up(q) for factors in own.keys]
    add_down(own.keys, u_keys, seen)
    weights: list[Any] | None = None if saved is None else []
    mean = attention.attend_first(seen, x, packing, weights)

    context = _per_head(mean, w_values.transpose(1, 2)).view(-1, h)
    u_values = [factors.down(mean) for factors in own.values]
    add_up(own.values, u_values, context)
    context.add_(layer.qkv.bias[2 * h :])

    fed: list[Any] = []
    out = feed(
        layer,
        context,
        first,
        own.lora,
        fed,
    )
    if saved is not None and weights is not None:
        kept = _Kept(
            first=first,
            u_queries=u_queries,
            q=q,
            u_keys=u_keys,
            mean=mean,
            u_values=u_values,
            weights=weights,
            fed=fed,
        )
        saved.append(kept)
    return out


def _queries(
    layer: EncoderLayer,
    first: torch.Tensor,
    own: LastLayer,
    heads: int,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Scaled queries [S, h] of the first tokens, and each factor's inner product."""
    h = first.shape[1]
    q = layer.qkv.part(0, h)(first)
    inner = [factors.down(first) for factors in own.queries]
    add_up(own.queries, inner, q)
    q *= (h // heads) ** -0.5
    return q, inner


def last_layer_back(
    layer: EncoderLayer,
    dy: torch.Tensor,
    packing: Packing,
    own: LastLayer,
    *,
    kept: _Kept,
    below: bool,
) -> torch.Tensor:
    """Gradient of the last layer's input [T, h], from that of the first tokens' output [S, h].

    An empty tensor if nothing `below` is trained.
    """
    h = dy.shape[1]
    heads = packing.heads
    w_keys, w_values = _weights(layer, heads)

    d_context, d_first = feed_back(layer, dy, own.lora, kept.fed)
    d_mean = _per_head(_split_heads(d_context, heads), w_values)
    for factors, u in zip(own.values, kept.u_values, strict=True):
        du = factors.up(d_context)
        factors.fill(kept.mean, du, d_context, u)
        factors.down_add(du, d_mean)

    d_seen, dx = attention.attend_first_back(d_mean, packing, kept.weights)
    d_q = _per_head(d_seen, w_keys.transpose(1, 2)).view(-1, h)
    for factors, u in zip(own.keys, kept.u_keys, strict=True):
        du = factors.down(d_seen)
        factors.fill(d_seen, u, kept.q, du)
        factors.up_add(du, d_q)
    d_q *= (h // heads) ** -0.5

    if below:
        d_first = layer.qkv.part(0, h).back(d_q, d_first)
    _queries_back(own, kept, d_q, d_first if below else None)
    if not below:
        return dy.new_empty(0)
    return dx.index_add_(0, packing.first, d_first)


def _queries_back(
    own: LastLayer,
    kept: _Kept,
    d_q: torch.Tensor,
    d_first: torch.Tensor | None,
) -> None:
    """Fill the gradients of the queries' factors, and add to `d_first` [S, h], if it is needed."""
    for factors, u in zip(own.queries, kept.u_queries, strict=True):
        heads = factors.b.shape[1]
        of_heads = factors.up(d_q)
        du = of_heads.view(len(u), u.shape[1], heads, -1).sum(2)
        factors.fill(kept.first, du, d_q, u)
        if d_first is not None:
            factors.down_add(du, d_first)


def last_layer_of(
    paths: Sequence[str],
    tickets: Sequence[AlikeTickets],
    heads: int,
    lora: Places,
) -> LastLayer:
    """What a chunk's tickets add in the last layer.

    `paths` are the queries', keys' and values'; `lora` has what is added at the other places.
    """
    queries, keys, values = [factors_at(path, tickets, heads) for path in paths]
    return LastLayer(
        lora,
        queries,
        keys,
        values,
    )


def _weights(layer: EncoderLayer, heads: int) -> Sequence[torch.Tensor]:
    """Frozen weights of keys and values, head by head, [H, d, h] each."""
    weight = layer.qkv.weight
    by_head = weight.view(3, heads, -1, weight.shape[1])
    return by_head[1:].unbind()


def _per_head(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """[S, H, a], [H, a, b] -> [S, H, b]; the weight may be stored in bfloat16."""
    y = weight.new_empty(*x.shape[:2], weight.shape[2])
    by_head = x.to(weight.dtype).transpose(0, 1)
    torch.bmm(by_head, weight, out=y.transpose(0, 1))
    return y.to(x.dtype)


def _split_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    """[S, H d] -> [S, H, d], a view."""
    return x.view(-1, heads, x.shape[1] // heads)
