"""Aggregation of products (FlexLoRA).

J. Bai et al., "Federated fine-tuning of large language models under heterogeneous tasks and client
resources", 2024, arXiv:2402.11505:

    dW = sum_k p_k (alpha / r_k) B_k A_k,  p_k by samples;    dW = U S V^T
    A = V_r^T,  B = U_r S_r / (alpha / r)

All singular values go into B. The factors of a lower rank are the first rows and columns of those
of a higher one, so a module at its own rank, truncated for each UE, is the redistribution.

dW and its SVD are not formed while the ranks of the participants sum to at most half of the layer's
width: with QR of the stacked factors, dW = L R = Q_L (T_L T_R^T) Q_R^T, an SVD of the small core is
exact.
"""

from __future__ import annotations

import numpy as np
import torch

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.products import (
    AdapterProduct,
    add_products,
    mean_product,
    merge_products,
)
from netsim.learning.aggregation.rule import Partial, Upload


def redistribute(
    product: AdapterProduct,
    rank: int,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(A [rank, in], B [out, rank]) with scale B A nearest to dW: its first singular triples.

    In every row of A the entry that is largest in magnitude is positive. Where dW has fewer
    singular values, A goes on with rows orthogonal to the others and B with zeros: such ranks can
    still learn. What has diverged has no SVD: all numbers are NaN then.
    """
    if not product.finite:
        width = product.left if product.right is None else product.right
        lost = product.left.new_tensor(torch.nan)
        return lost.expand(rank, width.shape[1]), lost.expand(len(product.left), rank)
    u, s, vh = _singular_triples(product)
    u = u[:, :rank]
    s = s[:rank]
    a = vh[:rank]
    largest = a.gather(1, a.abs().argmax(dim=1, keepdim=True))
    sign = torch.where(largest < 0, -1.0, 1.0).to(a.dtype)
    b = u * (s / scale) * sign.t()
    missing = rank - len(a)
    if missing <= 0:
        return a * sign, b
    completed = torch.cat([a * sign, _completion(a, missing)])
    return completed, torch.nn.functional.pad(b, (0, missing))


def _singular_triples(product: AdapterProduct) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """U, S and V^T of dW."""
    if product.right is None or not product.factored:
        u, s, vh = torch.linalg.svd(product.dense(), full_matrices=False)
        return u, s, vh
    q_left, t_left = torch.linalg.qr(product.left)
    q_right, t_right = torch.linalg.qr(product.right.t())
    u, s, vh = torch.linalg.svd(t_left @ t_right.t(), full_matrices=False)
    return q_left @ u, s, vh @ q_right.t()


def _completion(rows: torch.Tensor, count: int) -> torch.Tensor:
    """`count` orthonormal rows orthogonal to `rows` [r, in]; zeros where the space is used up."""
    basis, _ = torch.linalg.qr(rows.t(), mode="complete")
    first = len(rows)
    free = basis.t()[first : first + count]
    lacking = count - len(free)
    return torch.nn.functional.pad(free, (0, 0, 0, lacking))


class Redistribution:
    """FlexLoRA's rule. The head, which is no product, is averaged by samples."""

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        end = upload.end
        own = layout.at_rank(upload.rank)
        new: Partial = {
            "samples": np.array([float(upload.samples)]),
            "head": upload.samples * end[own.lora_size :].astype(np.float64),
        }
        add_products(new, upload, layout)
        if partial is None:
            return new
        return self.merge(partial, new)

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join two partial sums of products."""
        joined: Partial = {name: left[name] + right[name] for name in ("samples", "head")}
        merge_products(joined, left, right)
        return joined

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module, at its own rank."""
        new = state.copy()
        samples = float(partial["samples"][0])
        views = layout.views(torch.from_numpy(new))
        for a, b in layout.pairs():
            mean = mean_product(partial, a, samples)
            found_a, found_b = redistribute(mean, layout.spec.rank, layout.spec.scale)
            views[a].copy_(found_a)
            views[b].copy_(found_b)
        head = partial["head"] / samples
        end = layout.lora_size + len(head)
        new[layout.lora_size : end] = head
        return new
