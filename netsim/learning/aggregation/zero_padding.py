"""Sparsity-weighted aggregation of different ranks (HetLoRA).

Y. J. Cho et al., "Heterogeneous LoRA for federated fine-tuning of on-device foundation models",
EMNLP 2024.

Uploads are zero-padded to the module's rank and averaged with weights p_k = S_k / sum_j S_j, where
S_k is the Frobenius norm of the UE's own update, all layers together; A and B apart. A rank that
nobody sent becomes zero in A and in B, has no gradient from then on, and never recovers: it is
dead.
"""

from __future__ import annotations

import numpy as np
import torch

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.rule import Partial, Upload


def product_norm_sq(a: torch.Tensor, b: torch.Tensor) -> float:
    """|B A|_F^2 = sum((B^T B) * (A A^T)), without the large product. a [r, in], b [out, r]."""
    a = a.double()
    b = b.double()
    of_b = b.t() @ b
    of_a = a @ a.t()
    return max(float((of_b * of_a).sum()), 0.0)


def sparsity(layout: AdapterLayout, vector: Vector) -> float:
    """S = sqrt(sum over layers |B A|_F^2) of a module's vector [layout.lora_size or more]."""
    views = layout.views(torch.from_numpy(vector))
    norms = [product_norm_sq(views[a], views[b]) for a, b in layout.pairs()]
    return float(sum(norms) ** 0.5)


def dead_ranks(layout: AdapterLayout, vector: Vector) -> int:
    """Number of dead ranks: those whose row of A and column of B are zero in every layer."""
    alive = np.zeros(layout.spec.rank, dtype=np.bool_)
    views = layout.views(torch.from_numpy(vector))
    for a, b in layout.pairs():
        in_a = (views[a] != 0).any(dim=1)
        in_b = (views[b] != 0).any(dim=0)
        alive |= (in_a | in_b).numpy()
    return int((~alive).sum())


class ZeroPadding:
    """HetLoRA's rule. The head, which has no rank, is averaged by samples."""

    retain_uncovered_ranks = False

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload."""
        end = upload.end
        weight = sparsity(layout.at_rank(upload.rank), end)
        padded = layout.pad(end, upload.rank).astype(np.float64)
        padded[: layout.lora_size] *= weight
        padded[layout.lora_size :] *= upload.samples
        new = {
            "sum": padded,
            "weight": np.array([weight]),
            "samples": np.array([float(upload.samples)]),
            "covered": np.array([upload.rank]),
        }
        if partial is None:
            return new
        return self.merge(partial, new)

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join two partial sums."""
        joined = {name: left[name] + right[name] for name in ("sum", "weight", "samples")}
        joined["covered"] = np.maximum(left["covered"], right["covered"])
        return joined

    def apply(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
    ) -> Vector:
        """The new module.

        Where all updates are zero there are no weights, and A and B stay as they are.
        """
        total = partial["sum"]
        lora = layout.lora_size
        new = state.copy()
        if partial["weight"][0] > 0:
            new[:lora] = total[:lora] / partial["weight"]
            if self.retain_uncovered_ranks:
                covered = int(partial["covered"][0])
                self._restore(new, state, layout, covered)
        new[lora : len(total)] = total[lora:] / partial["samples"]
        return new

    @staticmethod
    def _restore(
        new: Vector,
        state: Vector,
        layout: AdapterLayout,
        covered: int,
    ) -> None:
        """Put the ranks from `covered` on back to what they were."""
        target = layout.views(torch.from_numpy(new))
        source = layout.views(torch.from_numpy(state))
        for a, b in layout.pairs():
            target[a][covered:] = source[a][covered:]
            target[b][:, covered:] = source[b][:, covered:]


class RetainingZeroPadding(ZeroPadding):
    """As ZeroPadding, but ranks that no upload covers stay as they were."""

    retain_uncovered_ranks = True
