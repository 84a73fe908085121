"""The bundled model: small, loadable, at chance before fine-tuning, and learns both tasks
centrally.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from netsim.learning.builtin import model_folder
from netsim.learning.builtin.pretrain import Recipe, pretrain
from netsim.learning.builtin.shapes import foundation_parameters, lora_parameters
from netsim.learning.builtin.text import CLASSES, DOCUMENT_TASKS
from netsim.learning.composition import build_learner
from netsim.learning.data.datasets import load_builtin
from netsim.learning.data.partition import RowKeys
from netsim.learning.data.worlds import DataSkew, draw_partition
from netsim.learning.engine.choice import make_engine
from netsim.learning.engine.local_descent import Start
from netsim.learning.evaluation.risk_meter import GRADIENT
from netsim.learning.initial_weights import initial_vector
from netsim.learning.learner import FederatedLearner
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Tickets


def test_weights_fit_in_two_mebibytes() -> None:
    files = list(model_folder().glob("*.safetensors"))
    assert sum(f.stat().st_size for f in files) <= 2 * 2**20


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize(
    "targets", [("query", "value"), ("key", "dense"), ("attention.output.dense",)]
)
def test_shapes_are_those_of_peft_by_plain_names(targets: tuple[str, ...], labels: int) -> None:
    """ "dense" must not take the head's dense layer, which is trained whole."""
    base = AutoModelForSequenceClassification.from_pretrained(
        model_folder(), num_labels=labels, dtype=torch.float32
    )
    model = get_peft_model(base, LoraConfig(task_type="SEQ_CLS", r=4, target_modules=list(targets)))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == lora_parameters(4, targets, labels)


@pytest.mark.parametrize(
    ("targets", "head"), [(("query", "value"), True), (("query", "key", "dense"), True)]
)
def test_shapes_are_those_of_peft(targets: tuple[str, ...], head: bool) -> None:
    base = AutoModelForSequenceClassification.from_pretrained(
        model_folder(), num_labels=2, dtype=torch.float32
    )
    assert sum(p.numel() for p in base.roberta.parameters()) == foundation_parameters()
    encoder_only = [f"roberta.*{t}" for t in targets]
    config = LoraConfig(
        task_type="SEQ_CLS", r=8, target_modules="|".join(f"({t})" for t in encoder_only)
    )
    model = get_peft_model(base, config)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == lora_parameters(8, targets, 2, head)


def test_any_text_can_be_tokenised() -> None:
    tokenizer = AutoTokenizer.from_pretrained(model_folder())
    ids = tokenizer("Größe 漢字 \x00 🙂 it 's n't", "second")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert max(ids) < len(tokenizer)
    assert tokenizer.is_fast


def test_tokenizer_settings_are_known_to_every_supported_transformers() -> None:
    """transformers 4 has no class TokenizersBackend, and takes the prefix space from the
    settings.
    """
    settings = json.loads((model_folder() / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert settings["add_prefix_space"] is True


def _central(task: str, train: int) -> FederatedLearner:
    """One UE that holds everything: central training by the project's own engine."""
    data = load_builtin(task, train, 600, seed=0)
    one = draw_partition(
        RowKeys(data.train.label),
        DataSkew(label_concentration=np.inf),
        ues=1,
        samples_per_ue=train,
        seed=0,
        validation_fraction=0.0,
    )
    return build_learner(
        dataset=data,
        partition=one,
        samples=32,
        modules=[ModuleSpec(16, 32.0, ("query", "value"), 0)],
        training=LocalTraining(1, 3e-3, "adam"),
        seed=0,
    )


@pytest.mark.parametrize("task", DOCUMENT_TASKS)
def test_before_fine_tuning_at_chance(task: str) -> None:
    learner = _central(task, 100)
    try:
        assert learner.evaluate()[-1].accuracy == pytest.approx(0.5, abs=0.1)
    finally:
        learner.close()


@pytest.mark.parametrize(
    ("task", "rows", "passes", "rate", "least", "most"),
    [
        ("reviews", 1500, 2, 3e-3, 0.92, 1.0),
        ("passages", 1500, 1, 3e-3, 0.92, 1.0),
        ("grades", 6000, 4, 4e-3, 0.80, 0.90),
    ],
)
def test_central_lora_training_learns_the_task(
    task: str, rows: int, passes: int, rate: float, least: float, most: float
) -> None:
    """Gradients by the fast engine, a fifth of the time of PEFT's, which are equal to them."""
    loaded = load_foundation("builtin", len(CLASSES[task]))
    layout = layout_of(loaded, ModuleSpec(16, 32.0, ("query", "value"), 0))
    engine = make_engine("fast", loaded, [layout], train_head=True)
    module = torch.nn.Parameter(torch.from_numpy(initial_vector(layout, loaded)))
    data = load_builtin(task, rows, 600, seed=0)
    optimizer = torch.optim.Adam([module], lr=rate)
    steps = passes * rows // 32
    for step in range(steps):
        drawn = np.random.default_rng(step).integers(0, rows, 32)
        texts = loaded.tokens(data.train, 126).texts(drawn)
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        start = Start(layout, module.detach().numpy())
        (done,) = engine.train([start], np.array([32]), texts, GRADIENT)
        module.grad = torch.from_numpy(done.update)
        optimizer.step()
    texts = loaded.tokens(data.test, 126).texts(range(600))
    (logits,) = engine.logits([Start(layout, module.detach().numpy())], texts)
    assert least <= (logits.argmax(1) == texts.label).mean() <= most


def test_federated_redeeming_moves_the_bundled_model() -> None:
    learner = _central("reviews", 500)
    try:
        zero = np.zeros(1, dtype=np.int64)
        before = [state.copy() for state in learner.states]
        redeemed = learner.redeem(Tickets(1, zero, zero, zero), "average")
        assert redeemed.gradient_norm[0] > 0
        assert not np.array_equal(before[0], learner.states[0])
    finally:
        learner.close()


def test_the_recipe_reproduces_its_bytes(tmp_path: Path) -> None:
    tiny = Recipe(
        steps=4, plain_steps=2, documents=300, batch=8, hidden=32, inner=64, layers=1, threads=1
    )
    for name in ("a", "b"):
        pretrain(tiny, tmp_path / name)
    for file in ("model.safetensors", "tokenizer.json", "config.json", "shapes.json"):
        first, second = (
            hashlib.sha256((tmp_path / n / file).read_bytes()).hexdigest() for n in ("a", "b")
        )
        assert first == second
