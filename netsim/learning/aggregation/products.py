"""Sums of products B A over uploads, layer by layer, as factors while these are smaller."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.rule import Partial, Upload


@dataclass(frozen=True)
class AdapterProduct:
    """dW [out, in] of one layer: left [out, R] times right [R, in].

    Once R has outgrown the layer's width, `left` is the whole product and `right` is None.
    """

    left: torch.Tensor
    right: torch.Tensor | None

    @property
    def factored(self) -> bool:
        """The factors are the smaller form: R is at most half of the width."""
        if self.right is None:
            return False
        width = min(len(self.left), self.right.shape[1])
        return 2 * len(self.right) <= width

    @property
    def finite(self) -> bool:
        """Are all of its numbers?"""
        factors = (self.left,) if self.right is None else (self.left, self.right)
        return all(bool(factor.isfinite().all()) for factor in factors)

    def plus(self, other: AdapterProduct) -> AdapterProduct:
        """The sum, as factors as long as that is the smaller form."""
        if self.right is None or other.right is None:
            return AdapterProduct(self.dense() + other.dense(), None)
        left = torch.cat([self.left, other.left], 1)
        right = torch.cat([self.right, other.right])
        joined = AdapterProduct(left, right)
        if joined.factored:
            return joined
        return AdapterProduct(joined.dense(), None)

    def dense(self) -> torch.Tensor:
        """dW [out, in]."""
        if self.right is None:
            return self.left
        return self.left @ self.right


def add_products(
    partial: Partial,
    upload: Upload,
    layout: AdapterLayout,
) -> None:
    """Put D_k (alpha / r_k) B_k A_k of one upload into a new partial. `layout`: the module's."""
    own = layout.at_rank(upload.rank)
    views = own.views(torch.from_numpy(upload.end))
    weight = upload.samples * own.spec.scale
    for a, b in layout.pairs():
        product = AdapterProduct(weight * views[b].double(), views[a].double())
        _put(partial, a, product)


def merge_products(
    joined: Partial,
    left: Partial,
    right: Partial,
) -> None:
    """Put the sums of the products of two partials into `joined`."""
    for key in left:
        name = key.removeprefix(_LEFT)
        if name != key:
            total = _get(left, name).plus(_get(right, name))
            _put(joined, name, total)


def mean_product(
    partial: Partial,
    name: str,
    samples: float,
) -> AdapterProduct:
    """sum_k p_k (alpha / r_k) B_k A_k of the layer whose A is called `name`, p_k by samples."""
    product = _get(partial, name)
    return AdapterProduct(product.left / samples, product.right)


_LEFT, _RIGHT = "left ", "right "


def _put(
    partial: Partial,
    name: str,
    product: AdapterProduct,
) -> None:
    partial[_LEFT + name] = product.left.numpy()
    if product.right is not None:
        partial[_RIGHT + name] = product.right.numpy()


def _get(partial: Partial, name: str) -> AdapterProduct:
    left = torch.from_numpy(partial[_LEFT + name])
    right = partial.get(_RIGHT + name)
    if right is None:
        return AdapterProduct(left, None)
    return AdapterProduct(left, torch.from_numpy(right))
