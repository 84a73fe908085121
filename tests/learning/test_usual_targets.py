"""Layers that get an adapter where nobody names any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from netsim.errors import InputError
from netsim.learning.engine.choice import make_engine, slow_because
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import ModuleSpec
from netsim.learning.usual_targets import usual_targets

USUAL = {
    "bert": ("query", "value"),
    "distilbert": ("q_lin", "v_lin"),
    "llama": ("q_proj", "v_proj"),
    "gpt2": ("c_attn",),
    "falcon": ("query_key_value",),
    "t5": ("q", "v"),
    "deberta": ("query_proj", "value_proj"),
}


@pytest.mark.parametrize("kind", USUAL)
def test_a_model_has_the_layers_that_are_usual_for_its_family(
    kind: str, model_folder: Callable[[str], str]
) -> None:
    folder = model_folder(kind)
    assert usual_targets(folder) == USUAL[kind]
    loaded = load_foundation(folder, 2)
    layout = layout_of(loaded, ModuleSpec(2, 4, usual_targets(folder), 0))
    assert layout.lora_size > 0
    engine = make_engine("auto", loaded, [layout], train_head=True)
    said = slow_because(engine, loaded, [layout])
    fast = kind in ("bert", "distilbert", "llama")
    assert (said == "") == fast
    family = loaded.model.config.model_type
    assert fast or f"there is no batched engine for the family {family}" in said


def test_a_family_that_peft_does_not_list(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "novel"}))
    with pytest.raises(InputError, match=r"family 'novel'; name those .*modules\.\*\.target_mod"):
        usual_targets(str(tmp_path))
    assert usual_targets("builtin") == ("query", "value")
