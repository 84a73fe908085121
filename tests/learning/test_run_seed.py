"""What a run's seed and its formulas decide of the training: audit cases of the learning side."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.assembly.learning import module_spec
from netsim.assembly.parts import build_parts
from netsim.learning.learner import FederatedLearner
from netsim.protocols import Silence
from netsim.scenario.load import load_scenario
from netsim.scenario.training import Module

PAPER = Path(__file__).parents[2] / "topologies/paper.toml"


@pytest.mark.parametrize("name", ["quickstart", PAPER])
def test_formulas_as_printed_train_by_gradient_descent(name: str | Path) -> None:
    assert load_scenario(name, {"formulas": "paper"}).local_optimizer == "sgd"
    assert load_scenario(name).local_optimizer == "adam"
    chosen = load_scenario(name, {"formulas": "paper", "learning.local_optimizer": "adam"})
    assert chosen.local_optimizer == "adam"


def start(**overrides: object) -> list[bytes]:
    """The modules of a run before its first round."""
    small = {"ues.count": 4, "data.train_samples": 200, "data.test_samples": 20}
    scenario = load_scenario("quickstart", {**small, **overrides})
    learner = build_parts(scenario, Silence()).learner
    assert isinstance(learner, FederatedLearner)
    learner.close()
    return [state.tobytes() for state in learner.states]


def test_initial_modules_follow_the_seed_of_the_run() -> None:
    first = start(seed=1)
    assert start(seed=1) == first
    assert all(one != other for one, other in zip(first, start(seed=2), strict=True))
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("kind", ["round_robin", "greedy", "random"])
def test_initial_modules_do_not_follow_the_scheme(kind: str) -> None:
    assert start(**{"scheme.kind": kind}) == start(**{"scheme.kind": "model_switching"})


def test_a_module_may_have_a_seed_of_its_own() -> None:
    chosen = Module(rank=4, seed=5)
    assert module_spec(chosen, 0, 1) == module_spec(chosen, 3, 2)
    assert module_spec(Module(rank=4), 0, 1) != module_spec(Module(rank=4), 1, 1)
