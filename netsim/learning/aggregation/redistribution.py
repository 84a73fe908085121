"""Aggregation of products: J. Bai et al., "Federated fine-tuning of large language models under
heterogeneous tasks and client resources" (FlexLoRA), 2024, arXiv:2402.11505.

    dW = sum_k p_k (alpha / r_k) B_k A_k,  p_k by samples;    dW = U S V^T
    A = V_r^T,  B = U_r S_r / (alpha / r)

All singular values go into B. The factors of a lower rank are the first rows and columns of those
of a higher one, so a module at its own rank, truncated for each UE, is the redistribution.

dW and its SVD are not formed while the ranks of the participants sum to at most half of the layer's
width: with QR of the stacked factors, dW = L R = Q_L (T_L T_R^T) Q_R^T, an SVD of the small core is
exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from netsim.learning.adapters import Layout, Vector
from netsim.learning.aggregation.rule import Partial, Upload


@dataclass(frozen=True)
class Product:
    """dW [out, in] of one layer: left [out, R] times right [R, in], or whole where R has outgrown
    it.
    """

    left: torch.Tensor
    right: torch.Tensor | None

    @property
    def factored(self) -> bool:
        """The factors are the smaller form: R is at most half of the width."""
        return self.right is not None and 2 * len(self.right) <= min(
            len(self.left), self.right.shape[1]
        )

    def plus(self, other: Product) -> Product:
        """The sum, as factors as long as that is the smaller form."""
        if self.right is None or other.right is None:
            return Product(self.dense() + other.dense(), None)
        joined = Product(
            torch.cat([self.left, other.left], 1), torch.cat([self.right, other.right])
        )
        return joined if joined.factored else Product(joined.dense(), None)

    def dense(self) -> torch.Tensor:
        """dW [out, in]."""
        return self.left if self.right is None else self.left @ self.right


def redistribute(product: Product, rank: int, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    """(A [rank, in], B [out, rank]) with scale B A nearest to dW: its first `rank` singular
    triples.

    In every row of A the entry that is largest in magnitude is positive. Where dW has fewer
    singular values, A goes on with rows orthogonal to the others and B with zeros: such ranks can
    still learn.
    """
    if product.right is None or not product.factored:
        u, s, vh = torch.linalg.svd(product.dense(), full_matrices=False)
    else:
        q_left, t_left = torch.linalg.qr(product.left)
        q_right, t_right = torch.linalg.qr(product.right.t())
        u, s, vh = torch.linalg.svd(t_left @ t_right.t(), full_matrices=False)
        u, vh = q_left @ u, vh @ q_right.t()
    u, s, a = u[:, :rank], s[:rank], vh[:rank]
    largest = a.gather(1, a.abs().argmax(dim=1, keepdim=True))
    sign = torch.where(largest < 0, -1.0, 1.0).to(a.dtype)
    b = u * (s / scale) * sign.t()
    missing = rank - len(a)
    if missing > 0:
        a = torch.cat([a * sign, _completion(a, missing)])
        return a, torch.nn.functional.pad(b, (0, missing))
    return a * sign, b


def _completion(rows: torch.Tensor, count: int) -> torch.Tensor:
    """`count` orthonormal rows orthogonal to `rows` [r, in]; zeros where the space is used up."""
    basis, _ = torch.linalg.qr(rows.t(), mode="complete")
    free = basis.t()[len(rows) : len(rows) + count]
    return torch.nn.functional.pad(free, (0, 0, 0, count - len(free)))


class Redistribution:
    """FlexLoRA's rule. The head, which is no product, is averaged by samples."""

    def add(self, partial: Partial | None, upload: Upload, plan: Layout) -> Partial:
        """Fold in one upload."""
        end, own = upload.end, plan.at_rank(upload.rank)
        views = own.views(torch.from_numpy(end))
        new: Partial = {
            "samples": np.array([float(upload.samples)]),
            "head": upload.samples * end[own.lora_size :].astype(np.float64),
        }
        weight = upload.samples * own.spec.scale
        for a, b in plan.pairs():
            _put(new, a, Product(weight * views[b].double(), views[a].double()))
        return new if partial is None else self.merge(partial, new)

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join two partial sums of products."""
        joined: Partial = {name: left[name] + right[name] for name in ("samples", "head")}
        for key in left:
            name = key.removeprefix(_LEFT)
            if name != key:
                _put(joined, name, _get(left, name).plus(_get(right, name)))
        return joined

    def apply(self, state: Vector, partial: Partial, plan: Layout, rate: float) -> Vector:
        """The new module, at its own rank."""
        new, samples = state.copy(), float(partial["samples"][0])
        views = plan.views(torch.from_numpy(new))
        for a, b in plan.pairs():
            product = _get(partial, a)
            mean = Product(product.left / samples, product.right)
            found_a, found_b = redistribute(mean, plan.spec.rank, plan.spec.scale)
            views[a].copy_(found_a)
            views[b].copy_(found_b)
        head = partial["head"] / samples
        new[plan.lora_size : plan.lora_size + len(head)] = head
        return new


_LEFT, _RIGHT = "left ", "right "


def _put(partial: Partial, name: str, product: Product) -> None:
    partial[_LEFT + name] = product.left.numpy()
    if product.right is not None:
        partial[_RIGHT + name] = product.right.numpy()


def _get(partial: Partial, name: str) -> Product:
    right = partial.get(_RIGHT + name)
    return Product(
        torch.from_numpy(partial[_LEFT + name]), None if right is None else torch.from_numpy(right)
    )
