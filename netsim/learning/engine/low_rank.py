"""The LoRA part of a layer for many tickets at once: each ticket's rows meet its own A and B.

y += scale (x A^T) B^T beside the frozen product that all rows share. The frozen product is one
large matrix product over the chunk. This part is a few skinny products per ticket; it needs no
padding, whatever the ranks and the number of tokens of each ticket. A matrix with one side of a few
ranks is computed with the ranks as its rows: with ranks as columns, MKL is slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import split_with_sizes as cut

from netsim.learning.adapters import A, B
from netsim.learning.engine.alike_tickets import AlikeTickets

Columns = tuple[int, int]
"""First column, and the one after the last."""


@dataclass(frozen=True)
class Factor:
    """B of one layer and its gradient.

    It writes the columns `columns` of the output from the ranks `ranks` of the stacked A.
    """

    b_t: torch.Tensor  # [r, out], a view, as w changes in place
    b_grad: torch.Tensor | None  # None: B is frozen
    columns: Columns
    ranks: slice


@dataclass(frozen=True)
class Pair:
    """One ticket's factors on the layers that share an input."""

    a: torch.Tensor  # [sum of r, in]
    a_grad: torch.Tensor | None  # None: A is frozen
    factors: tuple[Factor, ...]
    scale: float


@dataclass(frozen=True)
class LowRank:
    """All tickets' factors at one place of the encoder.

    A pair is None where that ticket's module does not target the place.
    """

    pairs: tuple[Pair | None, ...]  # [G]
    rows: tuple[int, ...]  # of each ticket, end to end, and of idle rows, if any

    @cached_property
    def _present(self) -> list[tuple[int, Pair]]:
        return [(g, pair) for g, pair in enumerate(self.pairs) if pair is not None]

    @property
    def empty(self) -> bool:
        """Has no ticket factors here?"""
        return not self._present

    def reaches(self, columns: Columns) -> bool:
        """Does any ticket have factors for these columns?"""
        for _, pair in self._present:
            if any(factor.columns == columns for factor in pair.factors):
                return True
        return False

    def add(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
    ) -> Added | None:
        """Add to `y` [rows, out]; returns what `back` needs, None if no ticket has factors here."""
        if self.empty:
            return None
        xs = cut(x, self.rows)
        ys = _RowsByColumns(y, self.rows)
        us = [torch.mm(pair.a, xs[g].t()) for g, pair in self._present]
        for (g, pair), u in zip(self._present, us, strict=True):
            u_t = u.t()
            for factor in pair.factors:
                part = ys[factor.columns][g]
                part.addmm_(u_t[:, factor.ranks], factor.b_t, alpha=pair.scale)
        return xs, us

    def back(
        self,
        dy: torch.Tensor,
        added: Added | None,
        dx: torch.Tensor | None,
    ) -> None:
        """Fill the gradients of A and B, and add to `dx` (None: nothing below is trained)."""
        if added is None:
            return
        xs, us = added
        dys = _RowsByColumns(dy, self.rows)
        dxs = None if dx is None else cut(dx, self.rows)
        for (g, pair), u in zip(self._present, us, strict=True):
            du = torch.empty_like(u)
            for factor in pair.factors:
                part = dys[factor.columns][g]
                torch.mm(factor.b_t, part.t(), out=du[factor.ranks])
                if factor.b_grad is not None:
                    product = torch.mm(u[factor.ranks], part)
                    torch.mul(product.t(), pair.scale, out=factor.b_grad)
            if pair.a_grad is not None:
                torch.addmm(pair.a_grad, du, xs[g], beta=0.0, alpha=pair.scale, out=pair.a_grad)
            if dxs is not None:
                dxs[g].addmm_(du.t(), pair.a, alpha=pair.scale)


class _RowsByColumns(dict[Columns, tuple[torch.Tensor, ...]]):
    """Columns of a tensor -> the rows of each ticket, as views, each made once."""

    def __init__(
        self,
        whole: torch.Tensor,
        rows: tuple[int, ...],
    ) -> None:
        super().__init__()
        self._whole = whole
        self._rows = rows

    def __missing__(self, columns: Columns) -> tuple[torch.Tensor, ...]:
        parts = cut(self._whole[:, slice(*columns)], self._rows)
        self[columns] = parts
        return parts


Added = tuple[tuple[torch.Tensor, ...], list[torch.Tensor]]
"""Each ticket's rows of x, and A x^T [sum of r, rows] of those that have factors."""


def pairs_of(
    prefix: str,
    paths: Sequence[str],
    tickets: AlikeTickets,
) -> list[Pair | None]:
    """Each ticket's factors at a place, or None if their module does not target it.

    `paths` are the layers of the place, below `prefix`.
    """
    layout = tickets.layout
    count = len(tickets.starts)
    present = [path for path in paths if f"{prefix}{path}{A}" in layout.shapes]
    if not present:
        return [None] * count

    # The A of a place stand side by side in a module's vector: one slice holds them all.
    first = f"{prefix}{present[0]}{A}"
    rank, width = layout.shapes[first]
    start = layout.starts[first]
    stacked = slice(start, start + len(present) * rank * width)
    a = tickets.own[:, stacked].view(count, -1, width).unbind()
    a_grad = tickets.gradients(first, stacked, width)

    factors = []
    for position, path in enumerate(present):
        ranks = slice(position * rank, (position + 1) * rank)
        name = f"{prefix}{path}{B}"
        factors.append(_factors(tickets, name, place=paths.index(path), ranks=ranks))
    own = zip(*factors, strict=True)
    scale = layout.spec.scale
    return [
        Pair(
            one,
            grad,
            each,
            scale,
        )
        for one, grad, each in zip(a, a_grad, own, strict=True)
    ]


def _factors(
    tickets: AlikeTickets,
    name: str,
    *,
    place: int,
    ranks: slice,
) -> list[Factor]:
    """Each ticket's B called `name`, that of the layer number `place` of those side by side."""
    layout = tickets.layout
    out = layout.shapes[name][0]
    columns = (place * out, (place + 1) * out)
    b_t = layout.view(name, tickets.own).transpose(1, 2).unbind()
    start = layout.starts[name]
    numbers = slice(start, start + out * layout.shapes[name][1])
    b_grad = tickets.gradients(name, numbers, layout.shapes[name][1])
    return [
        Factor(
            one,
            grad,
            columns,
            ranks,
        )
        for one, grad in zip(b_t, b_grad, strict=True)
    ]
