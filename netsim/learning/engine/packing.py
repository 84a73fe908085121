"""Where the tokens of a chunk stand when texts attend to themselves: rows of slots, several rows at
once.

Everything else in an encoder works token by token and needs no slots. Short texts of one ticket
share a row, blind to one another, since a product of many small matrices costs its calls more than
its FLOP; tickets do not share rows, so that one whose training diverges stays alone. Longer texts
have a row each, among rows of similar length.

After the tokens of all texts come a few idle ones, so that the number of rows recurs. What an idle
token holds is a copy of some slot's; nobody looks at it.

Symbols: T tokens with the idle ones, S texts, H heads of d numbers, R rows of L slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.data.tokens import positions
from netsim.units import IntArray

SPREAD = 1.4  # longest text of a group, at most, times its shortest
SLACK = 4  # and tokens beyond that
LEAST = 16  # slots of a row, at least: torch's softmax is slow over rows shorter than a vector
SHARED = 32  # slots of a row that texts share, at most
# of tokens, with idle ones: each number of rows has to be prepared once (products.py)
MULTIPLE = 16


@dataclass(frozen=True)
class Rows:
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
    rows: tuple[Rows, ...]
    slots: int  # of all rows and heads
    scatter: torch.Tensor  # [T H] slot of each token and head; of an idle token: any
    scatter_qkv: torch.Tensor  # [T 3 H] the same in three arrays of slots, one after the other
    first: torch.Tensor  # [S] first token of each text
    first_tokens: tuple[FirstTokens, ...]
    scatter_first: torch.Tensor  # [T] slot of each token there; of an idle token: any
    by_length: torch.Tensor  # [S] texts in the order of `first_tokens`
    in_order: torch.Tensor  # [S] its inverse


def pack(length: IntArray, samples: IntArray, heads: int, device: torch.device) -> Packing:
    """Plan of a chunk whose texts have `length` [S] tokens; tickets have `samples` [G] texts
    each.
    """
    tokens, first = -(-int(length.sum()) // MULTIPLE) * MULTIPLE, np.cumsum(length) - length

    def there(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    rows: list[Rows] = []
    slot = np.zeros((tokens, heads), dtype=np.int64)
    start = 0
    for members, row, offset, L in _rows(length, samples):
        R = int(row.max()) + 1
        text = np.repeat(members, length[members])
        within = positions(length[members])
        token = first[text] + within
        place = np.repeat(row * L + offset, length[members]) + within
        owner, looked = np.full(R * L, -1), np.empty((R, L), dtype=np.int64)
        owner[place] = text
        looked[row] = first[
            members, None
        ]  # an empty slot has a token of its row, and looks at empty ones
        looked.reshape(-1)[place] = token
        head_slots = np.arange(heads)[None] * L + (place // L * heads * L + place % L)[:, None]
        slot[token] = start + head_slots
        bias = _bias(owner.reshape(R, L), shared=len(members) > R)
        rows.append(
            Rows(
                count=R,
                slots=L,
                start=start,
                gather=there(_head_rows(looked, 3, heads)),
                gather_context=there(_head_rows(looked, 1, heads)),
                bias=None if bias is None else there(np.repeat(bias, heads, axis=0)),
            )
        )
        start += R * heads * L
    members, groups, scatter_first = _first_tokens(length, tokens, there)
    arrays = np.arange(3)[:, None] * start
    return Packing(
        tokens=tokens,
        heads=heads,
        rows=tuple(rows),
        slots=start,
        scatter=there(slot.reshape(-1)),
        scatter_qkv=there((slot[:, None] + arrays).reshape(-1)),
        first=there(first),
        first_tokens=groups,
        scatter_first=scatter_first,
        by_length=there(members),
        in_order=there(np.argsort(members)),
    )


def _first_tokens(
    length: IntArray, tokens: int, there: Callable[[NDArray[Any]], torch.Tensor]
) -> tuple[IntArray, tuple[FirstTokens, ...], torch.Tensor]:
    """Texts by length [S], groups of these, and the slot of each token [T]."""
    first = np.cumsum(length) - length
    order: list[IntArray] = []
    groups: list[FirstTokens] = []
    slot, start, text = np.zeros(tokens, dtype=np.int64), 0, 0
    for members, L in length_groups(length):
        inside = np.arange(L) < length[members][:, None]  # [S_b, L]
        token = first[members][:, None] + np.where(inside, np.arange(L), 0)
        slot[token[inside]] = start + np.flatnonzero(inside)
        blocked = np.where(inside, 0.0, -np.inf).astype(np.float32)[:, None]
        end = text + len(members)
        bias = None if inside.all() else there(blocked)
        groups.append(FirstTokens(slice(text, end), L, there(token.reshape(-1)), bias))
        order.append(members)
        start, text = start + token.size, end
    return np.concatenate(order), tuple(groups), there(slot)


def length_groups(length: IntArray) -> Iterator[tuple[IntArray, int]]:
    """Texts of `length` [S], by length, as groups whose longest is not much longer than their
    shortest.

    With the slots that each text of the group is given.
    """
    order = np.argsort(length, kind="stable")
    begin = 0
    while begin < len(order):
        longest = max(LEAST, int(length[order[begin]] * SPREAD) + SLACK)
        end = int(np.searchsorted(length[order], longest, side="right"))
        yield order[begin:end], max(LEAST, int(length[order[end - 1]]))
        begin = end


def _rows(
    length: IntArray, samples: IntArray
) -> Iterator[tuple[IntArray, IntArray, IntArray, int]]:
    """Texts [S_b], the row of each and its first slot there, and the slots of a row.

    Short texts share rows if that takes no more slots: where most fill more than half a row, it
    would.
    """
    short = np.flatnonzero(length <= SHARED)
    alone = np.arange(len(length))
    if len(short):
        members, row, offset = _share(length, samples)
        L = max(LEAST, int((offset + length[members]).max()))
        if (row.max() + 1) * L <= sum(
            len(part) * each for part, each in length_groups(length[short])
        ):
            yield members, row, offset, L
            alone = np.flatnonzero(length > SHARED)
    for part, L in length_groups(length[alone]):
        yield alone[part], np.arange(len(part)), np.zeros_like(part), L


def _share(length: IntArray, samples: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The short texts, each in the fullest row of its ticket that has room, longest first."""
    found: list[tuple[int, int, int]] = []
    rows, end = 0, 0
    for count in samples.tolist():
        begin, end = end, end + count
        open_rows: list[list[int]] = [[] for _ in range(SHARED + 1)]  # by the slots that are free
        for text in (begin + np.argsort(-length[begin:end], kind="stable")).tolist():
            need = int(length[text])
            if need > SHARED:
                continue
            free = next((free for free in range(need, SHARED) if open_rows[free]), SHARED)
            if free == SHARED:
                open_rows[free].append(rows)
                rows += 1
            row = open_rows[free].pop()
            open_rows[free - need].append(row)
            found.append((text, row, SHARED - free))
    members, row, offset = np.array(found, dtype=np.int64).T
    return members, row, offset


def _bias(owner: IntArray, *, shared: bool) -> NDArray[np.float32] | None:
    """What a slot may look at, from the text in each slot [R, L]; -1: none. [R, L, L]."""
    if not shared and (owner >= 0).all():
        return None
    return np.where(owner[:, :, None] == owner[:, None, :], np.float32(0), np.float32(-np.inf))


def _head_rows(token: IntArray, parts: int, heads: int) -> IntArray:
    """Rows [parts, R, heads, L] of an array [T, parts, heads, d] seen as [T parts heads, d]."""
    part, head = np.arange(parts)[:, None, None, None], np.arange(heads)[None, None, :, None]
    rows: IntArray = ((token[None, :, None, :] * parts + part) * heads + head).reshape(-1)
    return rows
