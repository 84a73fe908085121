"""What schemes may ask of the learner: lower ranks, uploads made early, older versions, full
models, a stop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from netsim.errors import InputError, RunError
from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.named_rules import BUILT_IN
from netsim.learning.aggregation.rule import Partial, Upload
from netsim.learning.data.datasets import TextDataset
from netsim.learning.data.partition import RowKeys
from netsim.learning.data.worlds import DataSkew, draw_partition
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Tail, Tickets

Make = Callable[..., FederatedLearner]
ALL = np.arange(12)
NONE = np.zeros(12, dtype=np.int64)
FULL = [ModuleSpec(0, 1, ("query",), 0)]


def same(value: int, count: int = 12) -> np.ndarray:
    return np.full(count, value)


class Collect:
    """A rule that remembers every upload and leaves the module as it is."""

    seen: list[Upload] = []  # noqa: RUF012

    def add(self, partial: Partial | None, upload: Upload, layout: AdapterLayout) -> Partial:
        self.seen.append(upload)
        return {"count": np.ones(1) + (partial["count"] if partial else 0)}

    def merge(self, left: Partial, right: Partial) -> Partial:
        return {"count": left["count"] + right["count"]}

    def apply(self, state: Any, partial: Partial, layout: AdapterLayout, rate: float) -> Any:
        return state.copy()


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[Upload]:
    seen: list[Upload] = []
    monkeypatch.setattr(Collect, "seen", seen)
    monkeypatch.setitem(BUILT_IN, "collect", Collect)
    return seen


def test_cutting_and_padding(learner: Make) -> None:
    layout = learner()._layouts[0]
    vector = np.arange(layout.size, dtype=np.float32)
    small = layout.at_rank(3)
    cut, whole = (
        small.views(torch.from_numpy(layout.truncate(vector, 3))),
        layout.views(torch.from_numpy(vector)),
    )
    for a, b in layout.pairs():
        assert torch.equal(cut[a], whole[a][:3])
        assert torch.equal(cut[b], whole[b][:, :3])
    assert torch.equal(
        cut["base_model.model.classifier.out_proj.bias"],
        whole["base_model.model.classifier.out_proj.bias"],
    )
    assert small.spec.scale == layout.spec.scale
    padded = layout.pad(layout.truncate(vector, 3), 3)
    kept = padded != 0
    assert (padded[kept] == vector[kept]).all()
    assert kept.sum() == small.size - 1  # the number at index 0 is itself zero
    body = vector[: layout.lora_size]
    assert len(layout.truncate(body, 3)) == small.lora_size
    assert len(layout.pad(layout.truncate(body, 3), 3)) == layout.lora_size
    with pytest.raises(InputError, match=r"from 1 to the module's own, 4.*found 5"):
        layout.at_rank(5)


@pytest.mark.parametrize("engine", ["fast", "generic"])
def test_a_lower_rank_is_the_module_of_that_rank(
    learner: Make, uploads: list[Upload], engine: str
) -> None:
    """UE k trains the truncated module as if it were a module of its own, and pays for what it
    sends.
    """
    training = LocalTraining(3, 0.05, "sgd")
    made = learner(engine=engine, training=training)
    rank = np.where(ALL % 2 == 0, 4, 2)
    redeemed = made.redeem(Tickets(1, ALL, NONE, NONE, rank=rank), "collect")
    assert redeemed.rank.tolist() == rank.tolist()
    assert redeemed.payload_bits.tolist() == made.payload_bits_of(NONE, rank).tolist()
    assert redeemed.payload_bits[1] < redeemed.payload_bits[0] == made.payload_bits()[0]
    assert [len(one.update) * 32 for one in uploads] == redeemed.payload_bits.tolist()
    small = learner(
        engine=engine, training=training, modules=[ModuleSpec(2, 4, ("query", "value"), 0)]
    )
    layout = made._layouts[0]
    small.states[0] = layout.truncate(made.states[0], 2)
    mixed = [one for one in uploads if one.rank == 2]
    uploads.clear()
    small.redeem(Tickets(1, ALL, NONE, NONE), "collect")
    for one, other in zip(mixed, uploads[1::2], strict=True):
        assert np.abs(one.update - other.update).max() < 1e-5 * np.abs(other.update).max()
        assert np.array_equal(one.start, other.start)
    with pytest.raises(RunError, match=r"rank must be from 1 to its module's own .found 0."):
        made.redeem(Tickets(2, ALL, NONE, NONE, rank=NONE), "average")


@pytest.mark.parametrize("engine", ["fast", "generic"])
def test_the_tail_reaches_the_gradient(learner: Make, uploads: list[Upload], engine: str) -> None:
    """One step with the penalty moves A and B by its autograd gradient more than one without."""
    started = []
    for tail in (None, Tail(0.7, kept=0.5)):
        made = learner(engine=engine, training=LocalTraining(1, 0.1, "sgd", tail=tail))
        made.states[0] += (
            np.random.default_rng(0).normal(0, 0.1, len(made.states[0])).astype(np.float32)
        )
        started.append(made.redeem(Tickets(1, ALL[:1], NONE[:1], NONE[:1]), "collect"))
    without, with_tail = (torch.from_numpy(one.update) for one in uploads)
    vector = torch.from_numpy(made.states[0].copy()).requires_grad_()
    views = made._layouts[0].views(vector)
    penalty = sum(views[b][:, 2:].norm() * views[a][2:].norm() for a, b in made._layouts[0].pairs())
    (expected,) = torch.autograd.grad(0.7 * penalty, vector)
    assert float(expected.abs().max()) > 0.1
    assert torch.allclose(with_tail - without, expected, atol=1e-5)
    assert started[0].train_loss == started[1].train_loss


def test_a_zero_tail_has_a_gradient_of_zero(learner: Make) -> None:
    """B starts at 0, where the norm has no derivative."""
    made = learner(training=LocalTraining(2, 0.1, "sgd", tail=Tail(1.0)))
    made.redeem(Tickets(1, ALL, NONE, NONE), "average")
    assert np.isfinite(made.states[0]).all()


def test_a_tail_that_fell_is_pruned(learner: Make, uploads: list[Upload]) -> None:
    tail = Tail(50.0, kept=0.75, prune=True)
    made = learner(training=LocalTraining(2, 0.01, "sgd", tail=tail))
    layout = made._layouts[0]
    made.states[0] += np.random.default_rng(0).normal(0, 0.1, layout.size).astype(np.float32)
    pressed = made.redeem(Tickets(1, ALL[:2], NONE[:2], NONE[:2]), "collect")
    assert pressed.rank.tolist() == [3, 3]  # floor(0.75 * 4)
    assert len(uploads[0].update) == layout.at_rank(3).size
    assert pressed.payload_bits.tolist() == [layout.at_rank(3).size * 32] * 2
    free = learner(training=LocalTraining(2, 0.01, "sgd", tail=Tail(0.0, kept=0.75, prune=True)))
    assert free.redeem(Tickets(1, ALL[:2], NONE[:2], NONE[:2]), "collect").rank.tolist() == [
        4,
        4,
    ]  # B grew
    assert [Tail(1, 0.5, least_rank=3).pruned(r) for r in (2, 4, 8)] == [2, 3, 4]


def test_uploads_made_early_are_those_made_late(learner: Make) -> None:
    late, early = learner(), learner()
    arrived = np.array([0, 3, 4, 9])
    first = early.compute(Tickets(1, ALL, NONE, NONE))
    before = early.states[0].copy()
    assert np.array_equal(before, late.states[0])
    mine = early.redeem(Tickets(1, arrived, NONE[:4], NONE[:4]), "average")
    theirs = late.redeem(Tickets(1, arrived, NONE[:4], NONE[:4]), "average")
    assert np.abs(early.states[0] - late.states[0]).max() < 1e-6
    assert np.allclose(mine.train_loss, theirs.train_loss, rtol=1e-5)
    assert np.array_equal(mine.train_loss, first.train_loss[arrived])
    assert not early.held  # what did not arrive is forgotten


def test_stale_tickets_start_where_they_did(learner: Make, uploads: list[Upload]) -> None:
    """A UE that computed in round 1 and arrives in round 3 sends what it made of version 0."""
    on_time, stale = learner(), learner()
    two = Tickets(3, np.array([5, 7]), NONE[:2], NONE[:2], sampled=same(1, 2), staleness=same(2, 2))
    on_time.redeem(Tickets(1, np.array([5, 7]), NONE[:2], NONE[:2]), "collect")
    for round, version in ((1, 0), (2, 1)):
        tickets = Tickets(round, np.array([1, 2]), NONE[:2], same(version, 2))
        stale.redeem(tickets, "average", in_flight=two)
        assert list(stale._modules.old) == [(0, 0)]
    stale.redeem(two, "collect")
    for mine, theirs in zip(uploads[2:], uploads[:2], strict=True):
        assert (mine.staleness, theirs.staleness) == (2, 0)
        assert np.array_equal(mine.start, theirs.start)
        assert np.abs(mine.update - theirs.update).max() < 1e-5 * np.abs(theirs.update).max()
    assert not stale._modules.old
    with pytest.raises(RunError, match="version 0 of module 0, which is not kept"):
        stale.redeem(two, "average")


def test_a_stopped_learner_goes_on_to_the_same_bytes(
    learner: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped with an older version and an early upload in flight, and after a probe of the
    risk.
    """
    monkeypatch.setattr("netsim.learning.evaluation.risk_meter.MAX_DESCENTS", 1)
    monkeypatch.setattr("netsim.learning.evaluation.risk_meter.LOOK", 2)
    flight = Tickets(4, np.array([6, 8]), NONE[:2], np.array([0, 1]), sampled=np.array([1, 2]))

    def rest(made: FederatedLearner) -> list[Any]:
        rows = [made.redeem(Tickets(3, ALL, same(1), same(2)), "average", flight)]
        rows.append(made.redeem(flight, "average"))
        probe = made.probe()
        return [
            *(one.train_loss.tobytes() for one in rows),
            probe.smoothness.tobytes(),
            probe.loss.tobytes(),
            made.evaluate(),
            *(state.tobytes() for state in made.states),
        ]

    whole = few_ues(learner)
    whole.redeem(Tickets(1, ALL, NONE, NONE), "average", flight)
    whole.compute(Tickets(2, np.array([8]), NONE[:1], same(1, 1)))
    whole.redeem(Tickets(2, ALL, same(1), NONE), "average", flight)
    whole.probe()
    whole.save_state(tmp_path)
    assert len(whole.held) == len(whole._modules.old) == 1
    expected = rest(whole)
    resumed = few_ues(learner)
    resumed.load_state(tmp_path)
    assert rest(resumed) == expected
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors", ".json"}


def few_ues(learner: Make) -> FederatedLearner:
    return learner(samples=np.full(12, 2), training=LocalTraining(1, 0.1, "sgd"))


def test_states_that_do_not_fit(learner: Make, tmp_path: Path) -> None:
    made = learner()
    with pytest.raises(InputError, match="saved state cannot be read"):
        made.load_state(tmp_path)
    made.save_state(tmp_path)
    other = learner(modules=[ModuleSpec(2, 4, ("query",), 0)] * 2)
    with pytest.raises(InputError, match="sizes of the scenario's"):
        other.load_state(tmp_path)
    file = tmp_path / "learner.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="saved state cannot be read"):
        made.load_state(tmp_path)


def test_full_training_is_gradient_descent_on_every_weight(
    learner: Make, model_folder: Callable[[str], str], tmp_path: Path
) -> None:
    made = learner(modules=FULL, training=LocalTraining(1, 0.1, "sgd"))
    made.save(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "0").eval()
    before = AutoModelForSequenceClassification.from_pretrained(
        model_folder("roberta"), num_labels=2
    )
    assert torch.equal(
        model.roberta.encoder.layer[1].output.dense.weight,
        before.roberta.encoder.layer[1].output.dense.weight,
    )
    assert made.payload_bits()[0] == 32 * sum(p.numel() for p in model.parameters())
    made.redeem(Tickets(1, ALL, NONE, NONE), "average")
    batches = made._batches
    rows = [batches.partition.round_samples(0, 1, ue, int(batches.samples[ue])) for ue in range(12)]
    texts = batches.tokens.texts(np.concatenate(rows))
    token, segment, mask = (torch.from_numpy(array) for array in texts.padded(1))
    logits = model(input_ids=token, token_type_ids=segment, attention_mask=mask).logits
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(texts.label)).backward()
    views = made._layouts[0].views(torch.from_numpy(made.states[0]))
    for name, parameter in model.named_parameters():
        expected = parameter.detach() - 0.1 * parameter.grad
        assert torch.allclose(views[name], expected, atol=1e-6), name
    assert made.evaluate()[0].samples == 80


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of memory"
)
def test_adapters_of_all_ues_are_never_together_in_memory(
    learner: Make,
    reviews: TextDataset,
    monkeypatch: pytest.MonkeyPatch,
    memory_below: Callable[[float], AbstractContextManager[None]],
) -> None:
    monkeypatch.setattr("netsim.learning.engine.batching.NUMBERS", 1 << 18)
    ues = 800
    held = draw_partition(
        RowKeys(reviews.train.label),
        DataSkew(label_concentration=1.0),
        ues=ues,
        samples_per_ue=1,
        seed=0,
    )
    wide = [ModuleSpec(48, 96, ("query", "key", "value", "dense"), 0)]
    made = learner(partition=held, samples=1, modules=wide, training=LocalTraining(1, 0.01, "sgd"))
    everyone, first = np.arange(ues), np.zeros(ues, dtype=np.int64)
    made.redeem(Tickets(1, everyone[:100], first[:100], first[:100]), "average")
    together_mb = ues * made._layouts[0].size * 4 / 1e6
    assert together_mb > 200
    with memory_below(together_mb / 3):
        made.redeem(Tickets(2, everyone, first, first + 1), "average")
