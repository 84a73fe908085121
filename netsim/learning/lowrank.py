"""The LoRA part of a layer for many tickets at once: each ticket's rows meet its own A and B.

y += scale (x A^T) B^T beside the frozen product that all rows share. The frozen product is one large matrix
product over the chunk; this part is a few skinny ones per ticket (rank columns), and needs no padding,
whatever the ranks and the number of tokens of each ticket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Factor:
    """B of one layer and its gradient: columns `columns` of the output, ranks `ranks` of the stacked A."""

    b: torch.Tensor  # [out, r]
    b_grad: torch.Tensor
    columns: slice
    ranks: slice


@dataclass(frozen=True)
class Pair:
    """One ticket's factors on the layers that share an input."""

    a: torch.Tensor  # [sum of r, in]
    a_grad: torch.Tensor
    factors: tuple[Factor, ...]
    scale: float


@dataclass(frozen=True)
class LowRank:
    """All tickets' factors at one place of the encoder; None: that ticket's module does not target it."""

    pairs: tuple[Pair | None, ...]  # [G]

    def __bool__(self) -> bool:
        return any(pair is not None for pair in self.pairs)

    def add(self, x: torch.Tensor, y: torch.Tensor, ranges: Ranges) -> list[torch.Tensor | None]:
        """Add to `y` [rows, out]; returns each ticket's x A^T for `back`. Ticket g has the rows ranges[g]."""
        inner: list[torch.Tensor | None] = []
        for pair, (start, end) in zip(self.pairs, ranges, strict=True):
            if pair is None:
                inner.append(None)
                continue
            u = torch.mm(x[start:end], pair.a.t())
            for factor in pair.factors:
                y[start:end, factor.columns].addmm_(u[:, factor.ranks], factor.b.t(), alpha=pair.scale)
            inner.append(u)
        return inner

    def back(
        self,
        dy: torch.Tensor,
        x: torch.Tensor,
        inner: Sequence[torch.Tensor | None],
        ranges: Ranges,
        dx: torch.Tensor | None,
    ) -> None:
        """Fill the gradients of A and B, and add to `dx` (None: nothing below is trained)."""
        for pair, u, (start, end) in zip(self.pairs, inner, ranges, strict=True):
            if pair is None or u is None:
                continue
            du = torch.empty_like(u)
            for factor in pair.factors:
                part = dy[start:end, factor.columns]
                torch.mm(part, factor.b, out=du[:, factor.ranks])
                _product(factor.b_grad, part.t(), u[:, factor.ranks], pair.scale)
            _product(pair.a_grad, du.t(), x[start:end], pair.scale)
            if dx is not None:
                dx[start:end].addmm_(du, pair.a, alpha=pair.scale)


def _product(out: torch.Tensor, left: torch.Tensor, right: torch.Tensor, scale: float) -> None:
    torch.addmm(out, left, right, beta=0.0, alpha=scale, out=out)
