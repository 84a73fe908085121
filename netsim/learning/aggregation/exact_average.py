"""Rules that mend that avg(B) avg(A) is not avg(B A).

dW = sum_k p_k (alpha / r_k) B_k A_k, p_k by samples over what arrived; the head is averaged by
samples in all of them. FFA-LoRA and RoLoRA need none of this: with one factor frozen, the plain
average is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import torch

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.products import (
    AdapterProduct,
    add_products,
    mean_product,
    merge_products,
)
from netsim.learning.aggregation.redistribution import redistribute
from netsim.learning.aggregation.rule import Moment, Partial, Upload


class _AverageWithProducts(Average):
    """The average of the factors, with the products beside it."""

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        new = super().add(None, upload, layout)
        add_products(new, upload, layout)
        return new if partial is None else self.merge(partial, new)

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join two partial sums."""
        averaged = ("sum", "samples", "samples_of_part")
        joined = {name: left[name] + right[name] for name in averaged}
        merge_products(joined, left, right)
        return joined


def _layers(
    new: Vector,
    partial: Partial,
    layout: AdapterLayout,
) -> Iterator[tuple[str, torch.Tensor, torch.Tensor, torch.Tensor]]:
    """(name of A, views of A and B in `new`, dW) of every layer."""
    views = layout.views(torch.from_numpy(new))
    samples = float(partial["samples"][0])
    for a, b in layout.pairs():
        yield a, views[a], views[b], mean_product(partial, a, samples).dense()


class ResidualToBase(_AverageWithProducts):
    """FedEx-LoRA: the factors are averaged, and dW - (alpha / r) avg(B) avg(A) goes to the base.

    R. Singhal, K. Ponkshe, P. Vepakomma, ACL 2025, arXiv:2410.09432.
    """

    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """Base plus adapter is the exact average."""
        new = self.apply(state, partial, layout, rate)
        for name, a, b, exact in _layers(new, partial, layout):
            residual = exact - layout.spec.scale * (b.double() @ a.double())
            moment.add_to_base(name, residual.numpy())
        return new


class Stacking(_AverageWithProducts):
    """FLoRA: dW itself goes to the base, and adapters start anew: A drawn, B zero.

    Z. Wang et al., NeurIPS 2024, arXiv:2409.05976.
    """

    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """The head is averaged."""
        new = self.apply(state, partial, layout, rate)
        draws = moment.stream("restart")
        for name, a, b, exact in _layers(new, partial, layout):
            moment.add_to_base(name, exact.numpy())
            bound = 1 / sqrt(a.shape[1])  # as at the start: initial_weights.py
            a.copy_(torch.from_numpy(draws.uniform(-bound, bound, tuple(a.shape))))
            b.zero_()
        return new


@dataclass
class RefinedAverage(_AverageWithProducts):
    """LoRA-FAIR: A is averaged, and B is averaged and refined so that B A comes near dW.

    J. Bian, L. Wang, L. Zhang, J. Xu, ICCV 2025, arXiv:2411.14961. The correction of avg(B) is the
    least of |dW' - (avg(B) + C) avg(A)|^2 + weight |C|^2, with dW' = dW / (alpha / r). The paper
    measures the distance by a cosine and goes there by gradient steps; the squares are ours, whose
    least is known: C = (dW' - avg(B) avg(A)) avg(A)^T (avg(A) avg(A)^T + weight I)^-1.
    """

    weight: float = 0.01  # lambda

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module."""
        new = super().apply(state, partial, layout, rate)
        for _, a, b, exact in _layers(new, partial, layout):
            mean_a = a.double()
            residual = exact / layout.spec.scale - b.double() @ mean_a
            gram = mean_a @ mean_a.t() + self.weight * torch.eye(len(mean_a), dtype=mean_a.dtype)
            correction = torch.linalg.solve(gram, mean_a @ residual.t()).t()
            b.add_(correction)
        return new


class Reorthogonalised(Average):
    """FedSVD: B is averaged; the SVD of B A gives an A of orthonormal rows, and the rest to B.

    S. Lee et al., NeurIPS 2025, arXiv:2505.12805. The product is as it was.
    """

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module."""
        new = super().apply(state, partial, layout, rate)
        views = layout.views(torch.from_numpy(new))
        scale = layout.spec.scale
        rank = self.kept_rank(layout)
        for name_a, name_b in layout.pairs():
            a, b = views[name_a], views[name_b]
            product = AdapterProduct(scale * b.double(), a.double())
            found_a, found_b = redistribute(product, rank, scale)
            a.zero_()
            b.zero_()
            a[:rank] = found_a
            b[:, :rank] = found_b
        return new

    def kept_rank(self, layout: AdapterLayout) -> int:
        """Rank of the new product: all of it."""
        return layout.spec.rank


@dataclass
class Primed(Reorthogonalised):
    """SLoRA: the averaged product is made anew by its SVD, cut to `rank`; other ranks become 0.

    S. Babakniya et al., 2023, arXiv:2308.06522. A gets the right singular vectors, B the rest.
    """

    rank: int | None = None  # None: the module's own

    def kept_rank(self, layout: AdapterLayout) -> int:
        """Rank of the new product."""
        return self.rank or layout.spec.rank
