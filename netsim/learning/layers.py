"""One layer of a RoBERTa or BERT encoder, forward and backward, over packed texts and many rows.

Backward goes through the frozen weights and never to them. The last layer is in first_token.py.

Symbols: T tokens of S texts of G tickets, h hidden, f intermediate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from netsim.learning import attention
from netsim.learning.adapters import Layout
from netsim.learning.families import Family
from netsim.learning.lowrank import Factor, LowRank, Pair
from netsim.learning.packing import Packing
from netsim.learning.products import backward, forward


@dataclass(frozen=True)
class Norm:
    scale: torch.Tensor  # [h]
    shift: torch.Tensor  # [h]
    epsilon: float

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return torch.native_layer_norm(x, self.scale.shape, self.scale, self.shift, self.epsilon)

    def back(self, dy: torch.Tensor, x: torch.Tensor, mean: torch.Tensor, rstd: torch.Tensor) -> torch.Tensor:
        dx: torch.Tensor = torch.ops.aten.native_layer_norm_backward(
            dy, x, self.scale.shape, mean, rstd, self.scale, self.shift, [True, False, False]
        )[0]
        return dx


@dataclass(frozen=True)
class Layer:
    """Frozen weights of one encoder layer, [out, in] as torch stores them."""

    qkv: torch.Tensor  # [3 h, h]
    qkv_bias: torch.Tensor
    context: torch.Tensor  # [h, h]
    context_bias: torch.Tensor
    context_norm: Norm
    up: torch.Tensor  # [f, h]
    up_bias: torch.Tensor
    down: torch.Tensor  # [h, f]
    down_bias: torch.Tensor
    down_norm: Norm


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
    """Output [T, h] of one layer for all tokens; `product` [T, 3 h] is `frozen_product`, if it is known."""
    T, h = x.shape
    qkv = x.new_empty(T + 1, 3 * h)
    qkv[T] = 0.0
    if product is None:
        frozen_product(layer, x, qkv[:T])
    else:
        qkv[:T] = product
    added = lora["qkv"].add(x, qkv[:T])
    weights: list[Any] | None = None if saved is None else []
    context = attention.attend(qkv, plan, weights)
    kept = [] if saved is None else [added, weights]
    out = feed(layer, context, x, lora, kept)
    if saved is not None:
        saved.append(kept)
    return out


def frozen_product(layer: Layer, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """Queries, keys and values [T, 3 h] of the frozen weights alone."""
    return forward(layer.qkv_bias, x, layer.qkv, out=out)


def layer_back(
    layer: Layer, dy: torch.Tensor, plan: Packing, lora: Places, kept: list[Any], below: bool
) -> torch.Tensor:
    """Gradient of a layer's input [T, h]; left out (an empty tensor) if nothing `below` is trained."""
    added, weights = kept[:2]
    T, h = dy.shape
    d_context = dy.new_empty(T + 1, h)
    d_context[T] = 0.0
    d_residual = feed_back(layer, dy, lora, kept[2:], d_context[:T])
    d_qkv = attention.attend_back(d_context, plan, weights)
    dx = backward(d_qkv, layer.qkv, add=d_residual) if below else None
    lora["qkv"].back(d_qkv, added, dx)
    return dy.new_empty(0) if dx is None else dx


def feed(layer: Layer, context: torch.Tensor, x: torch.Tensor, lora: Places, kept: list[Any]) -> torch.Tensor:
    """From the attention's context [rows, h] to the layer's output; `x` is the residual branch."""
    a = forward(layer.context_bias, context, layer.context, add=x)
    added = [lora["context"].add(context, a)]
    x1, *stats1 = layer.context_norm(a)
    z = forward(layer.up_bias, x1, layer.up)
    added.append(lora["up"].add(x1, z))
    active = torch.nn.functional.gelu(z)
    b = forward(layer.down_bias, active, layer.down, add=x1)
    added.append(lora["down"].add(active, b))
    out, *stats2 = layer.down_norm(b)
    kept += [added, a, stats1, z, b, stats2]
    return out


def feed_back(
    layer: Layer, dy: torch.Tensor, lora: Places, kept: list[Any], d_context: torch.Tensor
) -> torch.Tensor:
    """Fill `d_context` [rows, h]; returns the gradient of the residual branch [rows, h]."""
    (at_context, at_up, at_down), a, stats1, z, b, stats2 = kept
    db = layer.down_norm.back(dy, b, *stats2)
    d_active = backward(db, layer.down)
    lora["down"].back(db, at_down, d_active)
    dz = torch.ops.aten.gelu_backward.grad_input(d_active, z, grad_input=d_active)
    dx1 = backward(dz, layer.up, add=db)
    lora["up"].back(dz, at_up, dx1)
    da = layer.context_norm.back(dx1, a, *stats1)
    backward(da, layer.context, out=d_context)
    lora["context"].back(da, at_context, d_context)
    return da


# -- weights and factors -------------------------------------------------------------------------


def norm_of(weights: dict[str, torch.Tensor], name: str, epsilon: float) -> Norm:
    return Norm(weights[f"{name}.weight"].float(), weights[f"{name}.bias"].float(), float(epsilon))


def layer_of(weights: dict[str, torch.Tensor], family: Family, number: int, epsilon: float) -> Layer:
    name = f"{family.layer}.{number}"
    qkv = [f"{name}.{path}" for path in family.places["qkv"]]
    context, up, down = (f"{name}.{family.places[place][0]}" for place in ("context", "up", "down"))
    return Layer(
        qkv=torch.cat([weights[f"{path}.weight"] for path in qkv]),
        qkv_bias=torch.cat([weights[f"{path}.bias"] for path in qkv]).float(),
        context=weights[f"{context}.weight"],
        context_bias=weights[f"{context}.bias"].float(),
        context_norm=norm_of(weights, f"{name}.{family.context_norm}", epsilon),
        up=weights[f"{up}.weight"],
        up_bias=weights[f"{up}.bias"].float(),
        down=weights[f"{down}.weight"],
        down_bias=weights[f"{down}.bias"].float(),
        down_norm=norm_of(weights, f"{name}.{family.down_norm}", epsilon),
    )


def pair_of(
    prefix: str,
    paths: Sequence[str],
    plan: Layout,
    own: dict[str, torch.Tensor],
    grad: dict[str, torch.Tensor],
    vector: torch.Tensor,
    grad_vector: torch.Tensor,
) -> Pair | None:
    """One ticket's factors at a place, or None if its module does not target it."""
    present = [
        (number, f"{prefix}{path}.lora_A.weight", f"{prefix}{path}.lora_B.weight")
        for number, path in enumerate(paths)
        if f"{prefix}{path}.lora_A.weight" in own
    ]
    if not present:
        return None
    rank, width = own[present[0][1]].shape
    start, count = plan.starts[present[0][1]], len(present) * rank * width
    factors = []
    for position, (number, _, b) in enumerate(present):
        out = own[b].shape[0]
        columns, ranks = (
            (number * out, (number + 1) * out),
            (position * rank, (position + 1) * rank),
        )
        factors.append(Factor(own[b], grad[b], columns, ranks))
    return Pair(
        vector[start : start + count].view(-1, width),
        grad_vector[start : start + count].view(-1, width),
        tuple(factors),
        plan.spec.scale,
    )
