"""An engine whose frozen weights an aggregation may change.

The foundation model that other runs of this process share stays as it is: the first change makes a
copy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.base_delta import BaseDelta, put_on
from netsim.learning.data.tokens import Texts
from netsim.learning.engine.local_descent import Engine, LocalResult, Start
from netsim.learning.foundation import Foundation
from netsim.learning.spec import LocalTraining
from netsim.units import IntArray


class MovingBase:
    """The Engine of a foundation model with a BaseDelta."""

    def __init__(
        self,
        foundation: Foundation,
        make: Callable[[Foundation], Engine],
        *,
        transposed: bool,
    ) -> None:
        """`make` makes an engine on frozen weights as they are."""
        self.engine = make(foundation)
        self._make = make
        self._transposed = transposed
        self._version = 0
        self._originals: dict[str, torch.Tensor] = {}
        self._loaded = foundation
        self.foundation = foundation  # as it is now

    def use(self, base: BaseDelta) -> None:
        """Compute on these frozen weights from now on."""
        if base.version == self._version:
            return
        if self.foundation is self._loaded:
            own = copy.deepcopy(self._loaded.model)
            self.foundation = replace(self._loaded, model=own)
        put_on(
            self.foundation.model,
            base.deltas,
            self._originals,
            transposed=self._transposed,
        )
        self.engine = self._make(self.foundation)
        self._version = base.version

    def train(
        self,
        starts: Sequence[Start],
        samples: IntArray,
        texts: Texts,
        local: LocalTraining,
    ) -> list[LocalResult]:
        """As Engine."""
        return self.engine.train(starts, samples, texts, local)

    def logits(
        self,
        starts: Sequence[Start],
        texts: Texts,
    ) -> NDArray[np.float32]:
        """As Engine."""
        return self.engine.logits(starts, texts)
