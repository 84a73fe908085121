"""Rules that remember: server momentum, a part at the UEs, draws, checkpoints, files beyond memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netsim.errors import InputError
from netsim.learning.adapters import AdapterLayout, Vector
from netsim.learning.aggregation.average import Average
from netsim.learning.aggregation.memories import UeMemories
from netsim.learning.aggregation.named_rules import BUILT_IN
from netsim.learning.aggregation.rule import Moment, Partial, UeMoment, Upload
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec
from netsim.protocols import Aggregation, Tickets

ONE = [ModuleSpec(2, 4, ("query",), 0)]
ALL = np.arange(12)
NONE = np.zeros(12, dtype=np.int64)


class Remembers(Average):
    """Server momentum with a draw, and a count of rounds at each UE that shifts its gradients."""

    def __init__(self, beta: float = 0.5) -> None:
        self.beta = beta

    def step(
        self, state: Vector, partial: Partial, layout: AdapterLayout, rate: float, moment: Moment
    ) -> Vector:
        mean = partial["sum"] / partial["samples"]
        before = moment.memory.get("momentum", np.zeros_like(mean))
        moment.memory["momentum"] = self.beta * before + mean
        moment.memory["drawn"] = moment.stream("test").random(3)
        return (state - rate * moment.memory["momentum"]).astype(np.float32)

    def correction(self, layout: AdapterLayout, moment: UeMoment) -> Vector | None:
        seen = moment.memory.get("rounds")
        return None if seen is None else np.full(layout.size, float(seen[0]), dtype=np.float32)

    def leave(self, upload: Upload, layout: AdapterLayout, moment: UeMoment) -> Upload:
        moment.memory["rounds"] = moment.memory.get("rounds", np.zeros(1)) + 1
        moment.memory["drawn"] = moment.stream("test").random(3)
        return upload


@pytest.fixture
def remembering(
    learner: Callable[..., FederatedLearner], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FederatedLearner]:
    monkeypatch.setitem(BUILT_IN, "remembers", Remembers)

    def make(**more: Any) -> FederatedLearner:
        return learner(modules=ONE, training=LocalTraining(1, 0.1, "sgd"), **more)

    return make


RULE = Aggregation("remembers", {"beta": 0.25})


def step(made: FederatedLearner, round: int, ue: Any = ALL) -> None:
    nothing = np.zeros_like(ue)
    made.redeem(Tickets(round, ue, nothing, made.versions[nothing]), RULE)


def test_momentum_and_corrections_are_those_by_hand(
    remembering: Callable[..., FederatedLearner],
) -> None:
    made, plain = remembering(), remembering()
    step(made, 1, ALL[:6])
    plain.redeem(Tickets(1, ALL[:6], NONE[:6], NONE[:6]), "average")
    assert made.states[0] == pytest.approx(plain.states[0], rel=1e-6)
    start = made.states[0]
    plain._modules.states[0] = start
    step(made, 2)
    plain.redeem(Tickets(2, ALL, NONE, plain.versions[NONE]), "average")
    samples = made._batches.samples
    shift = samples[:6].sum() / samples.sum()  # six UEs add 1 to all their gradients
    momentum = made._memories.of_module["remembers", 0]["momentum"]
    first = (remembering().states[0] - start) / 0.1
    expected = plain.states[0] - 0.1 * (shift + 0.25 * first)
    assert made.states[0] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert momentum == pytest.approx((start - made.states[0]) / 0.1, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("before_uplink", [False, True])
def test_what_rules_remember_goes_on_from_a_checkpoint(
    remembering: Callable[..., FederatedLearner], before_uplink: bool, tmp_path: Path
) -> None:
    whole, first = remembering(), remembering()
    for made in (whole, first):
        step(made, 1, ALL[:6])
        if before_uplink:
            made.compute(Tickets(2, ALL, NONE, made.versions[NONE]), RULE)
    first.save_state(tmp_path)
    other = remembering(workers=2)
    other.load_state(tmp_path)
    for made in (whole, other):
        step(made, 2, ALL[3:] if before_uplink else ALL)
        step(made, 3)
    assert whole.states[0].tobytes() == other.states[0].tobytes()
    mine = dict(whole._memories.of_ue.items())
    theirs = dict(other._memories.of_ue.items())
    assert mine.keys() == theirs.keys()
    for key, memory in mine.items():
        assert all(memory[name].tobytes() == theirs[key][name].tobytes() for name in memory)
    # with redeem = "before_uplink" UEs whose uploads were lost have trained, too
    assert mine["remembers", 0, 0]["rounds"][0] == 3
    drawn = {tuple(memory["drawn"]) for memory in mine.values()}
    assert len(drawn) == 12


def test_memories_beyond_the_limit_wait_in_files() -> None:
    memories = UeMemories(most_bytes=1000)
    for ue in range(9):
        memories.put(("rule", ue, 0), {"x": np.full(100, ue, dtype=np.float32)})
    assert memories.take(("rule", 99, 0)) == {}
    assert len(memories._held) == 2
    assert len(memories._filed) == 7
    folder = Path(memories._folder.name) if memories._folder else Path()
    for ue in (0, 8, 4):
        memory = memories.take(("rule", ue, 0))
        memory["x"] += 1
        memories.put(("rule", ue, 0), memory)
    found = {key[1]: float(memory["x"][5]) for key, memory in memories.items()}
    assert found == {ue: ue + (ue in (0, 8, 4)) for ue in range(9)}
    for ue in range(9):  # in the place of what was there, in memory or in a file
        memories.put(("rule", ue, 0), {"x": np.full(100, -ue, dtype=np.float32)})
    held = list(memories._held)
    assert [memories.get(("rule", ue, 0))["x"][0] for ue in range(9)] == [-ue for ue in range(9)]
    assert list(memories._held) == held
    assert (len(memories._held), len(memories._filed)) == (2, 7)
    memories.close()
    assert not folder.exists()


def test_a_rule_gets_its_parameters_or_says_that_it_takes_none(
    remembering: Callable[..., FederatedLearner],
) -> None:
    made = remembering()
    with pytest.raises(InputError, match=r"average.*takes no such parameters.*size"):
        made.redeem(Tickets(1, ALL, NONE, NONE), Aggregation("average", {"size": 3}))
