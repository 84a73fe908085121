"""The LoRA part of a layer for many tickets at once: each ticket's rows meet its own A and B.

y += scale (x A^T) B^T beside the frozen product that all rows share. The frozen product is one
large matrix product over the chunk; this part is a few skinny ones per ticket, and needs no
padding, whatever the ranks and the number of tokens of each ticket. What has one side of a few
ranks is computed with these as its rows: where they are its columns, MKL is slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import split_with_sizes as cut

Columns = tuple[int, int]


@dataclass(frozen=True)
class Factor:
    """B of one layer and its gradient: columns `columns` of the output, ranks `ranks` of the
    stacked A.
    """

    b: torch.Tensor  # [out, r]
    b_grad: torch.Tensor
    columns: Columns
    ranks: slice

    @cached_property
    def b_t(self) -> torch.Tensor:
        return self.b.t()  # a view, as w changes in place


@dataclass(frozen=True)
class Pair:
    """One ticket's factors on the layers that share an input."""

    a: torch.Tensor  # [sum of r, in]
    a_grad: torch.Tensor
    factors: tuple[Factor, ...]
    scale: float


@dataclass(frozen=True)
class LowRank:
    """All tickets' factors at one place of the encoder; None: that ticket's module does not target
    it.
    """

    pairs: tuple[Pair | None, ...]  # [G]
    rows: tuple[int, ...]  # of each ticket, end to end, and of idle rows, if any

    @cached_property
    def _present(self) -> list[tuple[int, Pair]]:
        return [(g, pair) for g, pair in enumerate(self.pairs) if pair is not None]

    def reaches(self, columns: Columns) -> bool:
        """Does any ticket have factors for these columns?"""
        return any(f.columns == columns for _, pair in self._present for f in pair.factors)

    def add(self, x: torch.Tensor, y: torch.Tensor) -> Added | None:
        """Add to `y` [rows, out]; returns what `back` needs, None if no ticket has factors here."""
        if not self._present:
            return None
        xs, ys = cut(x, self.rows), _ByColumns(y, self.rows)
        us = [torch.mm(pair.a, xs[g].t()) for g, pair in self._present]
        for (g, pair), u in zip(self._present, us, strict=True):
            for f in pair.factors:
                ys[f.columns][g].addmm_(u[f.ranks].t(), f.b_t, alpha=pair.scale)
        return xs, us

    def back(self, dy: torch.Tensor, added: Added | None, dx: torch.Tensor | None) -> None:
        """Fill the gradients of A and B, and add to `dx` (None: nothing below is trained)."""
        if added is None:
            return
        xs, us = added
        dys = _ByColumns(dy, self.rows)
        dxs = None if dx is None else cut(dx, self.rows)
        for (g, pair), u in zip(self._present, us, strict=True):
            du = torch.empty_like(u)
            for f in pair.factors:
                part = dys[f.columns][g]
                torch.mm(f.b_t, part.t(), out=du[f.ranks])
                torch.mul(torch.mm(u[f.ranks], part).t(), pair.scale, out=f.b_grad)
            torch.addmm(pair.a_grad, du, xs[g], beta=0.0, alpha=pair.scale, out=pair.a_grad)
            if dxs is not None:
                dxs[g].addmm_(du.t(), pair.a, alpha=pair.scale)


class _ByColumns(dict[Columns, tuple[torch.Tensor, ...]]):
    """Columns of a tensor -> the rows of each ticket."""

    def __init__(self, whole: torch.Tensor, rows: tuple[int, ...]) -> None:
        super().__init__()
        self._whole, self._rows = whole, rows

    def __missing__(self, columns: Columns) -> tuple[torch.Tensor, ...]:
        self[columns] = parts = cut(self._whole[:, slice(*columns)], self._rows)
        return parts


Added = tuple[tuple[torch.Tensor, ...], list[torch.Tensor]]
"""Each ticket's rows of x, and A x^T [sum of r, rows] of those that have factors."""
