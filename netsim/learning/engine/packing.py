"""Where the tokens of a chunk stand when texts attend to themselves: rows of slots.

Everything else in an encoder works token by token and needs no slots. Short texts of one ticket
share a row, blind to one another, since a product of many small matrices costs more for its calls
than for its FLOP. Tickets do not share rows, so that one whose training diverges stays alone.
Longer texts have a row each, among rows of similar length.

After the tokens of all texts come a few idle ones, so that the same numbers of rows recur. An idle
token holds a copy of some slot; nobody looks at it.

Symbols: T tokens with the idle ones, S texts, H heads of d numbers, R rows of L slots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.data.tokens import positions
from netsim.learning.engine.text_rows import PlacedTexts, length_groups, rows_of_texts
from netsim.units import IntArray

# T is a multiple of it: each number of rows has to be prepared once (frozen_products.py)
MULTIPLE = 16

ToDevice = Callable[[NDArray[Any]], torch.Tensor]


@dataclass(frozen=True)
class AttentionRows:
    """Rows that are attended to together."""

    count: int  # R
    slots: int  # L
    start: int  # first slot among all slots of the chunk, counted per head
    gather: torch.Tensor  # [3 R H L] rows of qkv seen as [T 3 H, d]
    gather_context: torch.Tensor  # [R H L] rows of a context seen as [T H, d]
    bias: torch.Tensor | None  # [R H, L, L] 0, or -inf where a slot must not look; None: all may


@dataclass(frozen=True)
class FirstTokens:
    """Texts of similar length whose first tokens look at all of theirs."""

    texts: slice  # among all texts by length, S_b of them
    slots: int  # L
    token: torch.Tensor  # [S_b L] token in each slot; a token of its own text where there is none
    bias: torch.Tensor | None  # [S_b, 1, L] 0, or -inf in padding; None: nothing is padded


@dataclass(frozen=True)
class Packing:
    """Where each token of a chunk stands."""

    tokens: int  # T: those of the texts, and idle ones up to a multiple of MULTIPLE
    heads: int
    rows: tuple[AttentionRows, ...]
    slots: int  # of all rows and heads
    scatter: torch.Tensor  # [T H] slot of each token and head; of an idle token: any
    scatter_qkv: torch.Tensor  # [T 3 H] the same in three arrays of slots, one after the other
    first: torch.Tensor  # [S] first token of each text
    first_tokens: tuple[FirstTokens, ...]
    scatter_first: torch.Tensor  # [T] slot of each token there; of an idle token: any
    by_length: torch.Tensor  # [S] texts in the order of `first_tokens`
    in_order: torch.Tensor  # [S] its inverse


def pack(
    length: IntArray,
    samples: IntArray,
    heads: int,
    device: torch.device,
) -> Packing:
    """Packing of a chunk whose texts have `length` [S] tokens.

    Tickets have `samples` [G] texts each.
    """
    tokens = -(-int(length.sum()) // MULTIPLE) * MULTIPLE
    first = np.cumsum(length) - length

    def to_device(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    rows = []
    slot = np.zeros((tokens, heads), dtype=np.int64)
    start = 0
    for placed in rows_of_texts(length, samples):
        made = _attention_rows(
            placed,
            length,
            start,
            slot=slot,
            to_device=to_device,
        )
        rows.append(made)
        start += made.count * heads * made.slots
    by_length, groups, slot_of_first = _first_tokens(length, tokens, to_device)
    arrays = np.arange(3)[:, None] * start
    return Packing(
        tokens=tokens,
        heads=heads,
        rows=tuple(rows),
        slots=start,
        scatter=to_device(slot.reshape(-1)),
        scatter_qkv=to_device((slot[:, None] + arrays).reshape(-1)),
        first=to_device(first),
        first_tokens=groups,
        scatter_first=to_device(slot_of_first),
        by_length=to_device(by_length),
        in_order=to_device(np.argsort(by_length)),
    )


def _attention_rows(
    placed: PlacedTexts,
    length: IntArray,
    start: int,
    *,
    slot: IntArray,
    to_device: ToDevice,
) -> AttentionRows:
    """The rows of some texts, from slot `start`; fills their tokens' part of `slot` [T, H]."""
    first = np.cumsum(length) - length
    heads = slot.shape[1]
    L = placed.slots
    R = int(placed.row.max()) + 1

    own_length = length[placed.text]
    within = positions(own_length)
    token = np.repeat(first[placed.text], own_length) + within
    place = np.repeat(placed.row * L + placed.offset, own_length) + within

    # An empty slot holds a token of its row, and looks at empty slots only.
    owner = np.full(R * L, -1)
    owner[place] = np.repeat(placed.text, own_length)
    looked = np.empty((R, L), dtype=np.int64)
    looked[placed.row] = first[placed.text, None]
    looked.reshape(-1)[place] = token

    of_first_head = place // L * heads * L + place % L
    slot[token] = start + (np.arange(heads)[None] * L + of_first_head[:, None])
    return AttentionRows(
        count=R,
        slots=L,
        start=start,
        gather=to_device(_head_rows(looked, 3, heads)),
        gather_context=to_device(_head_rows(looked, 1, heads)),
        bias=_row_bias(owner.reshape(R, L), placed, heads, to_device),
    )


def _row_bias(
    owner: IntArray,
    placed: PlacedTexts,
    heads: int,
    to_device: ToDevice,
) -> torch.Tensor | None:
    """What a slot may look at in every head, [R H, L, L]; None: at all slots of its row."""
    shared = len(placed.text) > len(owner)
    bias = _bias(owner, shared=shared)
    if bias is None:
        return None
    return to_device(np.repeat(bias, heads, axis=0))


def _first_tokens(
    length: IntArray,
    tokens: int,
    to_device: ToDevice,
) -> tuple[IntArray, tuple[FirstTokens, ...], IntArray]:
    """Texts by length [S], groups of these, and the slot of each token [T]."""
    first = np.cumsum(length) - length
    order: list[IntArray] = []
    groups: list[FirstTokens] = []
    slot = np.zeros(tokens, dtype=np.int64)
    start = 0
    text = 0
    for members, L in length_groups(length):
        inside = np.arange(L) < length[members][:, None]  # [S_b, L]
        within = np.where(inside, np.arange(L), 0)
        token = first[members][:, None] + within
        slot[token[inside]] = start + np.flatnonzero(inside)
        end = text + len(members)
        group = FirstTokens(
            texts=slice(text, end),
            slots=L,
            token=to_device(token.reshape(-1)),
            bias=_padding_bias(inside, to_device),
        )
        groups.append(group)
        order.append(members)
        start += token.size
        text = end
    return np.concatenate(order), tuple(groups), slot


def _bias(owner: IntArray, *, shared: bool) -> NDArray[np.float32] | None:
    """What a slot may look at, from the text in each slot [R, L]; -1: none. [R, L, L]."""
    if not shared and (owner >= 0).all():
        return None
    same = owner[:, :, None] == owner[:, None, :]
    return np.where(same, np.float32(0), np.float32(-np.inf))


def _padding_bias(inside: NDArray[np.bool_], to_device: ToDevice) -> torch.Tensor | None:
    """-inf where a slot [S_b, L] is not inside its text, as [S_b, 1, L]; None: all are inside."""
    if inside.all():
        return None
    blocked = np.where(inside, 0.0, -np.inf).astype(np.float32)
    return to_device(blocked[:, None])


def _head_rows(
    token: IntArray,
    parts: int,
    heads: int,
) -> IntArray:
    """Rows [parts, R, heads, L] of an array [T, parts, heads, d] seen as [T parts heads, d]."""
    part = np.arange(parts)[:, None, None, None]
    head = np.arange(heads)[None, None, :, None]
    row = (token[None, :, None, :] * parts + part) * heads + head
    flat: IntArray = row.reshape(-1)
    return flat
