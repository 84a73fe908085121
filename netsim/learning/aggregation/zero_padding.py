"""Sparsity-weighted aggregation of different ranks: Y. J. Cho et al., "Heterogeneous LoRA for
federated fine-tuning of on-device foundation models", EMNLP 2024.

Uploads are zero-padded to the module's rank and averaged with weights p_k = S_k / sum_j S_j, where
S_k is the Frobenius norm of the UE's own update, all layers together; A and B apart. A rank that
nobody sent becomes zero in A and in B, has no gradient from then on, and never recovers: it is
dead.
"""

from __future__ import annotations

import numpy as np
import torch

from netsim.learning.adapters import Layout, Vector
from netsim.learning.aggregation.rule import Partial, Upload


def product_norm_sq(a: torch.Tensor, b: torch.Tensor) -> float:
    """|B A|_F^2 = sum((B^T B) * (A A^T)), without the large product. a [r, in], b [out, r]."""
    a, b = a.double(), b.double()
    return max(float(((b.t() @ b) * (a @ a.t())).sum()), 0.0)


def sparsity(plan: Layout, vector: Vector) -> float:
    """S = sqrt(sum over layers |B A|_F^2) of a module's vector [plan.lora_size or more]."""
    views = plan.views(torch.from_numpy(vector))
    return float(sum(product_norm_sq(views[a], views[b]) for a, b in plan.pairs()) ** 0.5)


def dead_ranks(plan: Layout, vector: Vector) -> int:
    """Ranks whose row of A and column of B are zero in every layer: they have no gradient any
    more.
    """
    alive = np.zeros(plan.spec.rank, dtype=np.bool_)
    views = plan.views(torch.from_numpy(vector))
    for a, b in plan.pairs():
        alive |= ((views[a] != 0).any(dim=1) | (views[b] != 0).any(dim=0)).numpy()
    return int((~alive).sum())


class ZeroPadding:
    """HetLoRA's rule. The head, which has no rank, is averaged by samples."""

    retain_uncovered_ranks = False

    def add(self, partial: Partial | None, upload: Upload, plan: Layout) -> Partial:
        """Fold in one upload."""
        end = upload.end
        weight = sparsity(plan.at_rank(upload.rank), end)
        padded = plan.pad(end, upload.rank).astype(np.float64)
        padded[: plan.lora_size] *= weight
        padded[plan.lora_size :] *= upload.samples
        new = {
            "sum": padded,
            "weight": np.array([weight]),
            "samples": np.array([float(upload.samples)]),
            "covered": np.array([upload.rank]),
        }
        return new if partial is None else self.merge(partial, new)

    def merge(self, left: Partial, right: Partial) -> Partial:
        """Join two partial sums."""
        joined = {name: left[name] + right[name] for name in ("sum", "weight", "samples")}
        return {**joined, "covered": np.maximum(left["covered"], right["covered"])}

    def apply(self, state: Vector, partial: Partial, plan: Layout, rate: float) -> Vector:
        """The new module. Where all updates are zero there are no weights, and A and B stay as they
        are.
        """
        total, new = partial["sum"], state.copy()
        if partial["weight"][0] > 0:
            new[: plan.lora_size] = total[: plan.lora_size] / partial["weight"]
            if self.retain_uncovered_ranks:
                self._restore(new, state, plan, int(partial["covered"][0]))
        new[plan.lora_size : len(total)] = total[plan.lora_size :] / partial["samples"]
        return new

    @staticmethod
    def _restore(new: Vector, state: Vector, plan: Layout, covered: int) -> None:
        """Put the ranks from `covered` on back to what they were."""
        to, of = plan.views(torch.from_numpy(new)), plan.views(torch.from_numpy(state))
        for a, b in plan.pairs():
            to[a][covered:] = of[a][covered:]
            to[b][:, covered:] = of[b][:, covered:]


class RetainingZeroPadding(ZeroPadding):
    """As ZeroPadding, but ranks that no upload covers stay as they were."""

    retain_uncovered_ranks = True
