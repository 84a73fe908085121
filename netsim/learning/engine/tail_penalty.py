"""HetLoRA's regulariser: the norm product of each layer's last ranks (Cho et al., EMNLP 2024, eq.
3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netsim.learning.adapters import Layout
from netsim.protocols import Tail


@dataclass(frozen=True)
class _Layer:
    a: torch.Tensor  # [r - q, in] views of the parameters
    b: torch.Tensor  # [out, r - q]
    a_grad: torch.Tensor
    b_grad: torch.Tensor


class TailPenalty:
    """weight sum over layers of |B[:, q:]|_F |A[q:, :]|_F for each of G tickets, on views that
    follow `w`.
    """

    def __init__(
        self,
        tail: Tail | None,
        plans: Sequence[Layout],
        w: Sequence[torch.Tensor],
        g: Sequence[torch.Tensor],
    ) -> None:
        """`w` and `g` [G]: the trained parameters of each ticket, and their gradients."""
        self._weight = 0.0 if tail is None else tail.weight
        self._layers: list[list[_Layer]] = [[] for _ in plans]
        if tail is None:
            return
        for layers, plan, own, grad in zip(self._layers, plans, w, g, strict=True):
            q = tail.start(plan.spec.rank)
            view, view_grad = plan.views(own), plan.views(grad)
            for a, b in plan.pairs():
                layers.append(
                    _Layer(view[a][q:], view[b][:, q:], view_grad[a][q:], view_grad[b][:, q:])
                )

    def products(self) -> list[float]:
        """The sum of each ticket, without the weight. [G]."""
        return [sum(float(x.a.norm() * x.b.norm()) for x in layers) for layers in self._layers]

    def add_gradient(self) -> None:
        """Add the penalty's gradient to `g`. A factor that is zero gives 0, the least
        subgradient.
        """
        if self._weight == 0:
            return
        for layers in self._layers:
            for x in layers:
                a, b = float(x.a.norm()), float(x.b.norm())
                if a > 0:
                    x.a_grad.add_(x.a, alpha=self._weight * b / a)
                if b > 0:
                    x.b_grad.add_(x.b, alpha=self._weight * a / b)
