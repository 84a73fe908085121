"""Self-attention over texts packed end to end: texts of similar length are attended to together.

Everything else in an encoder works token by token and needs no padding. Here texts are put in groups whose
longest is not much longer than their shortest, and only the slots of a group are padded.

Symbols: T tokens, S texts, H heads of d numbers, L slots per text of a group, h = H d.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.units import IntArray

SPREAD = 1.4  # longest text of a group, at most, times its shortest
SLACK = 4  # and tokens beyond that
LEAST = 16  # slots of a text, at least: torch's softmax is slow over rows shorter than a vector


@dataclass(frozen=True)
class Group:
    """Texts that are attended to together."""

    texts: int  # S_b
    slots: int  # L_b
    start: int  # first slot among all slots of the chunk, counted per head
    gather: torch.Tensor  # [3 S_b H L_b] rows of qkv seen as [(T+1) 3 H, d]
    gather_context: torch.Tensor  # [S_b H L_b] rows of a context seen as [(T+1) H, d]
    token: torch.Tensor  # [S_b L_b] token in each slot; a token of its own text where there is none
    members: torch.Tensor  # [S_b] text numbers
    bias: torch.Tensor | None  # [S_b H, 1, L_b] 0, or -inf in padding; None: nothing is padded


@dataclass(frozen=True)
class Packing:
    """Where each token of a chunk stands in its group."""

    tokens: int
    heads: int
    groups: tuple[Group, ...]
    slots: int  # of all groups and heads
    scatter: torch.Tensor  # [T H] slot of each token and head
    scatter_qkv: torch.Tensor  # [T 3 H] the same in three arrays of slots, one after the other
    scatter_token: torch.Tensor  # [T] slot of each token, not counted per head
    first: torch.Tensor  # [S] first token of each text


def pack(length: IntArray, heads: int, device: torch.device) -> Packing:
    """Plan of a chunk whose texts have `length` [S] tokens."""
    tokens, first = int(length.sum()), np.cumsum(length) - length

    def there(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    groups: list[Group] = []
    slot, plain_slot = np.zeros((tokens, heads), dtype=np.int64), np.zeros(tokens, dtype=np.int64)
    start = 0
    for members, L in length_groups(length):
        inside = np.arange(L) < length[members][:, None]  # [S_b, L]
        token = np.where(inside, first[members][:, None] + np.arange(L), tokens)  # row T is all zeros
        slots = start + np.arange(len(members) * heads * L).reshape(len(members), heads, L)
        slot[token[inside]] = slots.transpose(0, 2, 1)[inside]
        plain_slot[token[inside]] = start // heads + np.flatnonzero(inside)
        bias = None
        if not inside.all():
            blocked = np.where(inside, 0.0, -np.inf).astype(np.float32)[:, None]
            bias = there(np.repeat(blocked, heads, axis=0))
        groups.append(
            Group(
                texts=len(members),
                slots=L,
                start=start,
                gather=there(_rows(token, 3, heads)),
                gather_context=there(_rows(token, 1, heads)),
                token=there(np.where(inside, token, first[members][:, None]).reshape(-1)),
                members=there(members),
                bias=bias,
            )
        )
        start += len(members) * heads * L
    arrays = np.arange(3)[:, None] * start
    return Packing(
        tokens=tokens,
        heads=heads,
        groups=tuple(groups),
        slots=start,
        scatter=there(slot.reshape(-1)),
        scatter_qkv=there((slot[:, None] + arrays).reshape(-1)),
        scatter_token=there(plain_slot),
        first=there(first),
    )


def length_groups(length: IntArray) -> Iterator[tuple[IntArray, int]]:
    """Texts of `length` [S], by length, as groups whose longest is not much longer than their shortest.

    With the slots that each text of the group is given.
    """
    order = np.argsort(length, kind="stable")
    begin = 0
    while begin < len(order):
        longest = max(LEAST, int(length[order[begin]] * SPREAD) + SLACK)
        end = int(np.searchsorted(length[order], longest, side="right"))
        yield order[begin:end], max(LEAST, int(length[order[end - 1]]))
        begin = end


def _rows(token: IntArray, parts: int, heads: int) -> IntArray:
    """Rows [parts, S_b, heads, L] of an array [T + 1, parts, heads, d] seen as [(T+1) parts heads, d]."""
    part, head = np.arange(parts)[:, None, None, None], np.arange(heads)[None, None, :, None]
    rows: IntArray = ((token[None, :, None, :] * parts + part) * heads + head).reshape(-1)
    return rows


Saved = list[Any]


def attend(qkv: torch.Tensor, plan: Packing, saved: Saved | None) -> torch.Tensor:
    """Context [T, h] of `qkv` [T + 1, 3 h], whose last row is zero. `saved` gets what `attend_back` needs."""
    H = plan.heads
    d = qkv.shape[1] // (3 * H)
    rows = qkv.view(-1, d)
    context = qkv.new_empty(plan.slots, d)
    for group in plan.groups:
        q, k, v = rows.index_select(0, group.gather).view(3, group.texts * H, group.slots, d)
        weight = _weights(q, k, group.bias)
        size = group.texts * H * group.slots
        torch.bmm(weight, v, out=context[group.start : group.start + size].view_as(q))
        if saved is not None:
            saved.append((q, k, v, weight))
    return context.index_select(0, plan.scatter).view(plan.tokens, H * d)


def attend_back(d_context: torch.Tensor, plan: Packing, saved: Saved) -> torch.Tensor:
    """Gradient of qkv [T, 3 h] from that of the context, [T + 1, h] with a last row of zeros."""
    H = plan.heads
    d = d_context.shape[1] // H
    rows = d_context.view(-1, d)
    slots = d_context.new_empty(3, plan.slots, d)
    for group, (q, k, v, weight) in zip(plan.groups, saved, strict=True):
        size = group.texts * H * group.slots
        dq, dk, dv = (part[group.start : group.start + size].view_as(q) for part in slots)
        d_out = rows.index_select(0, group.gather_context).view_as(q)
        torch.bmm(weight.transpose(1, 2), d_out, out=dv)
        d_score = _scores_back(d_out, v, weight, d)
        torch.bmm(d_score, k, out=dq)
        torch.bmm(d_score.transpose(1, 2), q, out=dk)
    return slots.view(-1, d).index_select(0, plan.scatter_qkv).view(plan.tokens, 3 * H * d)


def attend_first(seen: torch.Tensor, x: torch.Tensor, plan: Packing, saved: Saved | None) -> torch.Tensor:
    """Mean of `x` [T, h] over each text's tokens by softmax(seen x), for `seen` [H, S, h]: [H, S, h]."""
    mean = torch.empty_like(seen)
    for group in plan.groups:
        tokens = x.index_select(0, group.token).view(group.texts, group.slots, -1)
        query = seen.index_select(1, group.members).transpose(0, 1)
        weight = torch.bmm(query, tokens.transpose(1, 2))
        if group.bias is not None:
            weight += group.bias[:: plan.heads]
        weight = torch.softmax(weight, -1)
        mean[:, group.members] = torch.bmm(weight, tokens).transpose(0, 1)
        if saved is not None:
            saved.append((query, tokens, weight))
    return mean


def attend_first_back(d_mean: torch.Tensor, plan: Packing, saved: Saved) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of `seen` [H, S, h] and x [T, h] from that of the mean [H, S, h]."""
    d_seen = torch.empty_like(d_mean)
    slots = d_mean.new_empty(plan.slots // plan.heads, d_mean.shape[2])
    for group, (query, tokens, weight) in zip(plan.groups, saved, strict=True):
        start = group.start // plan.heads
        dx = slots[start : start + group.texts * group.slots].view_as(tokens)
        d_out = d_mean.index_select(1, group.members).transpose(0, 1)
        d_weight = torch.bmm(d_out, tokens.transpose(1, 2))
        d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
        torch.bmm(weight.transpose(1, 2), d_out, out=dx)
        dx.baddbmm_(d_score.transpose(1, 2), query)
        d_seen[:, group.members] = torch.bmm(d_score, tokens).transpose(0, 1)
    return d_seen, slots.index_select(0, plan.scatter_token)


def _weights(q: torch.Tensor, k: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """softmax(q k^T / sqrt(d)) over the slots that hold tokens."""
    scale = q.shape[-1] ** -0.5
    if bias is None:
        scores = torch.bmm(q, k.transpose(1, 2)).mul_(scale)
    else:
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale)
    return torch.softmax(scores, -1)


def _scores_back(d_out: torch.Tensor, v: torch.Tensor, weight: torch.Tensor, d: int) -> torch.Tensor:
    """Gradient of q k^T, the factor 1/sqrt(d) included."""
    d_weight = torch.bmm(d_out, v.transpose(1, 2))
    d_score = torch._softmax_backward_data(d_weight, weight, -1, weight.dtype)
    return d_score.mul_(d**-0.5)
