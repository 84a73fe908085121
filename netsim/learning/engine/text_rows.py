"""Rows of slots in which texts attend to themselves: short texts share rows.

Symbols: S texts, L slots of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netsim.units import IntArray

SPREAD = 1.4  # longest text of a group, at most, times its shortest
SLACK = 4  # and tokens beyond that
LEAST = 16  # slots of a row, at least: torch's softmax is slow over rows shorter than a vector
SHARED = 32  # slots of a row that texts share, at most


@dataclass(frozen=True)
class PlacedTexts:
    """Texts that stand in rows of one width."""

    text: IntArray  # [S_b]
    row: IntArray  # [S_b] row of each text
    offset: IntArray  # [S_b] its first slot there
    slots: int  # L


def length_groups(length: IntArray) -> Iterator[tuple[IntArray, int]]:
    """Texts of `length` [S], shortest first, in groups of similar length.

    A group's longest text is not much longer than its shortest. With the number of slots that each
    text of the group is given.
    """
    order = np.argsort(length, kind="stable")
    ordered = length[order]
    begin = 0
    while begin < len(order):
        longest = max(LEAST, int(ordered[begin] * SPREAD) + SLACK)
        end = int(np.searchsorted(ordered, longest, side="right"))
        yield order[begin:end], max(LEAST, int(ordered[end - 1]))
        begin = end


def rows_of_texts(length: IntArray, samples: IntArray) -> Iterator[PlacedTexts]:
    """All texts in rows.

    Short texts share rows if that takes no more slots than rows of their own; where most fill more
    than half a row, it would take more.
    """
    short = np.flatnonzero(length <= SHARED)
    alone = np.arange(len(length))
    if len(short):
        shared = list(_shared_rows(length, samples))
        shared_slots = sum((placed.row.max() + 1) * placed.slots for placed in shared)
        own_slots = sum(len(part) * slots for part, slots in length_groups(length[short]))
        if shared_slots <= own_slots:
            yield from shared
            alone = np.flatnonzero(length > SHARED)
    for part, slots in length_groups(length[alone]):
        yield PlacedTexts(
            text=alone[part],
            row=np.arange(len(part)),
            offset=np.zeros_like(part),
            slots=slots,
        )


def _shared_rows(length: IntArray, samples: IntArray) -> Iterator[PlacedTexts]:
    """The short texts in rows of two widths.

    Tickets share none. Where all rows of a width have room left, they are narrower.
    """
    placed: list[tuple[int, int, int]] = []
    width: list[int] = []
    end = 0
    for count in samples.tolist():
        begin = end
        end += count
        longest_first = begin + np.argsort(-length[begin:end], kind="stable")
        short = longest_first[length[longest_first] <= SHARED]
        placed += _fill(short, length, width)
    text, row, offset = np.array(placed, dtype=np.int64).T
    widths = np.array(width)
    for slots in np.unique(widths):
        number = np.cumsum(widths == slots) - 1  # of a row among those of its width
        chosen = widths[row] == slots
        taken = offset[chosen] + length[text[chosen]]
        yield PlacedTexts(
            text=text[chosen],
            row=number[row[chosen]],
            offset=offset[chosen],
            slots=max(LEAST, int(taken.max())),
        )


def _fill(texts: IntArray, length: IntArray, width: list[int]) -> Iterator[tuple[int, int, int]]:
    """Text, row and offset of each, in the fullest row that has room, else in one of its own.

    `width` [rows] grows. A row is as narrow as its first text allows: attention costs the square.
    """
    open_rows: list[list[int]] = [[] for _ in range(SHARED + 1)]  # by the slots that are free
    sizes = 0  # bit n is set if a row with n free slots is open
    for text in texts.tolist():
        need = int(length[text])
        enough = sizes >> need
        if enough:
            least = enough & -enough
            free = need + least.bit_length() - 1
        else:
            free = LEAST if need <= LEAST else SHARED
            open_rows[free].append(len(width))
            width.append(free)
        row = open_rows[free].pop()
        if not open_rows[free]:
            sizes &= ~(1 << free)
        open_rows[free - need].append(row)
        sizes |= 1 << free - need
        yield text, row, width[row] - free
