"""Exported adapters load by PEFT alone, with their base model, and predict as the run measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from netsim.errors import DataError
from netsim.learning.builtin import model_folder
from netsim.reports.adapters import write_adapters
from netsim.results.reader import Run, open_run


def test_an_adapter_loads_with_its_base_model(learned: Path, tmp_path: Path) -> None:
    import torch
    from peft import AutoPeftModelForSequenceClassification
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    written = write_adapters(open_run(learned), tmp_path / "out", model_folder())
    assert [p.name for p in written] == ["module-0", "module-1", "module-2", "module-3"]
    model = AutoPeftModelForSequenceClassification.from_pretrained(written[2], num_labels=2)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "base")
    with torch.no_grad():
        logits = model(**tokenizer(["a fine product"], return_tensors="pt")).logits
    assert logits.shape == (1, 2)
    saved = load_file(learned / "adapters" / "2" / "adapter_model.safetensors")
    state = {name.replace(".default", ""): value for name, value in model.state_dict().items()}
    lora = [name for name in saved if "lora_" in name]
    assert lora
    assert all(torch.equal(saved[name], state[name]) for name in lora)


def test_what_is_no_adapter_is_refused(network_run: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no adapters"):
        write_adapters(network_run(), tmp_path / "out", model_folder())
    folder = tmp_path / "run" / "adapters" / "0"
    folder.mkdir(parents=True)
    for text, rule in (
        ("{", "not JSON"),
        (json.dumps({"r": 4}), "must name base_model"),
    ):
        (folder / "adapter_config.json").write_text(text)
        with pytest.raises(DataError, match=rule):
            write_adapters(Run(tmp_path / "run"), tmp_path / "out", model_folder())
    assert not (tmp_path / "out").exists()
