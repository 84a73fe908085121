"""Where the tokens of a chunk stand when a decoder attends: texts of similar length together.

After the tokens of all texts come a few idle ones, as in packing.py. They are in no slot.

Symbols: T tokens with the idle ones, S texts of G tickets, S_b texts of a group with L slots each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.data.tokens import Texts, positions
from netsim.learning.engine.packing import MULTIPLE
from netsim.learning.engine.text_rows import length_groups
from netsim.units import IntArray


@dataclass(frozen=True)
class TextGroup:
    """Texts that are attended to together."""

    token: torch.Tensor  # [S_b, L] rows among T tokens; the text's first where there is none
    last: torch.Tensor  # [S_b] texts
    mask: torch.Tensor  # [S_b, 1, 1, L] slots that the classified token may look at


@dataclass(frozen=True)
class DecoderPacking:
    """Where each token of a chunk stands."""

    groups: list[TextGroup]
    position: torch.Tensor  # [T] of each token in its text; of idle ones: 0
    back: torch.Tensor  # [T] where each token stands among the groups' slots; idle ones: anywhere
    back_last: torch.Tensor  # [S] where each text stands among the groups' texts
    last: torch.Tensor  # [S] classified token of each text
    tokens: list[int]  # [G + 1] of each ticket, and idle ones
    texts: list[int]  # [G] of each ticket


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
    idle = -len(texts.token) % MULTIPLE
    of_tickets = np.add.reduceat(length, np.cumsum(samples) - samples)
    return DecoderPacking(
        groups=groups,
        position=to_device(np.pad(positions(length), (0, idle))),
        back=to_device(np.pad(back, (0, idle))),
        back_last=to_device(back_last),
        last=to_device(last),
        tokens=[*of_tickets.tolist(), idle],
        texts=samples.tolist(),
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
    slot = np.arange(slots)
    inside = slot < length[members][:, None]
    token = first[members][:, None] + np.where(inside, slot, 0)
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
