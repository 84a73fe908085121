"""Frozen linear layers: products of rows with weights that are never trained.

Weights may be stored in bfloat16: all else is computed in float32. With AVX-512, float32 weights
that meet the rows of all tokens are kept in oneDNN's own layout too, once for each direction: their
products then need not rearrange the weight each time, and write bias and residual with the product
instead of before it. That is done however few rows there are, as two ways would round differently;
each number of rows has to be prepared once (packing.MULTIPLE).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

ROWS = 2048  # that oneDNN's layout is chosen for: about a chunk on a CPU


@dataclass(frozen=True)
class Frozen:
    """y = x weight^T + bias, for a weight [out, in] and a bias [out]."""

    weight: torch.Tensor
    bias: torch.Tensor  # float32
    packed: torch.Tensor | None = None  # oneDNN's weight
    packed_t: torch.Tensor | None = None  # and that of the transpose

    def pack(self, *, back: bool) -> Frozen:
        """The same, with the weight in oneDNN's layout where that is used; for the way `back` as
        well.
        """
        return replace(
            self, packed=_pack(self.weight), packed_t=_pack(self.weight.t()) if back else None
        )

    def part(self, start: int, end: int) -> Frozen:
        """Outputs `start` to `end`, not packed."""
        return Frozen(self.weight[start:end], self.bias[start:end])

    def __call__(self, x: torch.Tensor, add: torch.Tensor | None = None) -> torch.Tensor:
        """x weight^T + bias (+ add): [rows, in] -> [rows, out]."""
        if self.packed is not None:
            return _packed_product(x, self.packed, self.bias, add)
        if self.weight.dtype != x.dtype:
            product = torch.mm(x.to(self.weight.dtype), self.weight.t())
            return torch.add(product, self.bias if add is None else add + self.bias)
        if add is None:
            return torch.addmm(self.bias, x, self.weight.t())
        return torch.add(add, self.bias).addmm_(x, self.weight.t())

    def back(self, dy: torch.Tensor, add: torch.Tensor | None = None) -> torch.Tensor:
        """Gradient of the input: dy weight (+ add, which may be overwritten), [rows, out] -> [rows,
        in].
        """
        if self.packed_t is not None:
            return _packed_product(dy, self.packed_t, None, add)
        if self.weight.dtype != dy.dtype:
            product = torch.mm(dy.to(self.weight.dtype), self.weight)
            return product.to(dy.dtype) if add is None else torch.add(product, add)
        return torch.mm(dy, self.weight) if add is None else add.addmm_(dy, self.weight)


def _pack(weight: torch.Tensor) -> torch.Tensor | None:
    """The weight [out, in] in oneDNN's layout, or None where that is not used."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or not _onednn():
        return None
    packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), ROWS)
    return packed


def _onednn() -> bool:
    return (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _packed_product(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, add: torch.Tensor | None
) -> torch.Tensor:
    """Torch has no public name for it; what its own compiler calls."""
    product = torch.ops.mkldnn._linear_pointwise
    if add is None:
        y: torch.Tensor = product(x, weight, bias, "none", [], "")
    else:
        y = product.binary(x, add, weight, bias, "add")
    return y
