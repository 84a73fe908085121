"""Optimisers at the server, against torch's, against the written-out recursion, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from netsim.errors import InputError
from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.named_rules import find_rule
from netsim.learning.aggregation.rule import Memory, Moment, Upload
from netsim.learning.aggregation.server_step import ServerStep
from netsim.learning.spec import ModuleSpec
from netsim.protocols import HEAD, LORA_A, LORA_B, WHOLE, Aggregation

NAME = "base_model.model.x.lora_{}.weight"
LAYOUT = AdapterLayout(
    ModuleSpec(2, 4, ("x",), 0),
    {NAME.format("A"): (2, 2), NAME.format("B"): (2, 2), "base_model.model.head.bias": (1,)},
    ("head",),
    8,
    transposed=False,
)
SIZE = 9
ROUNDS = 6


def upload(update: np.ndarray, samples: int = 1, parts: int = WHOLE) -> Upload:
    numbers = update.astype(np.float32)
    return Upload(
        0, 2, samples, 0, start=np.zeros_like(numbers), update=numbers, rate=1.0, parts=parts
    )


def path(rule: ServerStep, updates: np.ndarray, rate: float = 1.0) -> np.ndarray:
    """States after each of the rounds, in each of which one UE sends. [rounds + 1, SIZE]."""
    memory: Memory = {}
    states = [np.linspace(-1, 1, SIZE, dtype=np.float32)]
    for round, update in enumerate(updates, 1):
        partial = rule.add(None, upload(update, samples=3), LAYOUT)
        moment = Moment(round, 0, 0, memory)
        states.append(rule.step(states[-1], partial, LAYOUT, rate, moment))
    return np.array(states)


@pytest.fixture
def updates() -> np.ndarray:
    return np.random.default_rng(0).normal(scale=0.1, size=(ROUNDS, SIZE)).astype(np.float32)


@pytest.mark.parametrize("rate", [1.0, 0.3])
def test_fedadam_with_one_ue_is_adam_on_the_pseudo_gradient(
    updates: np.ndarray, rate: float
) -> None:
    """The gradient that Adam gets is the way back, learning rate x update."""
    rule = ServerStep(Average(), "fedadam", 0.02, 0.9, 0.99, 1e-3, bias_correction=True)
    found = path(rule, updates, rate)
    w = torch.nn.Parameter(torch.from_numpy(found[0].astype(np.float64)))
    adam = torch.optim.Adam([w], lr=0.02, betas=(0.9, 0.99), eps=1e-3)
    for round, update in enumerate(updates, 1):
        w.grad = torch.from_numpy(rate * update.astype(np.float64))
        adam.step()
        assert found[round] == pytest.approx(w.detach().numpy(), abs=1e-6)


@pytest.mark.parametrize("optimizer", ["fedadam", "fedyogi"])
def test_adaptive_steps_are_those_of_the_papers_recursion(
    updates: np.ndarray, optimizer: str
) -> None:
    """Reddi et al., Algorithm 2, number by number in Python's floats: no bias correction, v_-1 =
    tau^2.
    """
    tau, eta, beta1, beta2 = 1e-2, 0.05, 0.8, 0.7
    rule = ServerStep(Average(), optimizer, eta, beta1, beta2, tau)
    found = path(rule, updates)
    for number in range(SIZE):
        x, m, v = float(found[0][number]), 0.0, tau**2
        for round, update in enumerate(updates[:, number].tolist(), 1):
            delta = -update
            m = beta1 * m + (1 - beta1) * delta
            if optimizer == "fedadam":
                v = beta2 * v + (1 - beta2) * delta**2
            else:
                sign = 1.0 if v > delta**2 else -1.0
                v = v - (1 - beta2) * delta**2 * sign
            x = x + eta * m / (v**0.5 + tau)
            assert found[round][number] == pytest.approx(x, abs=1e-6)


def test_momentum_is_that_by_hand(updates: np.ndarray) -> None:
    found = path(ServerStep(Average(), "fedavgm", 0.5, beta1=0.6), updates)
    state, velocity = found[0].astype(np.float64), np.zeros(SIZE)
    for round, update in enumerate(updates, 1):
        velocity = 0.6 * velocity + update
        state = state - 0.5 * velocity
        assert found[round] == pytest.approx(state, abs=1e-6)


@pytest.mark.parametrize("chosen", [{"optimizer": "average"}, {"optimizer": "fedavgm", "beta1": 0}])
def test_rate_1_without_momentum_is_the_average_bit_by_bit(
    updates: np.ndarray, chosen: dict[str, Any]
) -> None:
    found = path(ServerStep(Average(), **chosen), updates, rate=0.3)
    state = found[0]
    for round, update in enumerate(updates, 1):
        partial = Average().add(None, upload(update, samples=3), LAYOUT)
        state = Average().apply(state, partial, LAYOUT, 0.3)
        assert found[round].tobytes() == state.tobytes()


@pytest.mark.parametrize("optimizer", ["fedavgm", "fedadam", "fedyogi"])
@pytest.mark.parametrize("corrected", [False, True])
def test_a_part_that_nobody_sent_keeps_its_numbers_and_moments(
    updates: np.ndarray, optimizer: str, corrected: bool
) -> None:
    """A factor that is sent in every second round goes as if the others were not."""
    rule = ServerStep(Average(), optimizer, 0.1, bias_correction=corrected)
    memory: Memory = {}
    state = start = np.zeros(SIZE, dtype=np.float32)
    b = LAYOUT.numbers_of(LORA_B)
    for round, update in enumerate(updates, 1):
        parts = (LORA_B if round % 2 else LORA_A) | HEAD
        sent = np.zeros(SIZE)
        sent[LAYOUT.numbers_of(parts)] = update[LAYOUT.numbers_of(parts)]
        partial = rule.add(None, upload(sent, parts=parts), LAYOUT)
        before, state = state, rule.step(state, partial, LAYOUT, 1.0, Moment(round, 0, 0, memory))
        if round % 2 == 0:
            assert before[b].tobytes() == state[b].tobytes()
    memory, alone = {}, start
    for round, update in enumerate(updates[::2], 1):
        partial = rule.add(None, upload(update), LAYOUT)
        alone = rule.step(alone, partial, LAYOUT, 1.0, Moment(round, 0, 0, memory))
    assert state[b].tobytes() == alone[b].tobytes()


def test_an_average_of_old_uploads_can_be_stepped_along() -> None:
    old = Upload(0, 2, 1, 3, np.zeros(SIZE, np.float32), np.ones(SIZE, np.float32), 1.0)
    given = Aggregation("server_step", {"inner": Aggregation("staleness_weighted"), "rate": 2.0})
    rule = find_rule(given)
    assert isinstance(rule, ServerStep)
    partial = rule.add(None, old, LAYOUT)
    new = rule.step(old.start, partial, LAYOUT, 1.0, Moment(1, 0, 0, {}))
    assert new == pytest.approx(-2.0 * (1 + 3) ** -0.5 * np.ones(SIZE))


def test_what_is_no_average_is_refused() -> None:
    with pytest.raises(InputError, match=r"a rule that averages uploads.*found 'Redistribution'"):
        find_rule(Aggregation("server_step", {"inner": Aggregation("redistribution")}))
    with pytest.raises(InputError, match=r"must be one of average, fedavgm.*found 'adam'"):
        find_rule(Aggregation("server_step", {"optimizer": "adam"}))
