"""Self-attention over texts packed end to end, in the rows of slots that packing.py lays out.

Symbols: T tokens, S texts, H heads of d numbers, R rows of L slots, h = H d.
"""

from __future__ import annotations

from typing import Any

import torch

from netsim.learning.engine.packing import Packing

Saved = list[Any]


def attend(qkv: torch.Tensor, plan: Packing, saved: Saved | None) -> torch.Tensor:
    """Context [T, h] of `qkv` [T, 3 h]. `saved` gets what `attend_back` needs."""
    H = plan.heads
    d = qkv.shape[1] // (3 * H)
    heads = qkv.view(-1, d)
    context = qkv.new_empty(plan.slots, d)
    for rows in plan.rows:
        q, k, v = heads.index_select(0, rows.gather).view(3, rows.count * H, rows.slots, d)
        weight = _weights(q, k, rows.bias)
        size = rows.count * H * rows.slots
        torch.bmm(weight, v, out=context[rows.start : rows.start + size].view_as(q))
        if saved is not None:
            saved.append((q, k, v, weight))
    return context.index_select(0, plan.scatter).view(plan.tokens, H * d)


def attend_back(
    d_context: torch.Tensor, plan: Packing, saved: Saved, *, keys: bool
) -> torch.Tensor:
    """Gradient of qkv [T, 3 h] from that of the context [T, h]; without `keys` theirs is
    undefined.
    """
    H = plan.heads
    d = d_context.shape[1] // H
    heads = d_context.view(-1, d)
    slots = d_context.new_empty(3, plan.slots, d)
    scale = d**-0.5  # of q k^T
    for rows, (q, k, v, weight) in zip(plan.rows, saved, strict=True):
        size = rows.count * H * rows.slots
        dq, dk, dv = (part[rows.start : rows.start + size].view_as(q) for part in slots)
        d_out = heads.index_select(0, rows.gather_context).view_as(q)
        torch.bmm(weight.transpose(1, 2), d_out, out=dv)
        d_weight = torch.bmm(d_out, v.transpose(1, 2))
        d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        torch.baddbmm(dq, d_score, k, beta=0, alpha=scale, out=dq)
        if keys:
            torch.baddbmm(dk, d_score.transpose(1, 2), q, beta=0, alpha=scale, out=dk)
    return slots.view(-1, d).index_select(0, plan.scatter_qkv).view(plan.tokens, 3 * H * d)


def attend_first(
    seen: torch.Tensor, x: torch.Tensor, plan: Packing, saved: Saved | None
) -> torch.Tensor:
    """Mean of `x` [T, h] over each text's tokens by softmax(seen x), for `seen` [S, H, h]: [S, H,
    h].
    """
    queries = seen.index_select(0, plan.by_length)
    means = []
    for group in plan.first_tokens:
        tokens = x.index_select(0, group.token).view(-1, group.slots, x.shape[1])
        query = queries[group.texts]
        weight = torch.bmm(query, tokens.transpose(1, 2))
        if group.bias is not None:
            weight += group.bias
        weight = torch.softmax(weight, -1)
        means.append(torch.bmm(weight, tokens))
        if saved is not None:
            saved.append((query, tokens, weight))
    return torch.cat(means).index_select(0, plan.in_order)


def attend_first_back(
    d_mean: torch.Tensor, plan: Packing, saved: Saved
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of `seen` [S, H, h] and x [T, h] from that of the mean [S, H, h]."""
    d_outs = d_mean.index_select(0, plan.by_length)
    d_queries, d_tokens = [], []
    for group, (query, tokens, weight) in zip(plan.first_tokens, saved, strict=True):
        d_out = d_outs[group.texts]
        d_weight = torch.bmm(d_out, tokens.transpose(1, 2))
        d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        dx = torch.bmm(weight.transpose(1, 2), d_out).baddbmm_(d_score.transpose(1, 2), query)
        d_tokens.append(dx.view(-1, dx.shape[2]))
        d_queries.append(torch.bmm(d_score, tokens))
    d_seen = torch.cat(d_queries).index_select(0, plan.in_order)
    return d_seen, torch.cat(d_tokens).index_select(0, plan.scatter_first)


def _weights(q: torch.Tensor, k: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """softmax(q k^T / sqrt(d)) over the slots that each slot may look at."""
    scale = q.shape[-1] ** -0.5
    if bias is None:
        scores = torch.bmm(q, k.transpose(1, 2)).mul_(scale)
    else:
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale)
    return torch.softmax(scores, -1)
