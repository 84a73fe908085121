"""The frozen foundation model w_0 and its tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from netsim.learning.data.datasets import Split
from netsim.learning.data.tokens import TokenCache

# Positions of these families start after the padding index.
ROBERTA_LIKE = ("roberta", "xlm-roberta", "camembert")


@dataclass(frozen=True)
class Foundation:
    """A sequence-classification model, all of it frozen, without dropout."""

    name: str  # "builtin", a hub name, or the folder's own name: never a path of this machine
    model: Any  # transformers.PreTrainedModel, or a FrozenModel without a forward pass
    tokenizer: Any
    classes: int
    head: tuple[str, ...]  # names of the modules that every adapter brings for itself
    max_tokens: int  # longest text the model takes
    _tokens: dict[tuple[int, int], TokenCache] = field(
        default_factory=dict, repr=False, compare=False
    )

    def tokens(
        self,
        split: Split,
        max_tokens: int,
    ) -> TokenCache:
        """Tokens of a split's rows, kept as long as the model is asked for the same two splits."""
        key = (id(split), max_tokens)  # the cache holds the split, so the number stays its own
        if key not in self._tokens:
            while len(self._tokens) >= 2:
                oldest = next(iter(self._tokens))
                del self._tokens[oldest]
            rows = len(self.model.get_input_embeddings().weight)
            self._tokens[key] = TokenCache(self.tokenizer, split, max_tokens, rows)
        return self._tokens[key]

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def half(self) -> bool:
        """Its weights are stored in bfloat16."""
        return bool(next(self.model.parameters()).dtype == torch.bfloat16)

    @property
    def parameters(self) -> int:
        """Parameters of w_0, without the head."""
        return sum(weight.numel() for weight in self._body())

    def bits(self, bits_per_parameter: float = 32.0) -> float:
        """Size of w_0, bit."""
        return self.parameters * bits_per_parameter

    def norm_sq(self) -> float:
        """|w_0|^2 without the head, in double precision."""
        return float(sum(weight.double().square().sum() for weight in self._body()))

    def _body(self) -> Iterator[Any]:
        """Weights outside the head."""
        head = tuple(f"{name}." for name in self.head)
        for name, weight in self.model.named_parameters():
            if not name.startswith(head):
                yield weight


def config_value(
    config: Any,
    name: str,
    default: Any = None,
) -> Any:
    """A value of a model's config.json by its name in most architectures, or `default`."""
    own_name = config.attribute_map.get(name, name)
    return config.to_dict().get(own_name, default)


def widest_layer(model: Any) -> int:
    """The most numbers that a linear layer of a model gives for a token."""
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    return max((layer.out_features for layer in layers), default=1)


def most_tokens(config: Any, tokenizer: Any) -> int:
    """Longest text that a model of this configuration takes from this tokenizer."""
    positions = config_value(config, "max_position_embeddings")
    limit = int(min(tokenizer.model_max_length, 1 << 30))  # a tokenizer may say infinity
    if positions:
        limit = min(limit, int(min(positions, 1 << 30)))
    if config.model_type in ROBERTA_LIKE:
        limit = min(limit, config.max_position_embeddings - config.pad_token_id - 1)
    return limit
