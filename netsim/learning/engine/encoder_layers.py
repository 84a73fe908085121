"""One layer of a RoBERTa or BERT encoder, forward and backward, over packed texts and many rows.

Backward goes through the frozen weights and never to them. The last layer is in first_token.py.

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from netsim.learning.adapters import A, B
from netsim.learning.engine import attention
from netsim.learning.engine.alike_tickets import Alike
from netsim.learning.engine.encoder_families import Family
from netsim.learning.engine.frozen_products import Frozen
from netsim.learning.engine.low_rank import Factor, LowRank, Pair
from netsim.learning.engine.packing import Packing


@dataclass(frozen=True)
class Norm:
    scale: torch.Tensor  # [h]
    shift: torch.Tensor  # [h]
    epsilon: float

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return torch.native_layer_norm(x, self.scale.shape, self.scale, self.shift, self.epsilon)

    def back(
        self, dy: torch.Tensor, x: torch.Tensor, mean: torch.Tensor, rstd: torch.Tensor
    ) -> torch.Tensor:
        dx: torch.Tensor = torch.ops.aten.native_layer_norm_backward(
            dy, x, self.scale.shape, mean, rstd, self.scale, self.shift, [True, False, False]
        )[0]
        return dx


@dataclass(frozen=True)
class Layer:
    """Frozen weights of one encoder layer, [out, in]."""

    qkv: Frozen  # [3 h, h]
    context: Frozen  # [h, h]
    context_norm: Norm
    up: Frozen  # [f, h]
    down: Frozen  # [h, f]
    down_norm: Norm

    def pack(self, *, back: bool) -> Layer:
        """For products with the rows of all tokens; `back`: gradients pass through."""
        places = (self.qkv, self.context, self.up, self.down)
        qkv, context, up, down = (frozen.pack(back=back) for frozen in places)
        return replace(self, qkv=qkv, context=context, up=up, down=down)


Places = dict[str, LowRank]
"""What tickets add at each place of a layer."""


def layer_forward(
    layer: Layer,
    x: torch.Tensor,
    plan: Packing,
    lora: Places,
    saved: list[Any] | None,
    product: torch.Tensor | None = None,
) -> torch.Tensor:
    """Output [T, h] of one layer for all tokens; `product` [T, 3 h] is that of `layer.qkv`, if
    known.
    """
    qkv = layer.qkv(x) if product is None else product.clone()
    added = lora["qkv"].add(x, qkv)
    weights: list[Any] | None = None if saved is None else []
    context = attention.attend(qkv, plan, weights)
    kept = [] if saved is None else [added, weights]
    out = feed(layer, context, x, lora, kept)
    if saved is not None:
        saved.append(kept)
    return out


def layer_back(
    layer: Layer, dy: torch.Tensor, plan: Packing, lora: Places, kept: list[Any], below: bool
) -> torch.Tensor:
    """Gradient of a layer's input [T, h]; left out (an empty tensor) if nothing `below` is
    trained.
    """
    added, weights = kept[:2]
    d_context, d_residual = feed_back(layer, dy, lora, kept[2:])
    if not below and added is None:
        return dy.new_empty(0)
    h = dy.shape[1]
    keys = below or lora["qkv"].reaches((h, 2 * h))
    d_qkv = attention.attend_back(d_context, plan, weights, keys=keys)
    dx = layer.qkv.back(d_qkv, d_residual) if below else None
    lora["qkv"].back(d_qkv, added, dx)
    return dy.new_empty(0) if dx is None else dx


def feed(
    layer: Layer, context: torch.Tensor, x: torch.Tensor, lora: Places, kept: list[Any]
) -> torch.Tensor:
    """From the attention's context [rows, h] to the layer's output; `x` is the residual branch."""
    a = layer.context(context, x)
    added = [lora["context"].add(context, a)]
    x1, *stats1 = layer.context_norm(a)
    z = layer.up(x1)
    added.append(lora["up"].add(x1, z))
    active = torch.nn.functional.gelu(z)
    b = layer.down(active, x1)
    added.append(lora["down"].add(active, b))
    out, *stats2 = layer.down_norm(b)
    kept += [added, a, stats1, z, b, stats2]
    return out


def feed_back(
    layer: Layer, dy: torch.Tensor, lora: Places, kept: list[Any]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the context and of the residual branch, [rows, h] each."""
    (at_context, at_up, at_down), a, stats1, z, b, stats2 = kept
    db = layer.down_norm.back(dy, b, *stats2)
    d_active = layer.down.back(db)
    lora["down"].back(db, at_down, d_active)
    dz = torch.ops.aten.gelu_backward.grad_input(d_active, z, grad_input=d_active)
    dx1 = layer.up.back(dz, db)
    lora["up"].back(dz, at_up, dx1)
    da = layer.context_norm.back(dx1, a, *stats1)
    d_context = layer.context.back(da)
    lora["context"].back(da, at_context, d_context)
    return d_context, da


# -- weights and factors -------------------------------------------------------------------------


def norm_of(weights: dict[str, torch.Tensor], name: str, epsilon: float) -> Norm:
    return Norm(weights[f"{name}.weight"].float(), weights[f"{name}.bias"].float(), float(epsilon))


def layer_of(
    weights: dict[str, torch.Tensor], family: Family, number: int, epsilon: float
) -> Layer:
    name = f"{family.layer}.{number}"

    def frozen(place: str) -> Frozen:
        paths = [f"{name}.{path}" for path in family.places[place]]
        tensors = ([weights[f"{path}.{kind}"] for path in paths] for kind in ("weight", "bias"))
        weight, bias = (torch.cat(parts) if len(parts) > 1 else parts[0] for parts in tensors)
        return Frozen(weight, bias.float())

    return Layer(
        qkv=frozen("qkv"),
        context=frozen("context"),
        context_norm=norm_of(weights, f"{name}.{family.context_norm}", epsilon),
        up=frozen("up"),
        down=frozen("down"),
        down_norm=norm_of(weights, f"{name}.{family.down_norm}", epsilon),
    )


def pairs_of(prefix: str, paths: Sequence[str], tickets: Alike) -> list[Pair | None]:
    """Each ticket's factors at a place, or None if their module does not target it."""
    plan, count = tickets.plan, len(tickets.starts)
    names = [
        (number, f"{prefix}{path}{A}", f"{prefix}{path}{B}") for number, path in enumerate(paths)
    ]
    present = [each for each in names if each[1] in plan.shapes]
    if not present:
        return [None] * count
    rank, width = plan.shapes[present[0][1]]
    start = plan.starts[present[0][1]]
    stacked = slice(
        start, start + len(present) * rank * width
    )  # the A of a place stand side by side
    a, a_grad = (
        each[:, stacked].view(count, -1, width).unbind() for each in (tickets.own, tickets.grad)
    )
    factors = []
    for position, (number, _, name) in enumerate(present):
        out = plan.shapes[name][0]
        columns, ranks = (
            (number * out, (number + 1) * out),
            slice(position * rank, (position + 1) * rank),
        )
        b, b_grad = (plan.view(name, each).unbind() for each in (tickets.own, tickets.grad))
        factors.append([Factor(*each, columns, ranks) for each in zip(b, b_grad, strict=True)])
    scale = plan.spec.scale
    own = zip(*factors, strict=True)
    return [Pair(one, grad, each, scale) for one, grad, each in zip(a, a_grad, own, strict=True)]
