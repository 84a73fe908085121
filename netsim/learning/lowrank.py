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
    def width(self) -> int:
        """Ranks of the widest stacked A; 0 if no ticket has factors here."""
        return max((pair.ranks[1] for pair in self.pairs if pair is not None), default=0)

    @cached_property
    def _inner(self) -> _ByColumns:
        """x A^T [rows, width], in the same memory in every step."""
        return self._columns()

    @cached_property
    def _d_inner(self) -> _ByColumns:
        return self._columns()

    def _columns(self) -> _ByColumns:
        a = next(pair.a for pair in self.pairs if pair is not None)
        return _ByColumns(a.new_empty(sum(self.rows), self.width), self.rows)

    def add(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor | None:
        """Add to `y` [rows, out]; returns what `back` needs: `x`, or None if no ticket has factors here."""
        if not self.width:
            return None
        xs, us, ys = cut(x, self.rows), self._inner, _ByColumns(y, self.rows)
        for g, pair in enumerate(self.pairs):
            if pair is None:
                continue
            torch.mm(xs[g], pair.a_t, out=us[pair.ranks][g])
            for f in pair.factors:
                ys[f.columns][g].addmm_(us[f.ranks][g], f.b_t, alpha=pair.scale)
        return x

    def back(self, dy: torch.Tensor, x: torch.Tensor | None, dx: torch.Tensor | None) -> None:
        """Fill the gradients of A and B, and add to `dx` (None: nothing below is trained).

        `x` is what the last `add` returned.
        """
        if x is None:
            return
        xs, us, dus, dys = cut(x, self.rows), self._inner, self._d_inner, _ByColumns(dy, self.rows)
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


def _product(out: torch.Tensor, left: torch.Tensor, right: torch.Tensor, scale: float) -> None:
    torch.addmm(out, left, right, beta=0.0, alpha=scale, out=out)
