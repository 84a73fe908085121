"""Foundation models: what loads, and what is said about folders that do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from netsim.errors import InputError
from netsim.learning import builtin
from netsim.learning.data.datasets import TextDataset
from netsim.learning.foundation import config_value
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import WEIGHTS, load_foundation
from netsim.learning.payload import foundation_bits, payload_bits
from netsim.learning.spec import ModuleSpec
from netsim.learning.transformers_models import load_with_transformers, with_forward


def test_a_folder_loads_frozen_in_float32(model_folder: Callable[[str], str]) -> None:
    loaded = load_foundation(model_folder("roberta"), 5)
    assert loaded.head == ("classifier",)
    assert loaded.model.config.num_labels == 5
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in loaded.model.parameters())
    assert loaded.max_tokens == 64  # 66 positions, of which RoBERTa leaves two unused
    encoder = sum(p.numel() for p in loaded.model.roberta.parameters())
    assert loaded.bits() == 32 * encoder


def test_missing_weights_are_a_constant_of_the_model(model_folder: Callable[[str], str]) -> None:
    before = torch.random.get_rng_state()
    one, two = (load_foundation(model_folder("bert"), 3).model.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_built_in_model_has_the_sizes_that_ship_with_it() -> None:
    loaded = load_foundation("builtin", 3)
    specs = [
        ModuleSpec(4, 8, ("query", "value"), 0),
        ModuleSpec(8, 16, ("query", "key", "value", "dense"), 0),
        ModuleSpec(2, 4, ("attention.output.dense",), 0),
    ]
    layouts = [layout_of(loaded, spec) for spec in specs]
    for train_head in (True, False):
        real = [layout.payload_bits(train_head, 16) for layout in layouts]
        known = payload_bits(specs, classes=3, train_head=train_head, bits_per_parameter=16)
        assert real == known.tolist()
    assert loaded.bits(16) == foundation_bits(bits_per_parameter=16)


ASKED = (
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "hidden_act",
    "layer_norm_eps",
    "pad_token_id",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "is_decoder",
    "add_cross_attention",
)
"""Values of config.json that somebody reads."""


def test_the_built_in_model_is_what_transformers_loads(
    reviews: TextDataset, passages: TextDataset
) -> None:
    mine = load_foundation("builtin", 3)
    folder = str(builtin.model_folder())
    theirs = load_with_transformers(folder, "builtin", 3, local=True)
    assert (mine.head, mine.max_tokens) == (theirs.head, theirs.max_tokens)
    for name in ASKED:
        asked = [config_value(one.model.config, name) for one in (mine, theirs)]
        assert asked[0] is not None
        assert asked[0] == asked[1]
    assert mine.model.config.num_labels == 3

    shapes = [{n: p.shape for n, p in one.model.named_parameters()} for one in (mine, theirs)]
    assert shapes[0] == shapes[1]
    for name, weight in theirs.model.roberta.named_parameters():
        assert torch.equal(mine.model.roberta.get_parameter(name), weight)
    everything = ModuleSpec(4, 8, ("query", "key", "value", "dense"), 0)
    layouts = [layout_of(one, everything) for one in (mine, theirs)]
    assert list(layouts[0].shapes.items()) == list(layouts[1].shapes.items())

    for data, most in ((reviews.train, 126), (passages.train, 126), (passages.train, 9)):
        tokens, wanted = (one.tokens(data, most).texts(range(60)) for one in (mine, theirs))
        assert np.array_equal(tokens.token, wanted.token)
        assert np.array_equal(tokens.segment, wanted.segment)
        assert np.array_equal(tokens.length, wanted.length)
    assert mine.tokenizer.pad_token_id == theirs.tokenizer.pad_token_id


@pytest.mark.parametrize("weights", ["float32", "bfloat16"])
def test_the_built_in_model_computes_on_its_own_weights(weights: str) -> None:
    """Where transformers computes it, as it would for a module of all weights."""
    loaded = load_foundation("builtin", 3, weights=weights)
    whole = with_forward(loaded)
    own = dict(loaded.model.roberta.named_parameters())
    for name, weight in whole.roberta.named_parameters():
        assert weight.data_ptr() == own[name].data_ptr()
        assert not weight.requires_grad
    assert {weight.dtype for weight in whole.parameters()} == {WEIGHTS[weights]}
    assert whole(torch.tensor([[0, 30, 2]])).logits.shape == (1, 3)


def test_sizes_of_other_models_must_be_given() -> None:
    spec = ModuleSpec(4, 8, ("query",), 0)
    with pytest.raises(InputError, match="payload_bits_override"):
        payload_bits([spec], classes=2, foundation="other/model")
    assert payload_bits([spec], classes=2, foundation="other/model", override=[7.0]).tolist() == [
        7.0
    ]
    with pytest.raises(InputError, match="one value per module"):
        payload_bits([spec], classes=2, override=[1.0, 2.0])
    with pytest.raises(InputError, match="its size"):
        foundation_bits(foundation="other/model")


def broken(folder: Path, case: str) -> str:
    """Break a copy of a good folder; returns what the message must say."""
    weights = folder / "model.safetensors"
    config = json.loads((folder / "config.json").read_text())
    match case:
        case "no config":
            (folder / "config.json").unlink()
            return "must have config.json"
        case "pickled weights":
            weights.rename(folder / "pytorch_model.bin")
            return "pickled weights are not read"
        case "no weights":
            weights.unlink()
            return r"weights as \*\.safetensors"
        case "broken weights":
            weights.write_bytes(b"\x08\0\0\0\0\0\0\0broken")
            return "is no whole safetensors file"
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
            return "must have a tokenizer"
        case "weights missing":
            tensors = load_file(weights)
            save_file(
                {k: v for k, v in tensors.items() if ".layer.1." not in k},
                weights,
                {"format": "pt"},
            )
            return "must hold every weight"
        case "no classifier":
            config["model_type"] = "vit_mae"
            (folder / "config.json").write_text(json.dumps(config))
            return "cannot be loaded"
    raise AssertionError(case)


@pytest.mark.parametrize(
    "case",
    [
        "no config",
        "pickled weights",
        "no weights",
        "broken weights",
        "no tokenizer",
        "weights missing",
        "no classifier",
    ],
)
def test_broken_folders(tmp_path: Path, model_folder: Callable[[str], str], case: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder("roberta"), folder)
    rule = broken(folder, case)
    with pytest.raises(InputError, match=rule) as caught:
        load_foundation(str(folder), 2)
    assert str(folder) in str(caught.value)


def test_names_that_are_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="existing folder"):
        load_foundation("./nowhere", 2)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="--local-dir"):
        load_foundation("owner/some-model-that-is-not-cached", 2)
