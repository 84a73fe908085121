"""Averaging in two tiers: at each gNB in every round, at the core now and then (HierFAVG).

L. Liu, J. Zhang, S. Song, K. B. Letaief, "Client-edge-cloud hierarchical federated learning", IEEE
ICC 2020.
"""

from __future__ import annotations

import numpy as np

from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.rule import Memory, Moment, Partial, Upload


class Hierarchical(Average):
    """w_g <- w_g - rate sum_k D_k u_k / sum_k D_k over the UEs of gNB g, from its own model w_g.

    In a round that merges then w <- sum_g S_g w_g / sum_g S_g, with S_g the samples of all uploads
    that gNB g has averaged since the last merge, and all go on from w. Until then w stays. A gNB
    that has averaged nothing has w, and does not count.
    """

    def __init__(self, *, merge: bool = True) -> None:
        self._merge = merge

    def add(
        self,
        partial: Partial | None,
        upload: Upload,
        layout: AdapterLayout,
    ) -> Partial:
        """Fold in one upload, at its gNB."""
        of_gnb = super().add(None, upload, layout)
        new = {f"{name}.{upload.gnb}": value for name, value in of_gnb.items()}
        return new if partial is None else self.merge(partial, new)

    def merge(
        self,
        left: Partial,
        right: Partial,
    ) -> Partial:
        """Join sums gNB by gNB."""
        joined = dict(left)
        for name, value in right.items():
            joined[name] = joined[name] + value if name in joined else value
        return joined

    def step(
        self,
        state: Vector,
        partial: Partial,
        layout: AdapterLayout,
        rate: float,
        moment: Moment,
    ) -> Vector:
        """Average at the gNBs, whose models are remembered, and merge if it is time."""
        memory = moment.memory
        for gnb in _numbered(partial, "sum"):
            own = _of_gnb(partial, gnb)
            model = self.start(state, memory, gnb)
            memory[f"model.{gnb}"] = self.apply(model, own, layout, rate)
            before = memory.get(f"samples.{gnb}", np.zeros(1))
            memory[f"samples.{gnb}"] = before + own["samples"]
        if not self._merge:
            return state
        merged = _merged(memory)
        memory.clear()
        return merged

    def start(
        self,
        state: Vector,
        memory: Memory,
        gnb: int,
    ) -> Vector:
        """The model of a gNB. [layout.size]."""
        return memory.get(f"model.{gnb}", state)


def _numbered(arrays: Partial, name: str) -> list[int]:
    """Numbers of the gNBs that have an array of this name, ascending."""
    ends = [key.removeprefix(f"{name}.") for key in arrays if key.startswith(f"{name}.")]
    return sorted(int(end) for end in ends)


def _of_gnb(partial: Partial, gnb: int) -> Partial:
    """What one gNB has averaged."""
    end = f".{gnb}"
    return {key.removesuffix(end): value for key, value in partial.items() if key.endswith(end)}


def _merged(memory: Memory) -> Vector:
    """Average of the gNBs' models by their samples."""
    gnbs = _numbered(memory, "model")
    total = sum(float(memory[f"samples.{gnb}"][0]) for gnb in gnbs)
    mean = np.zeros(len(memory[f"model.{gnbs[0]}"]))
    for gnb in gnbs:
        mean += float(memory[f"samples.{gnb}"][0]) / total * memory[f"model.{gnb}"]
    return mean.astype(np.float32)
