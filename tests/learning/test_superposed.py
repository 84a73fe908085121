"""Sums that are made on the air: the size of what is sent, and the channel's noise in the adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netsim.learning.adapters import AdapterLayout
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.learning.superposed import add_channel_noise, channel_deviation
from netsim.protocols import HEAD, LORA_A, LORA_B, Tickets

ONE = [ModuleSpec(4, 8, ("query", "value"), 0)]
ALL = np.arange(12)


@pytest.fixture
def make(learner: Callable[..., FederatedLearner]) -> Callable[..., FederatedLearner]:
    def made(optimizer: str = "adam", rate: float = 0.05) -> FederatedLearner:
        return learner(modules=ONE, training=LocalTraining(2, rate, optimizer))

    return made


def tickets(round: int = 1, ue: np.ndarray = ALL, **more: np.ndarray) -> Tickets:
    return Tickets(round, ue, ue * 0, ue * 0, gnb=ue % 2, **more)  # type: ignore[arg-type]


def test_the_radio_is_told_how_large_what_is_sent_is(
    make: Callable[..., FederatedLearner],
) -> None:
    made = make()
    found = made.compute(tickets())
    held = [made.held[1, ue, 0].upload for ue in ALL.tolist()]
    rms = [np.sqrt(np.mean(one.update.astype(float) ** 2)) for one in held]
    assert found.amplitude == pytest.approx(made._batches.samples * rms)
    parts = np.full(12, LORA_B)
    some = make().compute(tickets(trained=parts, sent=parts))
    assert (np.asarray(some.amplitude) > 0).all()
    assert not np.allclose(some.amplitude, found.amplitude)


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 1.0), ("sgd", 0.05)])
def test_noise_in_the_adapter_is_that_of_the_gnbs_that_added_up(
    make: Callable[..., FederatedLearner], optimizer: str, rate: float
) -> None:
    """Deviations s_1, s_2 on their sums: sqrt(s_1^2 + s_2^2) / sum D on the mean."""
    exact, noisy = make(optimizer), make(optimizer)
    few = ALL[:7]
    noise = np.where(few % 2, 3e3, 4e3)
    for one, heard in ((exact, np.full(7, np.nan)), (noisy, noise)):
        one.compute(tickets(ue=few))
        one.redeem(tickets(ue=few, noise=heard), "average")
    added = (noisy.states[0] - exact.states[0]).astype(float)
    expected = rate * 5e3 / exact._batches.samples[few].sum()
    assert added.std() == pytest.approx(expected, rel=0.05)
    assert abs(added.mean()) < 4 * expected / len(added) ** 0.5


def test_what_nobody_sent_has_no_noise() -> None:
    shapes = {"l.lora_A.weight": (4, 500), "l.lora_B.weight": (500, 4), "head.weight": (4, 500)}
    layout = AdapterLayout(ModuleSpec(4, 8, ("l",), 0), shapes, ("head",), 4000, transposed=False)
    partial = {"sum": np.zeros(6000), "samples_of_part": np.array([5.0, 0.0, 2.0])}
    heard = replace(tickets(), noise=np.full(12, 2.0))
    add_channel_noise(partial, layout, heard, module=0, seed=1)
    total = partial["sum"]
    assert total[layout.numbers_of(LORA_A | HEAD)].std() == pytest.approx(8**0.5, rel=0.05)
    assert (total[layout.numbers_of(LORA_B)] == 0).all()


def test_noise_is_keyed_by_round_and_module() -> None:
    heard = tickets(noise=np.where(ALL < 6, 1.0, np.nan))
    assert channel_deviation(heard, 0) == pytest.approx(2**0.5)
    assert channel_deviation(heard, 1) == 0
    assert channel_deviation(tickets(), 0) == 0
