"""The learner: eq. (1) by hand, lazy against eager order, bytes, versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

from netsim.errors import InputError, RunError
from netsim.learning.adapters import Vector
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import RowKeys, ue_test_rows
from netsim.learning.data.tokens import ChunkSize, TokenCache
from netsim.learning.data.worlds import DataSkew, draw_partition
from netsim.learning.engine.local_descent import Start
from netsim.learning.evaluation.losses import evaluate_logits
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Tail, Tickets

ONE = [ModuleSpec(4, 8, ("query", "value"), 0)]
ALL = np.arange(12)


def tickets(round: int, ue: Any, module: Any, version: Any = 0) -> Tickets:
    ue = np.asarray(ue, dtype=np.int64)
    module, version = (
        np.broadcast_to(np.asarray(x, dtype=np.int64), ue.shape) for x in (module, version)
    )
    return Tickets(round, ue, module, version)


def rows_of(made: FederatedLearner, round: int, ue: int) -> np.ndarray:
    return made._batches.partition.round_samples(
        made._batches.seed, round, ue, int(made._batches.samples[ue])
    )


class Peft:
    """The plain loop that users write: one PEFT model, one UE after another, autograd, torch's
    optimisers.
    """

    def __init__(
        self, made: FederatedLearner, folder: str, kind: str, tmp_path: Path, module: int
    ) -> None:
        base = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
        made.save(tmp_path)
        self.model = PeftModel.from_pretrained(
            base, tmp_path / str(module), is_trainable=True
        ).eval()
        self.made, self.layout = made, made._layouts[module]
        named = dict(self.model.named_parameters())
        self.trained = [named[self._name(name)] for name in self.layout.shapes]

    @staticmethod
    def _name(name: str) -> str:
        if "classifier" in name:
            return name.replace("classifier.", "classifier.modules_to_save.default.")
        return name.replace(".weight", ".default.weight")

    def vector(self) -> np.ndarray:
        return torch.cat([p.detach().flatten() for p in self.trained]).double().numpy()

    def load(self, vector: np.ndarray) -> None:
        with torch.no_grad():
            views = self.layout.views(torch.from_numpy(vector)).values()
            for parameter, view in zip(self.trained, views, strict=True):
                parameter.copy_(view)

    def loss(self, rows: np.ndarray) -> torch.Tensor:
        texts = self.made._batches.tokens.texts(rows)
        token, segment, mask = (torch.from_numpy(array) for array in texts.padded(1))
        logits = self.model(input_ids=token, token_type_ids=segment, attention_mask=mask).logits
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(texts.label))


def test_one_step_is_centralised_gradient_descent(
    learner: Callable[..., FederatedLearner], model_folder: Callable[[str], str], tmp_path: Path
) -> None:
    made = learner(modules=ONE, training=LocalTraining(1, 0.3, "sgd"))
    central = Peft(made, model_folder("roberta"), "roberta", tmp_path, 0)
    optimizer = torch.optim.SGD(central.trained, lr=0.3)
    for round in (1, 2, 3):
        redeemed = made.redeem(tickets(round, ALL, 0, round - 1), "average")
        optimizer.zero_grad()
        loss = central.loss(np.concatenate([rows_of(made, round, ue) for ue in ALL]))
        loss.backward()
        optimizer.step()
        weight = made._batches.samples / made._batches.samples.sum()
        assert float(redeemed.train_loss @ weight) == pytest.approx(float(loss.detach()), abs=1e-6)
        assert np.abs(made.states[0] - central.vector()).max() < 1e-6


@pytest.mark.parametrize("kind", ["roberta", "bert"])
@pytest.mark.parametrize(("rate", "optimizer"), [(0.3, "sgd"), (1e-3, "adam")])
def test_lazy_order_gives_what_an_eager_order_gives(
    learner: Callable[..., FederatedLearner],
    model_folder: Callable[[str], str],
    passages: TextDataset,
    tmp_path: Path,
    kind: str,
    rate: float,
    optimizer: str,
) -> None:
    """All tickets in one call at the close of the round; or each UE when it computes, then the
    average.
    """
    made = learner(kind, dataset=passages, modules=ONE, training=LocalTraining(3, rate, optimizer))
    eager = Peft(made, model_folder(kind), kind, tmp_path, 0)
    ues = np.array([1, 2, 5, 6, 7, 10])
    start = made.states[0].copy()
    total = np.zeros(len(start))
    for ue in ues:
        eager.load(start)
        make = torch.optim.SGD if optimizer == "sgd" else torch.optim.Adam
        step = make(eager.trained, lr=rate)
        for _ in range(3):
            step.zero_grad()
            eager.loss(rows_of(made, 1, ue)).backward()
            step.step()
        total += made._batches.samples[ue] * (start - eager.vector())
    expected = start - total / made._batches.samples[ues].sum()
    made.redeem(tickets(1, ues, 0), "average")
    change = np.abs(expected - start).max()
    difference = np.abs(made.states[0] - expected) / change
    # Adam divides by the root of the gradient's square: where that is tiny, rounding decides the
    # step.
    assert difference.max() < (1e-4 if optimizer == "sgd" else 1e-2)
    assert difference.mean() < 1e-5


def test_losses_and_norms_are_those_of_each_ticket(
    learner: Callable[..., FederatedLearner], model_folder: Callable[[str], str], tmp_path: Path
) -> None:
    made = learner()
    plain = Peft(made, model_folder("roberta"), "roberta", tmp_path, 1)
    redeemed = made.redeem(tickets(1, ALL, ALL % 2), "average")
    for ue in (1, 5):
        loss = plain.loss(rows_of(made, 1, ue))
        gradient = torch.autograd.grad(loss, plain.trained)
        norm = float(torch.cat([g.flatten() for g in gradient]).norm())
        assert redeemed.train_loss[ue] == pytest.approx(float(loss.detach()), rel=1e-5)
        assert redeemed.gradient_norm[ue] == pytest.approx(norm, rel=1e-5)


def test_a_module_without_tickets_keeps_its_bits(learner: Callable[..., FederatedLearner]) -> None:
    made = learner()
    before = [state.copy() for state in made.states]
    redeemed = made.redeem(tickets(1, [], []), "average")
    assert len(redeemed.train_loss) == len(redeemed.gradient_norm) == 0
    made.redeem(tickets(2, [0, 3], 1), "average")
    assert made.states[0].tobytes() == before[0].tobytes()
    assert made.states[1].tobytes() != before[1].tobytes()
    assert made.versions.tolist() == [0, 2]


def test_a_frozen_head_stays(learner: Callable[..., FederatedLearner]) -> None:
    made = learner(train_head=False)
    size = made._layouts[0].lora_size
    before = made.states[0].copy()
    made.redeem(tickets(1, ALL, 0), "average")
    assert (made.states[0][size:] == before[size:]).all()
    assert (made.states[0][:size] != before[:size]).any()
    assert made.payload_bits()[0] == size * 32


def run(made: FederatedLearner, rounds: int = 2) -> tuple[list[Vector], list[Any]]:
    rows: list[Any] = []
    for round in range(1, rounds + 1):
        module = (ALL + round) % 2
        redeemed = made.redeem(tickets(round, ALL, module, made.versions[module]), "average")
        rows.append(
            (redeemed.train_loss.tobytes(), redeemed.gradient_norm.tobytes(), made.evaluate())
        )
    return made.states, rows


@pytest.mark.parametrize("engine", ["fast", "generic"])
def test_bytes_do_not_depend_on_workers(
    learner: Callable[..., FederatedLearner], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(
        "netsim.learning.composition.CHUNK_TOKENS", 128
    )  # several chunks of so few texts
    training = LocalTraining(2, 1e-3, "adam")
    results = [run(learner(workers=count, engine=engine, training=training)) for count in (1, 2, 3)]
    for states, rows in results[1:]:
        assert [s.tobytes() for s in states] == [s.tobytes() for s in results[0][0]]
        assert rows == results[0][1]
    other = run(learner(seed=1, engine=engine, training=training))
    assert other[1] != results[0][1]


def test_wide_models_are_computed_in_smaller_chunks(
    learner: Callable[..., FederatedLearner], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = learner()
    layers = [m for m in made._foundation.model.modules() if isinstance(m, torch.nn.Linear)]
    widest = max(layer.out_features for layer in layers)
    assert made._batches.chunk == ChunkSize(aim=2048, whole=1024)
    monkeypatch.setattr("netsim.learning.composition.CHUNK_NUMBERS", 100 * widest)
    assert learner()._batches.chunk == ChunkSize(aim=100, whole=50)


def test_threads_of_the_caller_change_nothing(learner: Callable[..., FederatedLearner]) -> None:
    states, threads = [], torch.get_num_threads()
    for count in (1, 2):
        torch.set_num_threads(count)
        states.append(run(learner(), 1)[0])
        assert torch.get_num_threads() == count
    torch.set_num_threads(threads)
    assert [s.tobytes() for s in states[0]] == [s.tobytes() for s in states[1]]


def test_evaluation_of_all_modules(learner: Callable[..., FederatedLearner]) -> None:
    made = learner()
    rows = made.evaluate()
    assert [row.target for row in rows] == ["0", "1", "ensemble"]
    assert all(row.samples == 80 and row.split == "test" and row.ue is None for row in rows)
    assert rows[2].loss == pytest.approx((rows[0].loss + rows[1].loss) / 2)
    made.redeem(tickets(1, ALL, 1), "average")
    after = made.evaluate()
    assert after[0] == rows[0]
    assert after[1].loss != rows[1].loss


def test_evaluation_in_full(learner: Callable[..., FederatedLearner], reviews: TextDataset) -> None:
    """The risk of each UE on its own rows, from the same logits; its best module by validation
    rows.
    """
    made, plain = learner(evaluate_in_full=True), learner()
    for one in (made, plain):
        one.redeem(tickets(1, ALL, 1), "average")
    rows = made.evaluate()
    assert [
        row for row in rows if row.ue is None and row.target != "averaged_logits"
    ] == plain.evaluate()
    assert [row.ue for row in rows if row.target == "best"] == ALL.tolist()
    batches = made._batches
    starts = [
        Start(layout, state) for layout, state in zip(made._layouts, made.states, strict=True)
    ]
    own = ue_test_rows(batches.partition, RowKeys(reviews.test.label), 0, 7)
    texts = TokenCache(made._foundation.tokenizer, reviews.test, 64).texts(own)
    expected = evaluate_logits(list(made._engine.logits(starts, texts)), texts.label, split="test")
    mine = [row for row in rows if row.ue == 7]
    for row, other in zip(mine, expected, strict=False):
        assert (row.target, row.accuracy) == (other.target, other.accuracy)
        assert row.loss == pytest.approx(other.loss, rel=1e-5)
    held = np.intersect1d(made._scorer._splits["validation"].row, batches.partition.validation)
    assert len(held) == len(made._scorer._splits["validation"].row) > 0
    label = reviews.train.label
    empty = draw_partition(
        RowKeys(label),
        DataSkew(label_concentration=1.0),
        ues=12,
        samples_per_ue=20,
        seed=0,
        validation_fraction=0,
    )
    with pytest.raises(InputError, match="validation rows"):
        learner(evaluate_in_full=True, partition=empty)


def test_evaluation_on_validation_rows(
    learner: Callable[..., FederatedLearner], reviews: TextDataset
) -> None:
    """Rows that no UE trains on, and none of the test split."""
    made = learner(evaluate_on="validation")
    rows = made.evaluate()
    assert {(row.target, row.split, row.ue) for row in rows} == {
        (target, "validation", None) for target in ("0", "1", "ensemble")
    }
    batches = made._batches
    texts = TokenCache(made._foundation.tokenizer, reviews.train, 64).texts(
        batches.partition.validation
    )
    starts = [
        Start(layout, state) for layout, state in zip(made._layouts, made.states, strict=True)
    ]
    expected = evaluate_logits(
        list(made._engine.logits(starts, texts)), texts.label, split="validation"
    )
    assert [(row.accuracy, row.samples) for row in rows] == [
        (row.accuracy, row.samples) for row in expected
    ]
    assert [row.loss for row in rows] == pytest.approx([row.loss for row in expected], rel=1e-5)
    made.redeem(tickets(1, ALL, 1), "average")
    assert made.evaluate()[0] == rows[0]
    assert made.evaluate()[1].loss != rows[1].loss
    empty = draw_partition(
        RowKeys(reviews.train.label),
        DataSkew(label_concentration=1.0),
        ues=12,
        samples_per_ue=20,
        seed=0,
        validation_fraction=0,
    )
    with pytest.raises(InputError, match="validation rows"):
        learner(evaluate_on="validation", partition=empty)


def test_tickets_that_cannot_be_redeemed(learner: Callable[..., FederatedLearner]) -> None:
    made = learner()
    made.redeem(tickets(1, [0], 0), "average")
    with pytest.raises(
        RunError, match=r"UE 4 starts from version 0 of module 0.*current version is 1"
    ):
        made.redeem(tickets(2, [4], 0, 0), "average")
    with pytest.raises(RunError, match="ue must be below 12"):
        made.redeem(tickets(2, [12], 0, 1), "average")
    with pytest.raises(InputError, match="aggregation"):
        made.redeem(tickets(2, [1], 0, 1), "mode")


def test_divergence_is_said(learner: Callable[..., FederatedLearner]) -> None:
    made = learner(training=LocalTraining(3, 1e30, "sgd"))
    with pytest.raises(RunError, match="diverged"):
        made.redeem(tickets(1, ALL, 0), "average")


def test_bad_arguments(learner: Callable[..., FederatedLearner]) -> None:
    for changes in (
        {"modules": []},
        {"workers": 0},
        {"samples": 0},
        {"max_tokens": 1},
        {"engine": "warp"},
        {"weights": "int8"},
        {"device": "tpu"},
    ):
        with pytest.raises(InputError):
            learner(**changes)
    for arguments in ((-1.0,), (float("nan"),), (0.1, 1.0), (0.1, 0.0), (0.1, 0.5, False, 0)):
        with pytest.raises(InputError):
            Tail(*arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there(learner: Callable[..., FederatedLearner]) -> None:
    with pytest.raises(InputError, match="CUDA"):
        learner(device="cuda")
    assert learner(device="auto")._foundation.device.type == "cpu"


def test_merging_the_averages_of_gnbs_is_one_global_average(
    learner: Callable[..., FederatedLearner],
) -> None:
    """Each gNB averages its UEs by samples, the core the gNBs by theirs: the same as all at
    once.
    """
    moved, weights = [], []
    for ues in (np.array([0, 2, 5]), np.array([1, 3, 4, 6]), np.arange(7, 12)):
        alone = learner(modules=ONE)
        start = alone.states[0].copy()
        alone.redeem(tickets(1, ues, 0), "average")
        moved.append(alone.states[0] - start)
        weights.append(alone._batches.samples[ues].sum())
    together = learner(modules=ONE)
    together.redeem(tickets(1, ALL, 0), "average")
    merged = start + np.average(moved, axis=0, weights=weights)
    assert (
        np.abs(together.states[0] - merged).max()
        < 1e-6 * np.abs(together.states[0] - start).max() + 1e-7
    )
    assert np.abs(moved[0] - moved[1]).max() > 1e-4  # the gNBs did not happen to agree
