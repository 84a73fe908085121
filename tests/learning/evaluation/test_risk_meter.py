"""Probes of the risk gap: by hand, against the engine; w*; caching; nothing is changed by
looking.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import RowKeys, ue_test_rows
from netsim.learning.data.tokens import Texts
from netsim.learning.data.worlds import DataSkew, draw_partition
from netsim.learning.engine.local_descent import Start
from netsim.learning.evaluation import risk_meter as risk
from netsim.learning.evaluation.losses import log_softmax
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining
from netsim.protocols import Tickets

Make = Callable[..., FederatedLearner]


def few(learner: Make, reviews: TextDataset, **changes: Any) -> FederatedLearner:
    """Three UEs with 4 samples each."""
    label = reviews.train.label
    held = draw_partition(
        RowKeys(label), DataSkew(label_concentration=1.0), ues=3, samples_per_ue=20, seed=0
    )
    return learner(partition=held, samples=np.full(3, 4), **changes)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long search for w*."""
    monkeypatch.setattr(risk, "MAX_DESCENTS", 2)


def train_all(made: FederatedLearner, round: int, module: int) -> None:
    ue = np.arange(len(made._batches.partition))
    same = np.full_like(ue, module)
    made.redeem(Tickets(round, ue, same, made.versions[same]), "average")


def start(made: FederatedLearner, module: int) -> Start:
    return Start(made._layouts[module], made.states[module])


def loss_of(made: FederatedLearner, module: int, texts: Texts) -> float:
    log_p = log_softmax(made._engine.logits([start(made, module)], texts)[0])
    return float(-np.mean([row[label] for row, label in zip(log_p, texts.label, strict=True)]))


@pytest.mark.usefixtures("brief")
def test_losses_and_gradients_by_hand(learner: Make, reviews: TextDataset) -> None:
    made = few(learner, reviews)
    probe = made.probe()
    assert probe.loss.shape == probe.gradient_norm_sq.shape == (3, 2)
    texts = [made._risk._test_sets.texts(ue) for ue in range(3)]
    assert [len(t) for t in texts] == [100, 100, 100]
    for ue in range(3):
        for module in range(2):
            assert probe.loss[ue, module] == pytest.approx(
                loss_of(made, module, texts[ue]), abs=1e-5
            )
    # all UEs weigh the same, so grad F is the gradient on all their texts together
    rows = [
        ue_test_rows(made._batches.partition, made._risk._test_sets.keys, made._batches.seed, ue)
        for ue in range(3)
    ]
    whole = made._risk._test_sets.tokens.texts(np.concatenate(rows))
    upload = made._engine.train(
        [start(made, 1)], np.array([300]), whole, LocalTraining(1, 1.0, "sgd")
    )[0]
    assert probe.mean_gradient_norm_sq[1] == pytest.approx(upload.gradient_norm**2, rel=1e-3)
    assert (probe.gradient_norm_sq.mean(axis=0) >= probe.mean_gradient_norm_sq).all()


def test_the_optimum_lies_below_every_module(learner: Make, reviews: TextDataset) -> None:
    made = few(learner, reviews)
    for round in (1, 2):
        train_all(made, round, 0)
    probe = made.probe()
    gap = probe.loss - probe.optimum_loss[:, np.newaxis]
    assert gap.min() > -1e-3
    assert (probe.optimum_loss < probe.loss.mean(axis=1)).all()


@pytest.mark.usefixtures("brief")
def test_probing_changes_nothing_and_repeats_nothing(
    learner: Make, reviews: TextDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, plain = few(learner, reviews), few(learner, reviews)
    first = looked.probe()
    assert np.isnan(first.smoothness).all()
    for made in (looked, plain):
        train_all(made, 1, 1)
    second = looked.probe()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(looked.states, plain.states, strict=True))
    assert (second.loss[:, 0] == first.loss[:, 0]).all()  # module 0 did not change
    assert np.isnan(second.smoothness[0])
    assert np.isfinite(second.smoothness[1])
    assert second.smoothness[1] > 0
    monkeypatch.setattr(looked._engine, "train", None)
    assert (looked.probe().loss == second.loss).all()


@pytest.mark.usefixtures("brief")
def test_workers_change_no_bit(learner: Make, reviews: TextDataset) -> None:
    one, two = (few(learner, reviews, workers=n).probe() for n in (1, 2))
    for name in ("loss", "gradient_norm_sq", "mean_gradient_norm_sq", "optimum_loss"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_local_losses_are_those_of_the_rounds_samples(learner: Make, reviews: TextDataset) -> None:
    made = few(learner, reviews)
    measured = made.local_loss(5, np.arange(3))
    assert measured.shape == (3, 2)
    rows = made._batches.partition.round_samples(made._batches.seed, 5, 1, 4)
    losses = [loss_of(made, n, made._batches.tokens.texts(rows)) for n in range(2)]
    assert measured[1] == pytest.approx(np.array(losses), abs=1e-5)
