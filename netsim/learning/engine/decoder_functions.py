"""Steps of a decoder's layer with backward passes of their own, which torch's autograd calls.

They keep less than torch's would, and tickets' gradients go straight into the vectors that
LowRank's factors are views of.

Symbols: T rows, h hidden, f intermediate, H heads of d numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import split_with_sizes as cut
from torch.nn.functional import silu

from netsim.learning.engine.frozen_products import FrozenLinear
from netsim.learning.engine.low_rank import LowRank


def product(
    x: torch.Tensor,
    layer: FrozenLinear,
    lora: LowRank,
    anchor: torch.Tensor | None,
    residual: torch.Tensor | None = None,
) -> torch.Tensor:
    """What a frozen layer and the tickets' factors make of x [T, in], (+ residual), [T, out].

    `anchor` is any tensor that requires a gradient, for factors that are trained on an `x` that
    does not; None: nothing is trained.
    """
    trained = None if lora.empty else anchor
    y: torch.Tensor = _Product.apply(x, residual, trained, layer, lora)  # type: ignore[no-untyped-call]
    return y


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> torch.Tensor:
        x, residual, _, layer, lora = given
        ctx.layer = layer
        ctx.lora = lora
        y: torch.Tensor = layer(x, residual)
        added = lora.add(x, y)
        inner = [] if added is None else [x, *added[1]]
        ctx.save_for_backward(*inner)
        return y

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> Any:
        dy = given[0].contiguous()
        dx = ctx.layer.back(dy) if ctx.needs_input_grad[0] else None
        kept = ctx.saved_tensors  # asked for once: a checkpoint gives it once
        if kept:
            x, *inner = kept
            ctx.lora.back(dy, (cut(x, ctx.lora.rows), inner), dx)
        return dx, dy if ctx.needs_input_grad[1] else None, None, None, None


def rms_norm(
    x: torch.Tensor,
    scale: torch.Tensor,
    epsilon: float,
) -> torch.Tensor:
    """x / sqrt(mean of squares + epsilon), times a frozen scale [h]. [T, h]."""
    y: torch.Tensor = _RmsNorm.apply(x, scale, epsilon)  # type: ignore[no-untyped-call]
    return y


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> torch.Tensor:
        x, scale, epsilon = given
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        factor = torch.rsqrt(norm.square() / x.shape[-1] + epsilon)
        ctx.save_for_backward(x, factor, scale)
        y: torch.Tensor = (x * factor).mul_(scale)
        return y

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> Any:
        x, factor, scale = ctx.saved_tensors
        dy = given[0] * scale
        along = torch.linalg.vecdot(dy, x)[:, None]
        along *= factor.square() / x.shape[-1]
        dx = dy.addcmul_(x, along, value=-1).mul_(factor)
        return dx, None, None


def swiglu(gate_up: torch.Tensor) -> torch.Tensor:
    """silu(gate) up, of both side by side. [T, 2 f] -> [T, f]."""
    y: torch.Tensor = _SwiGlu.apply(gate_up)  # type: ignore[no-untyped-call]
    return y


class _SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> torch.Tensor:
        (gate_up,) = given
        ctx.save_for_backward(gate_up)
        gate, up = gate_up.chunk(2, -1)
        return silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> Any:
        (gate_up,) = ctx.saved_tensors
        (dy,) = given
        gate, up = gate_up.chunk(2, -1)
        d_gate_up = torch.empty_like(gate_up)
        d_gate, d_up = d_gate_up.chunk(2, -1)
        torch.mul(dy, silu(gate), out=d_up)
        torch.ops.aten.silu_backward.grad_input(dy * up, gate, grad_input=d_gate)
        return d_gate_up


def rotate(
    x: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> torch.Tensor:
    """Rotary positions: pairs of numbers, d / 2 apart, by angles of cos and sin [T, 1, d / 2].

    [T, H, d] -> [T, H, d].
    """
    y: torch.Tensor = _Rotate.apply(x, cos, sin)  # type: ignore[no-untyped-call]
    return y


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *given: Any) -> torch.Tensor:
        x, cos, sin = given
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> Any:
        cos, sin = ctx.saved_tensors
        return _rotated(given[0], cos, -sin), None, None


def _rotated(
    x: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
) -> torch.Tensor:
    y = torch.empty_like(x)
    one, other = x.chunk(2, -1)
    y_one, y_other = y.chunk(2, -1)
    torch.mul(one, cos, out=y_one)
    torch.mul(other, cos, out=y_other)
    y_one.addcmul_(other, sin, value=-1)
    y_other.addcmul_(one, sin)
    return y
