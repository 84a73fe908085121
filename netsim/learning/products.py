"""Products with frozen weights, which may be stored in bfloat16: all else is computed in float32."""

from __future__ import annotations

import torch


def forward(
    bias: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    *,
    add: torch.Tensor | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """bias + x weight^T (+ add): [rows, in], [out, in] -> [rows, out]."""
    if weight.dtype != x.dtype:
        product = torch.mm(x.to(weight.dtype), weight.t())
        return torch.add(product, bias if add is None else add + bias, out=out)
    if add is None:
        return torch.addmm(bias, x, weight.t(), out=out)
    return torch.add(add, bias, out=out).addmm_(x, weight.t())


def backward(
    dy: torch.Tensor,
    weight: torch.Tensor,
    *,
    add: torch.Tensor | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """dy weight (+ add): the gradient of the input, [rows, out], [out, in] -> [rows, in]."""
    if weight.dtype == dy.dtype:
        return torch.mm(dy, weight, out=out) if add is None else torch.addmm(add, dy, weight, out=out)
    product = torch.mm(dy.to(weight.dtype), weight)
    if add is not None:
        return torch.add(product, add, out=out)
    return product.to(dy.dtype) if out is None else out.copy_(product)
