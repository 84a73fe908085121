"""Parts of modules that stay at UEs: unseen by the server, gone on from, measured with their UE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from netsim.learning.learner import FederatedLearner
from netsim.learning.own_parts import OwnParts
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import HEAD, LORA_A, LORA_B, WHOLE, Aggregation, Tickets

ALL = np.arange(12)
NONE = np.zeros(12, dtype=np.int64)
ONE = [ModuleSpec(4, 8, ("query", "value"), 0)]


@pytest.fixture
def make(learner: Callable[..., FederatedLearner]) -> Callable[..., FederatedLearner]:
    def made(**more: Any) -> FederatedLearner:
        return learner(**{"modules": ONE, "training": LocalTraining(2, 0.05), **more})

    return made


def tickets(made: FederatedLearner, round: int, sent: int, ue: Any = ALL, **more: Any) -> Tickets:
    nothing = np.zeros_like(ue)
    return Tickets(
        round,
        ue,
        nothing,
        made.versions[nothing],
        trained=np.full_like(ue, WHOLE),
        sent=np.full_like(ue, sent),
        **more,
    )


def own(made: FederatedLearner, ue: int) -> np.ndarray:
    part = OwnParts(made._memories.of_ue).of(ue, 0)
    assert part is not None
    return part.numbers


@pytest.mark.parametrize("before_uplink", [False, True])
def test_b_stays_bit_identical_at_its_ue_and_out_of_the_server(
    make: Callable[..., FederatedLearner], before_uplink: bool
) -> None:
    """FedSA: UE 3's B is what it trained alone; the server's B never moves, and A is averaged."""
    made, alone = make(), make()
    layout = made._layouts[0]
    b, a = layout.numbers_of(LORA_B), layout.numbers_of(LORA_A)
    start = made.states[0]
    if before_uplink:
        made.compute(tickets(made, 1, LORA_A | HEAD))
    found = made.redeem(tickets(made, 1, LORA_A | HEAD), "average")
    assert made.states[0][b].tobytes() == start[b].tobytes()
    assert made.states[0][a].tobytes() != start[a].tobytes()
    assert set(found.payload_bits) == {32.0 * len(layout.numbers_of(LORA_A | HEAD))}
    alone.redeem(tickets(alone, 1, WHOLE, ALL[3:4]), "average")
    assert own(made, 3) == pytest.approx(alone.states[0][b], abs=1e-6)
    assert own(made, 3).any()
    # the second round starts from the common A and UE 3's own B
    before = own(made, 3).copy()
    others = ALL[ALL != 3]
    made.redeem(tickets(made, 2, LORA_A | HEAD, others), "average")
    assert own(made, 3).tobytes() == before.tobytes()
    assert not np.array_equal(made.states[0][a], start[a])
    alone._modules.states[0] = made.states[0].copy()
    alone._modules.states[0][b] = before
    alone.redeem(tickets(alone, 3, WHOLE, ALL[3:4]), "average")
    made.redeem(tickets(made, 3, LORA_A | HEAD, ALL[3:4]), "average")
    assert own(made, 3) == pytest.approx(alone.states[0][b], abs=1e-6)
    assert made.states[0][a] == pytest.approx(alone.states[0][a], abs=1e-6)


def test_ues_whose_uploads_are_lost_have_trained_too(
    make: Callable[..., FederatedLearner],
) -> None:
    made = make()
    made.compute(tickets(made, 1, LORA_A | HEAD))
    made.redeem(tickets(made, 1, LORA_A | HEAD, ALL[:2]), "average")
    assert own(made, 11).any()


def test_lower_ranks_keep_their_own(make: Callable[..., FederatedLearner]) -> None:
    """A UE at rank 2 trains the first two columns of its B; the others are as they were."""
    made = make()
    made.redeem(tickets(made, 1, LORA_A | HEAD), "average")
    before = own(made, 5).copy()
    low = tickets(made, 2, LORA_A | HEAD, ALL[5:6], rank=np.array([2]))
    made.redeem(low, "average")
    moved = (own(made, 5) != before).reshape(-1, 4)  # [all outputs, rank]
    assert moved[:, :2].any()
    assert not moved[:, 2:].any()


def test_each_is_measured_and_saved_with_its_own(
    make: Callable[..., FederatedLearner], tmp_path: Path
) -> None:
    made = make(evaluate_on="test")
    assert [row.ue for row in made.evaluate()] == [None, None]
    made.redeem(tickets(made, 1, LORA_A | LORA_B, ALL[:6]), "average")  # heads of their own
    rows = made.evaluate()
    common = [row for row in rows if row.ue is None]
    assert [row.target for row in common] == ["0", "ensemble"]
    assert {row.ue for row in rows} == {None, *range(12)}
    # by hand: the mean over UEs of the loss of the module with each one's head
    layout, losses = made._layouts[0], []
    for ue in range(12):
        other = make(evaluate_on="test")
        other._modules.states[0] = made.states[0].copy()
        if ue < 6:
            other._modules.states[0][layout.numbers_of(HEAD)] = own(made, ue)
        losses.append(next(row.loss for row in other.evaluate() if row.target == "ensemble"))
    assert common[1].loss == pytest.approx(np.mean(losses), rel=1e-6)
    assert np.ptp(losses) > 1e-4
    made.save(tmp_path)
    saved = load_file(tmp_path / "ues" / "2" / "0" / "adapter_model.safetensors")
    heads = np.concatenate([saved[name].ravel() for name in layout.shapes if "classifier" in name])
    assert heads.tobytes() == own(made, 2).tobytes()
    assert not (tmp_path / "ues" / "7").exists()


def test_a_checkpoint_and_workers_go_on_to_the_same_bytes(
    make: Callable[..., FederatedLearner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netsim.learning.composition.CHUNK_TOKENS", 64)  # several chunks
    whole, first, other = make(), make(workers=2), make(workers=2)
    for made in (whole, first):
        made.redeem(tickets(made, 1, LORA_A), "average")
    first.save_state(tmp_path)
    other.load_state(tmp_path)
    for made in (whole, other):
        made.redeem(tickets(made, 2, LORA_A, ALL[4:]), "average")
    assert whole.states[0].tobytes() == other.states[0].tobytes()
    for ue in ALL.tolist():
        assert own(whole, ue).tobytes() == own(other, ue).tobytes()
    assert whole.evaluate() == other.evaluate()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_dittos_own_module_goes_down_its_loss_and_towards_the_common_one(
    make: Callable[..., FederatedLearner], optimizer: str
) -> None:
    """By hand for SGD: v <- v - rate (grad F(v) + weight (v - w)); the common one is the average."""
    rate, weight = 0.05, 3.0
    training = LocalTraining(1, rate, optimizer)
    made, plain, alone = (make(training=training) for _ in range(3))
    rule = Aggregation("average_and_personal", {"weight": weight})
    for round in (1, 2):
        w = made.states[0].copy()
        before = own(made, 3).copy() if round == 2 else w
        made.compute(tickets(made, round, WHOLE), rule)
        made.redeem(tickets(made, round, WHOLE, ALL[:6]), rule)
        plain.redeem(tickets(plain, round, WHOLE, ALL[:6]), "average")
        assert made.states[0] == pytest.approx(plain.states[0], abs=1e-6)
        alone._modules.states[0] = before
        alone.redeem(tickets(alone, round, WHOLE, ALL[3:4]), "average")
        if optimizer == "sgd":
            expected = alone.states[0] - rate * weight * (before - w)
            assert own(made, 3) == pytest.approx(expected, abs=1e-6)
        else:
            assert np.abs(own(made, 3) - before).max() <= rate * 1.01
    assert own(made, 11).any()  # its upload was lost
    assert not np.array_equal(own(made, 3), made.states[0])
    rows = made.evaluate()
    assert {row.ue for row in rows} == {None, *range(12)}
