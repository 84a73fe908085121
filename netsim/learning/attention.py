"""Self-attention over texts packed end to end, in the rows of slots that packing.py lays out.

Symbols: T tokens, S texts, H heads of d numbers, R rows of L slots, h = H d.
"""

from __future__ import annotations

from typing import Any

import torch

from netsim.learning.packing import Packing

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


def attend_back(d_context: torch.Tensor, plan: Packing, saved: Saved) -> torch.Tensor:
    """Gradient of qkv [T, 3 h] from that of the context [T, h]."""
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
        torch.baddbmm(dk, d_score.transpose(1, 2), q, beta=0, alpha=scale, out=dk)
    return slots.view(-1, d).index_select(0, plan.scatter_qkv).view(plan.tokens, 3 * H * d)


def attend_first(seen: torch.Tensor, x: torch.Tensor, plan: Packing, saved: Saved | None) -> torch.Tensor:
    """Mean of `x` [T, h] over each text's tokens by softmax(seen x), for `seen` [H, S, h]: [H, S, h]."""
    mean = torch.empty_like(seen)
    for group in plan.first_tokens:
        tokens = x.index_select(0, group.token).view(group.texts, group.slots, -1)
        query = seen.index_select(1, group.members).transpose(0, 1)
        weight = torch.bmm(query, tokens.transpose(1, 2))
        if group.bias is not None:
            weight += group.bias
        weight = torch.softmax(weight, -1)
        mean[:, group.members] = torch.bmm(weight, tokens).transpose(0, 1)
        if saved is not None:
            saved.append((query, tokens, weight))
    return mean


def attend_first_back(d_mean: torch.Tensor, plan: Packing, saved: Saved) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of `seen` [H, S, h] and x [T, h] from that of the mean [H, S, h]."""
    d_seen = torch.empty_like(d_mean)
    slots = d_mean.new_empty(plan.first_slots, d_mean.shape[2])
    for group, (query, tokens, weight) in zip(plan.first_tokens, saved, strict=True):
        dx = slots[group.start : group.start + group.texts * group.slots].view_as(tokens)
        d_out = d_mean.index_select(1, group.members).transpose(0, 1)
        d_weight = torch.bmm(d_out, tokens.transpose(1, 2))
        d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        torch.bmm(weight.transpose(1, 2), d_out, out=dx)
        dx.baddbmm_(d_score.transpose(1, 2), query)
        d_seen[:, group.members] = torch.bmm(d_score, tokens).transpose(0, 1)
    return d_seen, slots.index_select(0, plan.scatter_first)


def _weights(q: torch.Tensor, k: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """softmax(q k^T / sqrt(d)) over the slots that each slot may look at."""
    scale = q.shape[-1] ** -0.5
    if bias is None:
        scores = torch.bmm(q, k.transpose(1, 2)).mul_(scale)
    else:
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale)
    return torch.softmax(scores, -1)
