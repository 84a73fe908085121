"""Split federated LoRA: gradients of a cut model, and the bits, seconds and joules of each part."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
import torch

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.learning.engine.local_descent import Start
from netsim.learning.spec import LocalTraining
from netsim.protocols import LORA_A, LORA_B, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.one_adapter import OneAdapter
from netsim.schemes.split_lora import SplitLora

LOADED = Loaded()
LAYERS, WIDTH, STEPS = 3, 128, 2  # of the built-in model; local steps
SMALL: dict[str, Any] = {
    "scheme.kind": "split_lora",
    "rounds": 2,
    "ues.count": 5,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 5}],
    "learning.local_steps": STEPS,
    "learning.workers": 1,
    "round.deadline_s": 1000.0,
}


def parts_of(**chosen: Any) -> Any:
    return build_parts(load_scenario("quickstart", {**SMALL, **chosen}), Silence(), LOADED)


@pytest.fixture(scope="module")
def run() -> tuple[Any, MemorySink]:
    parts, sink = parts_of(), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    return parts, sink


def test_bits_of_both_ways_by_hand(run: tuple[Any, MemorySink]) -> None:
    parts, sink = run
    size_of, one = parts.setting.payloads.size_of, np.zeros(1, dtype=np.int64)
    lower = float(size_of(one, None, LORA_A | LORA_B)[0]) / LAYERS  # a third of the layers
    heard = sink.frame("spans").filter((pl.col("kind") == "broadcast") & (pl.col("round") > 0))
    down = {(row["round"], row["ue"]): row["bits"] for row in heard.iter_rows(named=True)}
    batches = parts.learner._batches
    for row in sink.frame("uploads").iter_rows(named=True):
        ue, samples = row["ue"], int(batches.samples[row["ue"]])
        rows = batches.partition.round_samples(batches.seed, row["begun"], ue, samples)
        texts = batches.tokens.texts(rows)
        states = STEPS * int(texts.length.sum()) * WIDTH * 32
        assert row["payload_bits"] == pytest.approx(states + 32 * samples + lower)
        adapter = 0.0 if row["begun"] == 1 else lower  # the first follows from the seed
        assert down[row["begun"], ue] == pytest.approx(states + adapter)


def test_ues_compute_their_layers_and_wait_for_the_others(run: tuple[Any, MemorySink]) -> None:
    parts, sink = run
    fleet = parts.setting.fleet
    spans = sink.frame("spans").filter(pl.col("kind") == "compute")
    for row in spans.iter_rows(named=True):
        ue = row["ue"]
        assert row["end_s"] - row["start_s"] == pytest.approx(fleet.compute_s[ue] / 3)
        assert row["energy_j"] == pytest.approx(fleet.compute_energy_j[ue] / 3)
    uploads = sink.frame("uploads").filter(pl.col("begun") == 1)
    last_s = spans.filter(pl.col("round") == 1)["end_s"].max()
    for row in uploads.iter_rows(named=True):  # the barrier, then what the gNB computes
        server_s = fleet.cycles[row["ue"]] * (2 / 3) * 5 / 1e11
        assert row["start_s"] == pytest.approx(last_s + server_s)
    # gradients go to one UE after the other
    down = sink.frame("spans").filter((pl.col("kind") == "broadcast") & (pl.col("round") == 1))
    slots = sorted(zip(down["start_s"], down["end_s"], strict=True))
    assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(slots))


@dataclass
class Flat(OneAdapter):
    name: ClassVar[str] = "flat"
    citation: ClassVar[str] = "none"


def test_what_is_learnt_is_federated_averaging(run: tuple[Any, MemorySink]) -> None:
    parts, sink = run
    flat, other = parts_of(), MemorySink()
    build_simulation(flat, other, Silence()).run(Flat())
    arrived, as_often = (one.frame("uploads")["outcome"] for one in (sink, other))
    assert arrived.to_list() == as_often.to_list()
    assert (arrived == "on_time").sum() > 5
    assert parts.learner.states[0].tobytes() == flat.learner.states[0].tobytes()


@pytest.mark.parametrize("cut", [1, 2])
def test_gradients_through_the_cut_are_those_of_the_whole(cut: int) -> None:
    """Lower layers, activations alone, upper layers, their gradient, and back: by autograd, against
    the engine that trains the UE as a whole.
    """
    learner = parts_of().learner
    layout, foundation = learner._layouts[0], learner._foundation
    rng = np.random.default_rng(0)
    vector = rng.normal(0, 0.05, layout.size).astype(np.float32)
    batches = learner._batches
    rows = batches.partition.round_samples(batches.seed, 1, 0, 3)
    texts = batches.tokens.texts(rows)
    sgd = LocalTraining(1, 1.0, "sgd")
    (whole,) = learner._engine.train([Start(layout, vector)], np.array([3]), texts, sgd)

    from netsim.learning.engine.generic import GenericEngine, _write

    generic = GenericEngine(foundation, train_head=True)
    made = generic._peft_model(layout)
    with torch.no_grad():
        _write(layout, made, torch.from_numpy(vector))
    inputs = generic._inputs(texts, made.model)
    base = made.model.base_model.model
    encoder = base.roberta.encoder.layer
    mask = (1.0 - inputs["attention_mask"][:, None, None, :].float()) * -1e9

    def through(layers: Any, x: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            out = layer(x, attention_mask=mask)
            x = out[0] if isinstance(out, tuple) else out
        return x

    at_ue = through(encoder[:cut], base.roberta.embeddings(input_ids=inputs["input_ids"]))
    sent = at_ue.detach().requires_grad_()  # all that goes up
    logits = base.classifier(through(encoder[cut:], sent))
    label = torch.from_numpy(texts.label)
    loss = torch.nn.functional.cross_entropy(logits, label)
    loss.backward()
    assert sent.grad is not None
    at_ue.backward(sent.grad)  # all that comes down
    seen = int(inputs["attention_mask"].sum())
    assert seen == int(texts.length.sum())
    assert sent[inputs["attention_mask"].bool()].numel() == seen * WIDTH
    assert float(loss.detach()) == pytest.approx(whole.train_loss, rel=1e-5)
    for name in layout.starts:
        parameter = made.trainable[name]
        expected = layout.view(name, torch.from_numpy(whole.update))
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, expected, atol=2e-5), name


def test_the_backhaul_carries_whole_adapters() -> None:
    network = {"federation": "network", "topology.window_km": 3, "network_only": True}
    parts, sink = parts_of(**network), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    size_of, one = parts.setting.payloads.size_of, np.zeros(1, dtype=np.int64)
    moved = sink.frame("spans").filter((pl.col("kind") == "backhaul") & (pl.col("round") > 0))
    assert set(moved["bits"]) == {float(size_of(one)[0])}
    assert (sink.frame("uploads")["payload_bits"] > size_of(one)[0]).any()


def test_a_cut_above_the_last_layer_is_refused() -> None:
    parts = parts_of(**{"scheme.ue_layers": LAYERS})
    simulation = build_simulation(parts, MemorySink(), Silence())
    with pytest.raises(
        ScenarioError, match=r"scheme\.ue_layers: must be below the number of layers of model\.path"
    ):
        parts.scheme.plan(simulation.observe())


def test_algorithm_1_gives_more_band_to_those_who_send_more() -> None:
    parts = parts_of(**{"scheme.bandwidth": "algorithm1", "network_only": True})
    observation = build_simulation(parts, MemorySink(), Silence()).observe()
    plan = parts.scheme.plan(observation)
    bits = np.asarray(plan.exchange.more_up_bits)
    assert bits.min() < bits.max()
    near = SplitLora().plan(observation)  # 32 tokens a sample, in equal shares
    assert np.ptp(near.share) == pytest.approx(0.0)
    assert np.ptp(plan.share) > 0
    tokens = 32 * observation.samples[plan.ue]
    assert bits == pytest.approx(STEPS * tokens * WIDTH * 32 + 32 * observation.samples[plan.ue])
