"""Frozen linear layers: products of rows with weights that are never trained.

Weights may be stored in bfloat16; all else is computed in float32. On CPUs with AVX-512 (for
bfloat16, with its instructions for it), weights that meet the rows of all tokens are also kept in
oneDNN's own layout, once for each direction. Their products then need not rearrange the weight each
time, and bias is written together with the product (a residual is not: oneDNN's sum takes longer
than one of its own). oneDNN is used however few rows there are, because two ways of computing would
round differently. It prepares once for each number of rows (packing.MULTIPLE).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache

import torch

ROWS = 2048  # that oneDNN's layout is chosen for: about a chunk on a CPU
KERNELS = 128
"""Prepared products that a process keeps, at most: one for each shape and number of rows, with a
buffer as large as its result. A chunk needs fewer. The default of 1024 comes to gigabytes after
some runs.
"""
LEAST_KERNELS = 24  # three numbers of rows, with the eight shapes of an encoder's layer
KERNEL_COLUMNS = 1 << 16  # of all kept products together
# Both oneDNN and torch, above it, keep them. Each reads its limit when it is first used.
_LIMITS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def bound_kernels(columns: int) -> None:
    """Keep so few products that their buffers are small, for a model's widest layer.

    The first call in a process decides, before anything is computed; variables of the environment
    that are there already are left alone.
    """
    kept = min(KERNELS, max(LEAST_KERNELS, KERNEL_COLUMNS // columns))
    for limit in _LIMITS:
        os.environ.setdefault(limit, str(kept))


@dataclass(frozen=True)
class FrozenLinear:
    """y = x weight^T + bias, for a weight [out, in] and a bias [out]."""

    weight: torch.Tensor
    bias: torch.Tensor  # float32
    packed: torch.Tensor | None = None  # oneDNN's weight
    packed_t: torch.Tensor | None = None  # and that of the transpose

    def pack(self, *, back: bool) -> FrozenLinear:
        """The same layer with its weight in oneDNN's layout, where that is used.

        With `back`, the transpose too, which the backward pass needs.
        """
        packed_t = _pack(self.weight.t()) if back else None
        return replace(self, packed=_pack(self.weight), packed_t=packed_t)

    def part(
        self,
        start: int,
        end: int,
    ) -> FrozenLinear:
        """Outputs `start` to `end`, not packed."""
        return FrozenLinear(self.weight[start:end], self.bias[start:end])

    def __call__(
        self,
        x: torch.Tensor,
        add: torch.Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> torch.Tensor:
        """x weight^T + bias (+ add): [rows, in] -> [rows, out].

        `dtype` is float32 or that of the weight: of the result if nothing is added.
        """
        if self.weight.dtype != torch.float32:
            product = self._half(x, self.weight.t(), self.packed, self.bias.to(self.weight.dtype))
            return product.to(dtype) if add is None else torch.add(product, add)
        if self.packed is not None:
            return _packed_product(x, self.packed, self.bias, add)
        weight_t = self.weight.t()
        if add is None:
            return torch.addmm(self.bias, x, weight_t)
        return torch.add(add, self.bias).addmm_(x, weight_t)

    def back(
        self,
        dy: torch.Tensor,
        add: torch.Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> torch.Tensor:
        """Gradient of the input, dy weight (+ add): [rows, out] -> [rows, in].

        `add` may be overwritten; `dtype` as of the product itself.
        """
        if self.weight.dtype != torch.float32:
            product = self._half(dy, self.weight, self.packed_t, None)
            return product.to(dtype) if add is None else add.add_(product)
        if self.packed_t is not None:
            return _packed_product(dy, self.packed_t, None, add)
        if add is None:
            return torch.mm(dy, self.weight)
        return add.addmm_(dy, self.weight)

    def _half(
        self,
        x: torch.Tensor,
        weight_t: torch.Tensor,
        packed: torch.Tensor | None,
        bias: torch.Tensor | None,
    ) -> torch.Tensor:
        """x [rows, a] weight_t [a, b] (+ bias) in the weight's own precision, [rows, b]."""
        half = x.to(self.weight.dtype)
        if packed is not None:
            return _packed_product(half, packed, bias, None)
        if bias is None:
            return torch.mm(half, weight_t)
        return torch.addmm(bias, half, weight_t)


def _pack(weight: torch.Tensor) -> torch.Tensor | None:
    """The weight [out, in] in oneDNN's layout, or None where that is not used."""
    if weight.device.type != "cpu" or not has_onednn():
        return None
    if weight.dtype == torch.bfloat16 and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return None
    bound_kernels(max(weight.shape))
    reorder = torch.ops.mkldnn._reorder_linear_weight
    packed: torch.Tensor = reorder(weight.contiguous(), ROWS)
    return packed


@cache
def has_onednn() -> bool:
    """Has this machine AVX-512, and this torch the product that `_packed_product` calls?"""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    return "mkldnn::_linear_pointwise" in torch._C._dispatch_get_all_op_names()


def _packed_product(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    add: torch.Tensor | None,
) -> torch.Tensor:
    """Torch has no public name for this product; its own compiler calls it like this."""
    product = torch.ops.mkldnn._linear_pointwise
    y: torch.Tensor = product(
        x,
        weight,
        bias,
        "none",
        [],
        "",
    )
    return y if add is None else y.add_(add)
