"""Modules as PEFT knows them: names, start, files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForSequenceClassification

from netsim.errors import InputError, RunError
from netsim.learning.adapter_files import save_module
from netsim.learning.engine.generic import GenericEngine
from netsim.learning.engine.local_descent import Start
from netsim.learning.initial_weights import initial_vector
from netsim.learning.learner import FederatedLearner
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Tickets


@pytest.mark.parametrize("kind", ["roberta", "bert"])
@pytest.mark.parametrize(
    "targets", [("query", "value"), ("key", "dense"), ("layer.1.output.dense", "value")]
)
def test_tensors_have_the_names_and_shapes_of_peft(
    model_folder: Callable[[str], str], kind: str, targets: tuple[str, ...]
) -> None:
    layout = layout_of(load_foundation(model_folder(kind), 2), ModuleSpec(4, 8, targets, 0))
    base = AutoModelForSequenceClassification.from_pretrained(model_folder(kind), num_labels=2)
    config = LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, target_modules=list(targets))
    expected = get_peft_model_state_dict(get_peft_model(base, config))
    assert layout.shapes == {name: tuple(tensor.shape) for name, tensor in expected.items()}
    assert layout.size == sum(tensor.numel() for tensor in expected.values())


def test_the_start_of_a_module(model_folder: Callable[[str], str]) -> None:
    loaded = load_foundation(model_folder("roberta"), 2)
    layout = layout_of(loaded, ModuleSpec(8, 16, ("query", "value"), 3))
    vector = initial_vector(layout, loaded)
    tensors = layout.views(torch.from_numpy(vector))
    a = torch.cat([t.flatten() for name, t in tensors.items() if "lora_A" in name])
    bound = 1 / np.sqrt(32)  # kaiming_uniform_(a=sqrt(5)), which PEFT calls
    assert float(a.abs().max()) <= bound
    assert float(a.var()) == pytest.approx(bound**2 / 3, rel=0.1)
    assert all(
        not t.any() for name, t in tensors.items() if "lora_B" in name or name.endswith("bias")
    )
    head = tensors["base_model.model.classifier.dense.weight"]
    assert float(head.std()) == pytest.approx(0.02, rel=0.15)
    again = initial_vector(layout, loaded)
    other = initial_vector(layout_of(loaded, ModuleSpec(8, 16, ("query", "value"), 4)), loaded)
    assert np.array_equal(vector, again)
    assert not np.isclose(vector, other)[vector != 0].any()


def test_payload_is_what_is_sent(model_folder: Callable[[str], str]) -> None:
    layout = layout_of(
        load_foundation(model_folder("bert"), 3), ModuleSpec(4, 8, ("query", "value"), 0)
    )
    lora = 3 * 2 * 2 * 4 * 32  # layers, layers' targets, A and B, rank, hidden
    sizes = [layout.payload_bits(head, 32) / 32 for head in (True, False)]
    assert sizes == [lora + 3 * 32 + 3, lora]


@pytest.mark.parametrize("kind", ["roberta", "bert"])
def test_peft_loads_what_was_saved(
    learner: Callable[..., FederatedLearner],
    model_folder: Callable[[str], str],
    tmp_path: Path,
    kind: str,
) -> None:
    made = learner(kind)
    made.redeem(Tickets(1, np.array([0, 5]), np.array([0, 1]), np.array([0, 0])), "average")
    made.save(tmp_path)
    texts = made._batches.tokens.texts(range(20))
    token, _, mask = (torch.from_numpy(array) for array in texts.padded(1))
    for module in (0, 1):
        base = AutoModelForSequenceClassification.from_pretrained(model_folder(kind), num_labels=2)
        model = PeftModel.from_pretrained(base, tmp_path / str(module)).eval()
        with torch.no_grad():
            logits = model(input_ids=token, attention_mask=mask).logits.numpy()
        mine = made._engine.logits([Start(made._layouts[module], made.states[module])], texts)[0]
        assert np.abs(logits - mine).max() < 1e-5


@pytest.mark.parametrize(
    ("kind", "targets"), [("deberta", ("query_proj", "value_proj")), ("gpt2", ("c_attn",))]
)
def test_other_architectures_go_through_peft(
    learner: Callable[..., FederatedLearner],
    model_folder: Callable[[str], str],
    tmp_path: Path,
    kind: str,
    targets: tuple[str, ...],
) -> None:
    """No engine of their own: they learn, and PEFT loads what they learned."""
    training = LocalTraining(3, 0.02, "adam")
    made = learner(kind, modules=[ModuleSpec(4, 8, targets, 0)], training=training)
    assert isinstance(made._engine.engine, GenericEngine)
    one, losses = np.zeros(1, dtype=np.int64), []
    for round in range(1, 5):  # on the same samples
        tickets = Tickets(round, one, one, made.versions[one], sampled=one)
        losses.append(float(made.redeem(tickets, "average").train_loss[0]))
    assert losses[-1] < 0.8 * losses[0]
    made.save(tmp_path)
    texts = made._batches.tokens.texts(range(20))
    base = AutoModelForSequenceClassification.from_pretrained(model_folder(kind), num_labels=2)
    base.config.pad_token_id = 1
    model = PeftModel.from_pretrained(base, tmp_path / "0").eval()
    token, _, mask = (torch.from_numpy(array) for array in texts.padded(1))
    with torch.no_grad():
        logits = model(input_ids=token, attention_mask=mask).logits.numpy()
    mine = made._engine.logits([Start(made._layouts[0], made.states[0])], texts)[0]
    assert np.abs(logits - mine).max() < 1e-5


SAVE = """
import sys
from pathlib import Path
from netsim.learning import adapter_files
from netsim.learning.model_layouts import layout_of
from netsim.learning.initial_weights import initial_vector
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import ModuleSpec
loaded = load_foundation(sys.argv[1], 2)
layout = layout_of(loaded, ModuleSpec(4, 8, ("query", "key", "value", "dense"), 0))
adapter_files.save_module(layout, initial_vector(layout, loaded), loaded, Path(sys.argv[2]))
"""


def test_saved_bytes_are_the_same_in_every_process(
    model_folder: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a process need transformers, or torch's compiler, for the built-in model."""
    monkeypatch.setattr(sys, "argv", ["", "builtin", str(tmp_path / "here")])
    exec(SAVE, {})
    # Another order of the hashes of strings, which PEFT's own file would show.
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    slow = "{'transformers', 'peft', 'torch._dynamo'}"
    code = f"{SAVE}\nimport netsim.learning.composition\nassert not {slow} & set(sys.modules)"
    arguments = ["builtin", str(tmp_path / "there")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
    folder = model_folder("roberta")
    monkeypatch.setattr(sys, "argv", ["", folder, str(tmp_path / "other")])
    exec(SAVE, {})
    config = (tmp_path / "other/adapter_config.json").read_text()
    assert folder not in config
    assert peft.__version__ not in config


@pytest.mark.parametrize("taken", ["module", "module/adapter_config.json"])
def test_a_module_that_cannot_be_written_says_so(taken: str, tmp_path: Path) -> None:
    place = tmp_path / taken
    place.parent.mkdir(exist_ok=True)
    if taken == "module":
        place.write_text("a file where its folder should be")
    else:
        place.mkdir()
    loaded = load_foundation("builtin", 2)
    layout = layout_of(loaded, ModuleSpec(4, 8, ("query",), 0))
    vector = initial_vector(layout, loaded)
    with pytest.raises(RunError, match=r"module: cannot be written: [A-Z][a-z ]+$"):
        save_module(layout, vector, loaded, tmp_path / "module")


def test_bad_modules(model_folder: Callable[[str], str]) -> None:
    loaded = load_foundation(model_folder("roberta"), 2)
    with pytest.raises(InputError, match=r"query.*found 'q_proj'"):
        layout_of(loaded, ModuleSpec(4, 8, ("query", "q_proj"), 0))
    for arguments in (
        (-1, 8, ("query",), 0),
        (4, 0, ("query",), 0),
        (4, 8, (), 0),
        (4, 8, ("query",), -1),
    ):
        with pytest.raises(InputError):
            ModuleSpec(*arguments)
