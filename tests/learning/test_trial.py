"""Models whose layers have classes of their own, and models that cannot classify as configured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from netsim.errors import InputError
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import ModuleSpec


def test_layers_are_known_by_what_they_do(model_folder: Callable[[str], str]) -> None:
    """Falcon's layers are of a class FalconLinear."""
    loaded = load_foundation(model_folder("falcon"), 2)
    layout = layout_of(loaded, ModuleSpec(4, 8, ("query_key_value", "dense"), 0))
    assert layout.lora_size > 0
    assert not layout.transposed


def test_a_layer_that_does_something_else_is_no_target(model_folder: Callable[[str], str]) -> None:
    class Squared(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) ** 2

    loaded = load_foundation(model_folder("falcon"), 2)
    block: Any = loaded.model.transformer.h[0].mlp
    block.dense_h_to_4h = Squared(32, 128)
    layout = layout_of(loaded, ModuleSpec(4, 8, ("dense_h_to_4h",), 0))
    assert not any(".h.0." in name for name in layout.shapes)


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_encoders_with_a_decoder_load(model_folder: Callable[[str], str], kind: str) -> None:
    assert load_foundation(model_folder(kind), 2).classes == 2


def test_models_that_cannot_classify_are_one_clear_error(
    tmp_path: Path, model_folder: Callable[[str], str]
) -> None:
    shutil.copytree(model_folder("bart"), tmp_path / "bart")
    tokenizer = json.loads((tmp_path / "bart" / "tokenizer.json").read_text())
    tokenizer["post_processor"] = None  # it adds no end token
    (tmp_path / "bart" / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(
        InputError, match="the model cannot classify text as it is configured"
    ) as bart:
        load_foundation(str(tmp_path / "bart"), 2)
    shutil.copytree(model_folder("t5"), tmp_path / "t5")
    config = json.loads((tmp_path / "t5" / "config.json").read_text())
    del config["decoder_start_token_id"]
    (tmp_path / "t5" / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        InputError, match="the model cannot classify text as it is configured"
    ) as t5:
        load_foundation(str(tmp_path / "t5"), 2)
    for error in (bart, t5):
        assert len(str(error.value).splitlines()) == 1
