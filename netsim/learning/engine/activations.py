"""How much a gradient's activations may take, and what is done where they would take more.

They are estimated from the model's shape and the texts' lengths, never from the machine's free
memory: how texts are divided moves last bits, and those must not depend on the machine.

A ticket whose texts are too much for the limit has them computed in parts, one after another, and
its gradient is the mean of theirs. Where one text alone is too much, only the inputs of layers are
kept, and layers are computed again in the backward pass (T. Chen et al., "Training deep nets with
sublinear memory cost", arXiv:1604.06174, 2016).

Symbols: S texts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from netsim.learning.data.tokens import Texts, runs
from netsim.learning.foundation import Foundation, config_value
from netsim.units import IntArray

LIMIT = 1 << 29  # numbers; 2 GiB in float32
GPU_LIMIT = 1 << 33  # 32 GiB; a chunk there has more tokens (composition.GPU_CHUNK_TOKENS)


@dataclass(frozen=True)
class Activations:
    """Numbers that a model keeps from its forward pass for the backward pass, at most about."""

    per_token: int
    per_pair: int  # of tokens of one text that look at each other
    limit: int

    @classmethod
    def of(
        cls,
        foundation: Foundation,
        times: int = 1,
    ) -> Activations:
        """Of a model: what enters and leaves its matrices, and attention's weights.

        The batched engines keep that much or less, transformers' own modules and autograd up to
        twice as much: `times`.
        """
        config = foundation.model.config
        matrices = 0
        for module in foundation.model.modules():
            if not isinstance(module, torch.nn.Embedding):
                own = module.parameters(recurse=False)
                matrices += sum(sum(weight.shape) for weight in own if weight.dim() == 2)
        layers = int(config_value(config, "num_hidden_layers", 1))
        sharing = layers // int(config_value(config, "num_hidden_groups", layers))  # ALBERT's
        return cls(
            per_token=times * matrices * sharing,
            per_pair=times * layers * int(config_value(config, "num_attention_heads", 1)),
            limit=LIMIT if foundation.device.type == "cpu" else GPU_LIMIT,
        )

    def numbers(self, length: IntArray) -> IntArray:
        """Of texts that have `length` [S] tokens. [S]."""
        found: IntArray = length * (self.per_token + self.per_pair * length)
        return found

    def parts(self, length: IntArray) -> list[tuple[int, int]]:
        """Texts that are computed together: the first, and the one after the last."""
        return list(runs(self.numbers(length), self.limit))

    def exceeded(self, length: IntArray) -> bool:
        """Would texts that are computed together take more than they may?"""
        return bool(self.numbers(length).sum() > self.limit)

    def logits(
        self,
        texts: Texts,
        compute: Callable[[Texts], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """What `compute` makes of texts, [modules, texts, classes], part by part."""
        parts = [compute(texts.part(start, end)) for start, end in self.parts(texts.length)]
        return np.concatenate(parts, axis=1)
