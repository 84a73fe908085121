"""A bound on activations: texts in parts, layers computed again, and the same gradients."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.tokens import TokenCache
from netsim.learning.engine.activations import GPU_LIMIT, LIMIT, Activations
from netsim.learning.engine.batching import Batches
from netsim.learning.engine.choice import make_engine
from netsim.learning.engine.local_descent import Engine, Start
from netsim.learning.foundation import Foundation
from netsim.learning.initial_weights import initial_vector
from netsim.learning.learner import FederatedLearner
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import LocalTraining, ModuleSpec

TARGETS = {
    "deberta": ("query_proj", "value_proj"),
    "distilbert": ("q_lin", "lin1"),
    "gpt2": ("c_attn", "c_proj"),
    "falcon": ("query_key_value", "dense"),
    "llama": ("q_proj", "v_proj", "up_proj"),
    "qwen2": ("q_proj", "o_proj", "down_proj"),
    "bart": ("q_proj", "fc1"),
    "t5": ("q", "v"),
}
ENCODER = ("query", "key", "intermediate.dense")
KINDS = [
    ("roberta", "fast"),
    ("distilbert", "fast"),
    ("llama", "fast"),
    ("qwen2", "fast"),
    ("roberta", "generic"),
    ("llama", "generic"),
    ("deberta", "generic"),
    ("gpt2", "generic"),
    ("falcon", "generic"),
    ("bart", "generic"),
    ("t5", "generic"),
]


def made(folder: str, kind: str, wanted: str) -> tuple[Foundation, Engine, Start]:
    """A model, an engine on it, and a module whose B is not zero."""
    foundation = load_foundation(folder, 2)
    layout = layout_of(foundation, ModuleSpec(3, 6, TARGETS.get(kind, ENCODER), 0))
    start = initial_vector(layout, foundation)
    noise = np.random.default_rng(0).normal(0, 0.02, len(start)).astype(np.float32)
    return foundation, make_engine(wanted, foundation, [layout], True), Start(layout, start + noise)


def bounded(engine: Any, limit: int) -> None:
    """Lower an engine's bound."""
    name = "activations" if hasattr(engine, "activations") else "_activations"
    setattr(engine, name, replace(getattr(engine, name), limit=limit))


@pytest.mark.parametrize(("kind", "wanted"), KINDS)
@pytest.mark.parametrize("alone", [False, True])
def test_gradients_are_equal_with_and_without(
    model_folder: Callable[[str], str],
    reviews: TextDataset,
    kind: str,
    wanted: str,
    alone: bool,
) -> None:
    """In parts of about three texts; and `alone`, each text by itself, its layers computed again."""
    foundation, engine, start = made(model_folder(kind), kind, wanted)
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(8))
    samples, training = np.array([8]), LocalTraining(3, 0.05, "sgd")
    (whole,) = engine.train([start], samples, texts, training)
    logits = engine.logits([start], texts)

    numbers = Activations.of(foundation).numbers(texts.length)
    bounded(engine, 1 if alone else int(numbers.sum() // 3))
    (parted,) = engine.train([start], samples, texts, training)
    assert np.abs(parted.update - whole.update).max() < 1e-5 * np.abs(whole.update).max()
    assert not np.array_equal(parted.update, whole.update)  # it did go another way
    assert parted.train_loss == pytest.approx(whole.train_loss, rel=1e-5)
    assert parted.gradient_norm == pytest.approx(whole.gradient_norm, rel=1e-5)
    assert np.abs(engine.logits([start], texts) - logits).max() < 1e-5


class Live(TorchDispatchMode):
    """The most bytes of tensors that operations made and that were alive at once."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes: dict[StorageWeakRef, int] = {}
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = func(*args, **(kwargs or {}))
        for one in tree_leaves(given):
            if isinstance(one, torch.Tensor):
                storage = one.untyped_storage()
                self._bytes[StorageWeakRef(storage)] = storage.nbytes()
        if sum(self._bytes.values()) > self.most:
            self._bytes = {ref: size for ref, size in self._bytes.items() if not ref.expired()}
            self.most = max(self.most, sum(self._bytes.values()))
        return given


@pytest.mark.parametrize(
    ("kind", "wanted"), [("roberta", "fast"), ("llama", "fast"), ("gpt2", "generic")]
)
def test_what_is_kept(
    model_folder: Callable[[str], str],
    reviews: TextDataset,
    kind: str,
    wanted: str,
) -> None:
    """About what is estimated; in parts no more than one of them; less if layers come again."""
    foundation = load_foundation(model_folder(kind), 2)
    deepen(foundation, 12)
    layout = layout_of(foundation, ModuleSpec(2, 4, TARGETS.get(kind, ENCODER), 0))
    start = Start(layout, initial_vector(layout, foundation))
    engine: Any = make_engine(wanted, foundation, [layout], True)
    text = TokenCache(foundation.tokenizer, reviews.train, 60).texts([0] * 4)
    own = Activations.of(foundation, times=1 if wanted == "fast" else 2)
    whole, one = int(own.numbers(text.length).sum()), int(own.numbers(text.length)[0])
    most = {}
    for limit in (whole, one, one - 1):
        bounded(engine, limit)
        with Live() as seen:
            engine.train([start], np.array([4]), text, LocalTraining(1, 0.05, "sgd"))
        most[limit] = seen.most / 4
    assert 0.3 * whole < most[whole] < 1.2 * whole
    assert most[one] < 0.6 * most[whole]
    assert most[one - 1] < 0.8 * most[one]


def deepen(foundation: Foundation, layers: int) -> None:
    """Give a model more layers, copies of its own."""
    body = foundation.model.base_model
    holder = body.encoder if hasattr(body, "encoder") else body
    name = "h" if hasattr(holder, "h") else "layer" if hasattr(holder, "layer") else "layers"
    own = getattr(holder, name)
    copies = [copy.deepcopy(own[number % len(own)]) for number in range(layers)]
    setattr(holder, name, torch.nn.ModuleList(copies))
    foundation.model.config.num_hidden_layers = layers


def test_the_estimate_is_of_the_models_shape(model_folder: Callable[[str], str]) -> None:
    """By hand: 3 layers of 32 numbers, 64 between; attention of 2 heads; the head; no embedding."""
    found = Activations.of(load_foundation(model_folder("roberta"), 2))
    of_layer = 4 * (32 + 32) + 2 * (32 + 64)
    of_head = (32 + 32) + (32 + 2)
    assert found == Activations(3 * of_layer + of_head, 3 * 2, LIMIT)
    assert found.numbers(np.array([1, 10])).tolist() == [
        found.per_token + 6,
        10 * found.per_token + 600,
    ]
    foundation = load_foundation(model_folder("roberta"), 2)
    foundation.model.to("meta")  # any device but the CPU
    assert Activations.of(foundation).limit == GPU_LIMIT


def test_chunks_keep_to_the_bound(learner: Callable[..., FederatedLearner]) -> None:
    """Tickets of a chunk together; one that has more than that is alone."""
    batches: Batches = learner()._batches
    tickets = batches.tickets_of(1, np.arange(12))
    (whole,) = batches.chunks(tickets)
    of_ticket = np.add.reduceat(
        batches.activations.numbers(whole.texts.length), np.cumsum(whole.samples) - whole.samples
    )
    limit = int(2 * np.median(of_ticket))
    fewer = replace(batches, activations=replace(batches.activations, limit=limit))
    sizes = []
    for chunk in fewer.chunks(tickets):
        numbers = int(batches.activations.numbers(chunk.texts.length).sum())
        assert numbers <= limit or len(chunk.ue) == 1
        sizes.append(len(chunk.ue))
    assert sum(sizes) == 12
    assert len(sizes) > 3
    assert max(sizes) > 1
