"""The bundled model without transformers, whose import takes longer than all else before round 1.

Weights, layers and configuration under the names that transformers gives them: all that a batched
engine needs. There is no forward pass (transformers_models.with_forward has one). This module, and
it alone in this package, imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import Embedding, LayerNorm, Linear, Module, ModuleDict, ModuleList

BASE = "roberta"
HEAD = "classifier"


class FrozenConfig(SimpleNamespace):
    """Values of config.json, asked for as transformers' configurations are."""

    attribute_map: Mapping[str, str] = {}  # of other names of its values

    def to_dict(self) -> dict[str, Any]:
        """Values by their names."""
        return dict(self.__dict__)


class FrozenModel(Module):
    """Layers of the bundled RoBERTa, in transformers' order, under a head of zeros."""

    base_model_prefix = BASE

    def __init__(self, folder: Path, classes: int) -> None:
        super().__init__()
        fields = json.loads((folder / "config.json").read_text("utf-8"))
        self.config: Any = FrozenConfig(**fields, num_labels=classes)
        with torch.random.fork_rng(devices=[]):  # layers draw numbers, which are replaced
            self.roberta = _encoder(self.config)
            self.classifier = _head(self.config, classes)
        self.roberta.load_state_dict(load_file(folder / "model.safetensors"))
        for weight in self.classifier.parameters():
            torch.nn.init.zeros_(weight)
        self.eval().requires_grad_(False)

    def get_input_embeddings(self) -> Module:
        """The embedding of tokens."""
        return self.get_submodule(f"{BASE}.embeddings.word_embeddings")


def _encoder(config: Any) -> ModuleDict:
    width = config.hidden_size
    embeddings = ModuleDict(
        {
            "word_embeddings": Embedding(config.vocab_size, width),
            "token_type_embeddings": Embedding(config.type_vocab_size, width),
            "LayerNorm": LayerNorm(width),
            "position_embeddings": Embedding(config.max_position_embeddings, width),
        }
    )
    layers = ModuleList(
        _layer(width, config.intermediate_size) for _ in range(config.num_hidden_layers)
    )
    return ModuleDict({"embeddings": embeddings, "encoder": ModuleDict({"layer": layers})})


def _layer(width: int, inner: int) -> ModuleDict:
    attention = {
        "self": ModuleDict({name: Linear(width, width) for name in ("query", "key", "value")}),
        "output": _with_norm(width, width),
    }
    return ModuleDict(
        {
            "attention": ModuleDict(attention),
            "intermediate": ModuleDict({"dense": Linear(width, inner)}),
            "output": _with_norm(inner, width),
        }
    )


def _with_norm(inputs: int, outputs: int) -> ModuleDict:
    return ModuleDict({"dense": Linear(inputs, outputs), "LayerNorm": LayerNorm(outputs)})


def _head(config: Any, classes: int) -> ModuleDict:
    width = config.hidden_size
    return ModuleDict({"dense": Linear(width, width), "out_proj": Linear(width, classes)})


class FrozenTokenizer:
    """The bundled tokenizer, called as those of transformers are."""

    def __init__(self, folder: Path) -> None:
        fields = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.name_or_path = str(folder)
        self.model_max_length: int = fields["model_max_length"]
        self.pad_token: str = fields["pad_token"]
        self.pad_token_id = self._tokenizer.token_to_id(self.pad_token)

    def __call__(
        self,
        first: Sequence[str],
        second: Sequence[str] | None = None,
        *,
        max_length: int,
        **_settings: bool,
    ) -> dict[str, list[list[int]]]:
        """Numbers of the tokens of each text, or pair of texts, cut to `max_length` tokens."""
        self._tokenizer.enable_truncation(max_length)
        texts = first if second is None else list(zip(first, second, strict=True))
        encoded = self._tokenizer.encode_batch(texts)
        return {"input_ids": [one.ids for one in encoded]}
