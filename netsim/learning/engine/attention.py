"""Self-attention over texts packed end to end, in the rows of slots that packing.py lays out.

Symbols: T tokens, S texts, H heads of d numbers, R rows of L slots, h = H d.
"""

from __future__ import annotations

from typing import Any

import torch

from netsim.learning.engine.packing import AttentionRows, Packing

Saved = list[Any]
"""What a forward pass keeps for its backward pass."""


def attend(
    qkv: torch.Tensor,
    packing: Packing,
    saved: Saved | None,
) -> torch.Tensor:
    """Context [T, h] of `qkv` [T, 3 h]. `saved` gets what `attend_back` needs."""
    H = packing.heads
    d = qkv.shape[1] // (3 * H)
    heads = qkv.view(-1, d)
    context = qkv.new_empty(packing.slots, d)
    for rows in packing.rows:
        gathered = heads.index_select(0, rows.gather)
        q, k, v = gathered.view(3, rows.count * H, rows.slots, d)
        weight = _weights(q, k, rows.bias)
        torch.bmm(weight, v, out=_slots_of(rows, context, q))
        if saved is not None:
            saved.append((q, k, v, weight))
    tokens = context.index_select(0, packing.scatter)
    return tokens.view(packing.tokens, H * d)


def attend_back(
    d_context: torch.Tensor,
    packing: Packing,
    saved: Saved,
    *,
    keys: bool,
) -> torch.Tensor:
    """Gradient of qkv [T, 3 h] from that of the context [T, h].

    Without `keys`, the part of the keys is undefined.
    """
    H = packing.heads
    d = d_context.shape[1] // H
    heads = d_context.view(-1, d)
    slots = d_context.new_empty(3, packing.slots, d)
    scale = d**-0.5  # of q k^T
    for rows, (q, k, v, weight) in zip(packing.rows, saved, strict=True):
        dq, dk, dv = [_slots_of(rows, part, q) for part in slots]
        d_out = heads.index_select(0, rows.gather_context).view_as(q)
        torch.bmm(weight.transpose(1, 2), d_out, out=dv)
        d_weight = torch.bmm(d_out, v.transpose(1, 2))
        d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        torch.baddbmm(dq, d_score, k, beta=0, alpha=scale, out=dq)
        if keys:
            d_score_t = d_score.transpose(1, 2)
            torch.baddbmm(dk, d_score_t, q, beta=0, alpha=scale, out=dk)
    tokens = slots.view(-1, d).index_select(0, packing.scatter_qkv)
    return tokens.view(packing.tokens, 3 * H * d)


def attend_first(
    seen: torch.Tensor,
    x: torch.Tensor,
    packing: Packing,
    saved: Saved | None,
) -> torch.Tensor:
    """Mean of `x` [T, h] over each text's tokens, weighted by softmax(seen x). [S, H, h].

    `seen` [S, H, h] is each head's query of a text's first token, as the keys' weights see it.
    """
    queries = seen.index_select(0, packing.by_length)
    means = []
    for group in packing.first_tokens:
        tokens = x.index_select(0, group.token).view(-1, group.slots, x.shape[1])
        query = queries[group.texts]
        weight = torch.bmm(query, tokens.transpose(1, 2))
        if group.bias is not None:
            weight += group.bias
        weight = torch.softmax(weight, -1)
        means.append(torch.bmm(weight, tokens))
        if saved is not None:
            saved.append((query, tokens, weight))
    return torch.cat(means).index_select(0, packing.in_order)


def attend_first_back(
    d_mean: torch.Tensor,
    packing: Packing,
    saved: Saved,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of `seen` [S, H, h] and x [T, h] from that of the mean [S, H, h]."""
    d_outs = d_mean.index_select(0, packing.by_length)
    d_queries = []
    d_tokens = []
    for group, (query, tokens, weight) in zip(packing.first_tokens, saved, strict=True):
        d_out = d_outs[group.texts]
        d_weight = torch.bmm(d_out, tokens.transpose(1, 2))
        d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        dx = torch.bmm(weight.transpose(1, 2), d_out)
        dx.baddbmm_(d_score.transpose(1, 2), query)
        d_tokens.append(dx.view(-1, dx.shape[2]))
        d_queries.append(torch.bmm(d_score, tokens))
    d_seen = torch.cat(d_queries).index_select(0, packing.in_order)
    dx_packed = torch.cat(d_tokens).index_select(0, packing.scatter_first)
    return d_seen, dx_packed


def _slots_of(
    rows: AttentionRows,
    slots: torch.Tensor,
    like: torch.Tensor,
) -> torch.Tensor:
    """View of the rows' part of `slots` [all slots, d], in the shape of `like`."""
    end = rows.start + like.shape[0] * like.shape[1]
    return slots[rows.start : end].view_as(like)


def _weights(
    q: torch.Tensor,
    k: torch.Tensor,
    bias: torch.Tensor | None,
) -> torch.Tensor:
    """softmax(q k^T / sqrt(d)) over the slots that each slot may look at."""
    scale = q.shape[-1] ** -0.5
    k_t = k.transpose(1, 2)
    if bias is None:
        scores = torch.bmm(q, k_t).mul_(scale)
    else:
        scores = torch.baddbmm(bias, q, k_t, alpha=scale)
    return torch.softmax(scores, -1)
