"""The LoRA part of a layer for many tickets at once: each ticket's rows meet its own A and B.

y += scale (x A^T) B^T beside the frozen product that all rows share. The frozen product is one large matrix
product over the chunk; this part is a few skinny ones per ticket (rank columns), and needs no padding,
whatever the ranks and the number of tokens of each ticket. They are small, so what does not change from step
to step is made once per binding, as transposes are; rows of all tickets in one split per tensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import split_with_sizes as cut

Columns = tuple[int, int]


@dataclass(frozen=True)
class Factor:
    """B of one layer and its gradient: columns `columns` of the output, ranks `ranks` of the stacked A."""

    b: torch.Tensor  # [out, r]
    b_grad: torch.Tensor
    columns: Columns
    ranks: Columns

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

    @cached_property
    def a_t(self) -> torch.Tensor:
        return self.a.t()

    @cached_property
    def ranks(self) -> Columns:
        """Of all factors together."""
        return 0, len(self.a)


@dataclass(frozen=True)
class LowRank:
    """All tickets' factors at one place of the encoder; None: that ticket's module does not target it."""

    pairs: tuple[Pair | None, ...]  # [G]
    rows: tuple[int, ...]  # [G] of each ticket, end to end

    @cached_property
    def _width(self) -> int:
        """Ranks of the widest stacked A."""
        return max((pair.ranks[1] for pair in self.pairs if pair is not None), default=0)

    def add(self, x: torch.Tensor, y: torch.Tensor) -> Added | None:
        """Add to `y` [rows, out]; returns what `back` needs, None if no ticket has factors here."""
        if not self._width:
            return None
        xs, ys = cut(x, self.rows), _ByColumns(y, self.rows)
        us = _ByColumns(x.new_empty(len(x), self._width), self.rows)
        for g, pair in enumerate(self.pairs):
            if pair is None:
                continue
            torch.mm(xs[g], pair.a_t, out=us[pair.ranks][g])
            for f in pair.factors:
                ys[f.columns][g].addmm_(us[f.ranks][g], f.b_t, alpha=pair.scale)
        return xs, us

    def back(self, dy: torch.Tensor, added: Added | None, dx: torch.Tensor | None) -> None:
        """Fill the gradients of A and B, and add to `dx` (None: nothing below is trained)."""
        if added is None:
            return
        xs, us = added
        dus, dys = _ByColumns(dy.new_empty(len(dy), self._width), self.rows), _ByColumns(dy, self.rows)
        dxs = None if dx is None else cut(dx, self.rows)
        for g, pair in enumerate(self.pairs):
            if pair is None:
                continue
            for f in pair.factors:
                part = dys[f.columns][g]
                torch.mm(part, f.b, out=dus[f.ranks][g])
                _product(f.b_grad, part.t(), us[f.ranks][g], pair.scale)
            du = dus[pair.ranks][g]
            _product(pair.a_grad, du.t(), xs[g], pair.scale)
            if dxs is not None:
                dxs[g].addmm_(du, pair.a, alpha=pair.scale)


class _ByColumns(dict[Columns, tuple[torch.Tensor, ...]]):
    """Columns of a tensor -> the rows of each ticket."""

    def __init__(self, whole: torch.Tensor, rows: tuple[int, ...]) -> None:
        super().__init__()
        self._whole, self._rows = whole, rows

    def __missing__(self, columns: Columns) -> tuple[torch.Tensor, ...]:
        self[columns] = parts = cut(self._whole[:, slice(*columns)], self._rows)
        return parts


Added = tuple[tuple[torch.Tensor, ...], _ByColumns]
"""Each ticket's rows of x, and of x A^T by columns."""


def _product(out: torch.Tensor, left: torch.Tensor, right: torch.Tensor, scale: float) -> None:
    torch.addmm(out, left, right, beta=0.0, alpha=scale, out=out)
