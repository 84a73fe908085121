"""Pruned neurons: the arithmetic of the smaller model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from netsim.errors import InputError
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.tokens import TokenCache
from netsim.learning.engine.choice import make_engine
from netsim.learning.engine.local_descent import Start
from netsim.learning.engine.pruning import importance_order
from netsim.learning.initial_weights import initial_vector
from netsim.learning.model_layouts import layout_of
from netsim.learning.model_loading import load_foundation
from netsim.learning.spec import LocalTraining, ModuleSpec

SPEC = ModuleSpec(4, 8, ("query", "value"), 0)
SGD = LocalTraining(2, 0.1, "sgd")


def test_importance_is_what_passes_through_a_neuron() -> None:
    up = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]])
    down = torch.tensor([[1.0, 4.0, 1.0]])  # 5 x 1, 1 x 4, 2 x 1
    assert importance_order(up, down).tolist() == [2, 1, 0]


def test_a_pruned_ticket_is_trained_on_the_smaller_model(
    model_folder: Callable[[str], str], reviews: TextDataset
) -> None:
    """Beside a ticket that prunes nothing, and one that prunes less: each as if alone on a model
    whose least neurons are cut out.
    """
    parts = (0.5, 0.0, 0.25)
    foundation = load_foundation(model_folder("roberta"), 2)
    layout = layout_of(foundation, SPEC)
    vector = initial_vector(layout, foundation)
    vector = vector + np.random.default_rng(0).normal(0, 0.05, len(vector)).astype(np.float32)
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(9))
    engine = make_engine("fast", foundation, [layout], True)
    starts = [Start(layout, vector, pruned=part) for part in parts]
    together = engine.train(starts, np.array([3, 3, 3]), texts, SGD)

    for ticket, part in enumerate(parts):
        smaller = load_foundation(model_folder("roberta"), 2)
        for layer in smaller.model.base_model.encoder.layer:
            up, down = layer.intermediate.dense.weight, layer.output.dense.weight
            weight = up.norm(dim=1) * down.norm(dim=0)
            least = torch.argsort(weight)[: int(part * len(weight))]
            with torch.no_grad():
                down[:, least] = 0.0
        alone = make_engine("fast", smaller, [layout], True)
        own = texts.part(3 * ticket, 3 * ticket + 3)
        (expected,) = alone.train([Start(layout, vector)], np.array([3]), own, SGD)
        assert together[ticket].train_loss == pytest.approx(expected.train_loss, rel=1e-5)
        assert np.allclose(together[ticket].update, expected.update, rtol=0, atol=2e-5)
    assert not np.allclose(together[0].update[:50], together[1].update[:50], rtol=0, atol=1e-4)


def test_engines_that_cannot_prune_say_so(
    model_folder: Callable[[str], str], reviews: TextDataset
) -> None:
    foundation = load_foundation(model_folder("roberta"), 2)
    layout = layout_of(foundation, SPEC)
    start = Start(layout, initial_vector(layout, foundation))
    texts = TokenCache(foundation.tokenizer, reviews.train, 60).texts(range(2))
    engine = make_engine("generic", foundation, [layout], True)
    with pytest.raises(InputError, match="neurons can be pruned only of encoders"):
        engine.train([replace(start, pruned=0.5)], np.array([2]), texts, SGD)
