"""HetLoRA's regulariser: the norm product of each layer's last ranks.

Y. J. Cho et al., "Heterogeneous LoRA for federated fine-tuning of on-device foundation models",
EMNLP 2024, eq. 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netsim.learning.adapters import AdapterLayout
from netsim.protocols import LORA_A, LORA_B, Tail


@dataclass(frozen=True)
class _TailOfLayer:
    """Ranks q and above of one layer."""

    a: torch.Tensor  # [r - q, in] views of the parameters
    b: torch.Tensor  # [out, r - q]
    a_grad: torch.Tensor
    b_grad: torch.Tensor
    trained: int  # parts; the others are not pressed


class TailPenalty:
    """weight * sum over layers of |B[:, q:]|_F |A[q:, :]|_F, for each of G tickets.

    It works on views, so it follows the parameters as they change.
    """

    def __init__(
        self,
        tail: Tail | None,
        layouts: Sequence[AdapterLayout],
        w: Sequence[torch.Tensor],
        g: Sequence[torch.Tensor],
    ) -> None:
        """`w` and `g` [G]: the trained parameters of each ticket, and their gradients."""
        self._weight = 0.0 if tail is None else tail.weight
        self._layers: list[list[_TailOfLayer]] = [[] for _ in layouts]
        if tail is None:
            return
        for layers, layout, own, grad in zip(
            self._layers,
            layouts,
            w,
            g,
            strict=True,
        ):
            q = tail.start(layout.spec.rank)
            layers += _tails(layout, q, own, grad)

    def products(self) -> list[float]:
        """The sum over layers of each ticket, without the weight. [G]."""
        found = []
        for layers in self._layers:
            found.append(sum(float(layer.a.norm() * layer.b.norm()) for layer in layers))
        return found

    def add_gradient(self) -> None:
        """Add the penalty's gradient to `g`.

        A factor that is zero adds 0, the smallest subgradient.
        """
        if self._weight == 0:
            return
        for layers in self._layers:
            for layer in layers:
                a = float(layer.a.norm())
                b = float(layer.b.norm())
                if a > 0 and layer.trained & LORA_A:
                    layer.a_grad.add_(layer.a, alpha=self._weight * b / a)
                if b > 0 and layer.trained & LORA_B:
                    layer.b_grad.add_(layer.b, alpha=self._weight * a / b)


def _tails(
    layout: AdapterLayout,
    q: int,
    own: torch.Tensor,
    grad: torch.Tensor,
) -> list[_TailOfLayer]:
    view = layout.views(own)
    view_grad = layout.views(grad)
    layers = []
    for a, b in layout.pairs():
        layer = _TailOfLayer(
            a=view[a][q:],
            b=view[b][:, q:],
            a_grad=view_grad[a][q:],
            b_grad=view_grad[b][:, q:],
            trained=layout.trained,
        )
        layers.append(layer)
    return layers
