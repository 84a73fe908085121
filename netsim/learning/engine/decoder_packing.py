"""Where the tokens of a chunk stand when a decoder attends: texts of similar length together.

Symbols: T tokens of S texts of G tickets, S_b texts of a group with L slots each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.data.tokens import Texts, positions
from netsim.learning.engine.text_rows import length_groups
from netsim.units import IntArray

Ranges = Sequence[tuple[int, int]]
"""First row of each ticket, and the one after its last."""


@dataclass(frozen=True)
class TextGroup:
    """Texts that are attended to together."""

    token: torch.Tensor  # [S_b, L] rows among T tokens; T where there is none
    last: torch.Tensor  # [S_b] texts
    mask: torch.Tensor  # [S_b, 1, 1, L] slots that the classified token may look at


@dataclass(frozen=True)
class DecoderPacking:
    """Where each token of a chunk stands."""

    groups: list[TextGroup]
    position: torch.Tensor  # [T] of each token in its text
    back: torch.Tensor  # [T] where each token stands among the groups' slots
    back_last: torch.Tensor  # [S] where each text stands among the groups' texts
    last: torch.Tensor  # [S] classified token of each text
    tokens: Ranges  # [G]
    texts: Ranges  # [G]


def pack_for_decoder(
    texts: Texts,
    samples: IntArray,
    pad: int,
    device: torch.device,
) -> DecoderPacking:
    """Packing of a chunk; tickets have `samples` [G] texts each, and `pad` is the padding token."""

    def to_device(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    length = texts.length
    first = np.cumsum(length) - length
    last = _classified(texts, first, pad)
    members = list(length_groups(length))
    groups = []
    for group, slots in members:
        groups.append(
            _text_group(
                group,
                slots,
                length,
                first,
                last=last,
                to_device=to_device,
            )
        )
    back, back_last = _places(members, length, first)
    text_ranges = _ranges(samples)
    token_end = np.concatenate([[0], np.cumsum(length)])
    return DecoderPacking(
        groups=groups,
        position=to_device(positions(length)),
        back=to_device(back),
        back_last=to_device(back_last),
        last=to_device(last),
        tokens=[(int(token_end[a]), int(token_end[b])) for a, b in text_ranges],
        texts=text_ranges,
    )


def _text_group(
    members: IntArray,
    slots: int,
    length: IntArray,
    first: IntArray,
    *,
    last: IntArray,
    to_device: Callable[[NDArray[Any]], torch.Tensor],
) -> TextGroup:
    """The texts `members`; `length`, `first` and `last` token of all texts, [S]."""
    tokens = int(length.sum())
    slot = np.arange(slots)
    inside = slot < length[members][:, None]
    token = np.where(inside, first[members][:, None] + slot, tokens)
    classified = (last - first)[members]  # position in the text
    looked = slot <= classified[:, None]
    return TextGroup(
        token=to_device(token),
        last=to_device(members),
        mask=to_device(looked)[:, None, None],
    )


def _places(
    groups: Sequence[tuple[IntArray, int]],
    length: IntArray,
    first: IntArray,
) -> tuple[IntArray, IntArray]:
    """Where each token [T] stands among the groups' slots, and each text [S] among their texts."""
    back = np.empty(int(length.sum()), dtype=np.int64)
    back_last = np.empty(len(length), dtype=np.int64)
    seen_slots = 0
    seen_texts = 0
    for members, slots in groups:
        own_length = length[members]
        within = positions(own_length)
        text = np.repeat(np.arange(len(members)), own_length)
        token = np.repeat(first[members], own_length) + within
        back[token] = seen_slots + text * slots + within
        back_last[members] = seen_texts + np.arange(len(members))
        seen_slots += len(members) * slots
        seen_texts += len(members)
    return back, back_last


def _classified(
    texts: Texts,
    first: IntArray,
    pad: int,
) -> IntArray:
    """Token that each text is classified by: its last one that is not the padding token.

    That is what transformers takes. `first` [S] is each text's first token.
    """
    known = np.where(texts.token != pad, positions(texts.length), -1)
    last = np.maximum.reduceat(known, first)
    return first + np.maximum(last, 0)


def _ranges(samples: IntArray) -> list[tuple[int, int]]:
    """First text of each ticket, and the one after its last."""
    ends = np.cumsum(samples)
    starts = ends - samples
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
