"""Low-rank factors of queries, keys and values in the last layer, head by head.

Symbols: S texts, of which G alike tickets (alike_tickets.py) have s each, H heads of d numbers,
h = H d hidden, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netsim.learning.adapters import A, B
from netsim.learning.engine.alike_tickets import AlikeTickets


@dataclass(frozen=True)
class HeadFactors:
    """What alike tickets add to the queries, the keys or the values, head by head.

    An inner product u is [G, s H, r]; of the queries, which have one for all heads, [G, s, r].
    """

    tickets: AlikeTickets
    scale: float
    a: torch.Tensor  # [G, r, h]
    a_grad: torch.Tensor | None  # None: A is frozen
    b: torch.Tensor  # [G, H, d, r]
    b_grad: torch.Tensor | None  # None: B is frozen

    def down(self, x: torch.Tensor) -> torch.Tensor:
        """x A^T: [S, H, h] or [S, h] -> u."""
        return torch.bmm(self.tickets.of(x), self.a.transpose(1, 2))

    def down_add(
        self,
        u: torch.Tensor,
        x: torch.Tensor,
    ) -> None:
        """Add scale u A to `x`, [S, H, h] or [S, h]."""
        self.tickets.of(x).baddbmm_(u, self.a, alpha=self.scale)

    def up(self, y: torch.Tensor) -> torch.Tensor:
        """y B: [S, h] -> u of every head."""
        u = torch.matmul(self._by_head(y), self.b)
        by_text = u.transpose(1, 2)
        return by_text.reshape(len(u), -1, u.shape[3])

    def up_add(
        self,
        u: torch.Tensor,
        y: torch.Tensor,
    ) -> None:
        """Add scale u B^T to `y` [S, h]."""
        added = torch.matmul(self._inner(u), self.b.transpose(2, 3))
        self._by_head(y).add_(added, alpha=self.scale)

    def fill(
        self,
        x: torch.Tensor,
        u_x: torch.Tensor,
        y: torch.Tensor,
        u_y: torch.Tensor,
    ) -> None:
        """Gradients of A from `x` ([S, H, h] or [S, h]) and u_x, of B from `y` [S, h] and u_y.

        One of `x` and `y` is a gradient, and the u with the other one.
        """
        if self.a_grad is not None:
            wide = self.tickets.of(x)
            u_t = u_x.transpose(1, 2)
            torch.baddbmm(self.a_grad, u_t, wide, beta=0, alpha=self.scale, out=self.a_grad)
        if self.b_grad is not None:
            y_t = self._by_head(y).transpose(2, 3)
            b_grad = torch.matmul(y_t, self._inner(u_y))
            torch.mul(b_grad, self.scale, out=self.b_grad)

    def _by_head(self, y: torch.Tensor) -> torch.Tensor:
        """View [G, H, s, d] of these tickets' rows of `y` [S, h]."""
        G, H, d, _ = self.b.shape
        own = y[self.tickets.texts]
        return own.view(G, -1, H, d).transpose(1, 2)

    def _inner(self, u: torch.Tensor) -> torch.Tensor:
        """View [G, H, s, r] of `u`; [G, 1, s, r] of that of the queries."""
        texts = self.tickets.texts
        s = (texts.stop - texts.start) // len(u)
        return u.view(len(u), s, -1, u.shape[2]).transpose(1, 2)


def factors_at(
    path: str,
    tickets: Sequence[AlikeTickets],
    heads: int,
) -> list[HeadFactors]:
    """The factors at one layer, of those tickets whose modules target it."""
    found = []
    for group in tickets:
        layout = group.layout
        if f"{path}{A}" not in layout.shapes:
            continue
        b = layout.view(f"{path}{B}", group.own)
        b_grad = group.grad_of(f"{path}{B}")
        factors = HeadFactors(
            tickets=group,
            scale=layout.spec.scale,
            a=layout.view(f"{path}{A}", group.own),
            a_grad=group.grad_of(f"{path}{A}"),
            b=b.view(len(b), heads, -1, b.shape[2]),
            b_grad=None if b_grad is None else b_grad.view(len(b), heads, -1, b.shape[2]),
        )
        found.append(factors)
    return found


def add_up(
    parts: Sequence[HeadFactors],
    inner: Sequence[torch.Tensor],
    y: torch.Tensor,
) -> None:
    """Add scale u B^T of all to `y` [S, h]; `inner` are their u."""
    for factors, u in zip(parts, inner, strict=True):
        factors.up_add(u, y)


def add_down(
    parts: Sequence[HeadFactors],
    inner: Sequence[torch.Tensor],
    x: torch.Tensor,
) -> None:
    """Add scale u A of all to `x`, [S, H, h] or [S, h]; `inner` are their u."""
    for factors, u in zip(parts, inner, strict=True):
        factors.down_add(u, x)
