"""Variants of Algorithm 2: what each of them fixes, and that the rest is Algorithm 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.errors import ScenarioError
from netsim.plugins import parameters
from netsim.results.writer import MemorySink
from netsim.scenario.parameters import typed_parameters
from netsim.schemes.buffered_async import BufferedAsync
from netsim.schemes.energy_constrained import EnergyConstrained
from netsim.schemes.greedy import Greedy
from netsim.schemes.hetlora import HetLora
from netsim.schemes.max_power import MaxPower
from netsim.schemes.model_switching import ModelSwitching
from netsim.schemes.one_shot import OneShot
from netsim.schemes.variant import Variant

Simulate = Callable[..., MemorySink]


def _plans(simulate: Simulate, kind: str, **more: Any) -> pl.DataFrame:
    sink = simulate({"scheme.kind": kind, "rounds": 8, "ues.count": 16, **more})
    columns = ("round", "ue", "module", "power_w", "bandwidth_hz", "outcome")
    return sink.frame("uploads").select(columns)


@pytest.mark.parametrize(
    ("variant", "fixed"),
    [
        (Greedy, {"participation", "dual_step"}),
        (OneShot, set()),
        (EnergyConstrained, set()),
        (MaxPower, {"power_control"}),
    ],
)
def test_parameters_are_those_of_algorithm_2_less_what_is_fixed(
    variant: type[Variant], fixed: set[str]
) -> None:
    names = {p.name for p in parameters(ModelSwitching)}
    assert {p.name for p in parameters(variant)} == names - fixed
    made = variant(**typed_parameters(variant, {"max_modules": 2, "csi": "perfect"}, "scheme"))
    assert made.inner.max_modules == 2
    assert made.inner.csi == "perfect"
    for name in fixed:
        with pytest.raises(ScenarioError, match=f"unknown parameter of {variant.__name__}"):
            typed_parameters(variant, {name: 0.1}, "scheme")


def test_greedy_is_algorithm_2_without_participation(simulate: Simulate) -> None:
    greedy = _plans(simulate, "greedy")
    assert greedy.equals(_plans(simulate, "model_switching", **{"scheme.participation": 0.0}))
    assert not greedy.equals(_plans(simulate, "model_switching"))


def test_greedy_leaves_the_duals_at_zero(simulate: Simulate) -> None:
    table = simulate({"scheme.kind": "greedy", "rounds": 8}).frame("subscriptions")
    assert (table["dual"] == 0).all()


def test_max_power_is_algorithm_2_at_p_max(simulate: Simulate) -> None:
    highest = _plans(simulate, "max_power", **{"scheme.mu": 1e6})
    assert (highest["power_w"] == 0.2).all()
    same = {"scheme.mu": 1e6, "scheme.power_control": False}
    assert highest.equals(_plans(simulate, "model_switching", **same))
    assert (_plans(simulate, "model_switching", **{"scheme.mu": 1e6})["power_w"] < 0.2).any()


def test_energy_constrained_has_a_price(simulate: Simulate) -> None:
    constrained = _plans(simulate, "energy_constrained")
    assert constrained.equals(_plans(simulate, "model_switching", **{"scheme.mu": 1e6}))
    assert (
        constrained["power_w"].mean()
        < _plans(simulate, "model_switching", **{"scheme.mu": 0.0})["power_w"].mean()
    )  # type: ignore[operator]
    with pytest.raises(ScenarioError, match=r"scheme\.mu: must be above 0.*found 0"):
        EnergyConstrained(ModelSwitching(mu=0.0))


def test_one_shot_switches_once(simulate: Simulate) -> None:
    once = simulate({"scheme.kind": "one_shot", "rounds": 8, "ues.count": 16})
    always = simulate({"scheme.kind": "model_switching", "rounds": 8, "ues.count": 16})

    def wanted(sink: MemorySink, number: int) -> np.ndarray[Any, Any]:
        table = sink.frame("subscriptions").filter(pl.col("round") == number).sort("ue", "module")
        return table["fraction"].to_numpy()

    # rounds 1 and 2 are Algorithm 2's; then the decision stays where Algorithm 2 goes on switching
    for number in (1, 2):
        assert np.array_equal(wanted(once, number), wanted(always, number))
    assert not np.array_equal(wanted(once, 1), wanted(once, 2))
    assert all(np.array_equal(wanted(once, t), wanted(once, 2)) for t in range(3, 9))
    assert not np.array_equal(wanted(always, 3), wanted(always, 2))


def test_one_shot_keeps_controlling_power(simulate: Simulate) -> None:
    """With the channel known, powers follow its fading from round to round."""
    more = {"scheme.csi": "perfect", "scheme.mu": 1e6}
    uploads = _plans(simulate, "one_shot", **more).filter(pl.col("round") > 2)
    assert uploads.group_by("ue").agg(pl.col("power_w").n_unique())["power_w"].max() > 1


def test_needs_learning_as_the_scheme_it_varies() -> None:
    assert not Greedy().needs_learning
    gap = ModelSwitching(participation=0.0, switch_gap="bound")
    assert Greedy(gap).needs_learning


def test_declarations_are_those_of_the_scheme_it_varies() -> None:
    plain = Greedy()
    assert not plain.asynchronous
    assert plain.tail is None
    assert Variant(BufferedAsync()).asynchronous
    pruning = HetLora(regularisation=0.5)
    assert Variant(pruning).tail == pruning.tail
