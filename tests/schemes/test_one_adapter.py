"""Schemes on one adapter: which parts go down and up, and what a UE that was away must hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from netsim.protocols import (
    HEAD,
    LORA_A,
    LORA_B,
    Exchange,
    Observation,
    RoundOutcome,
    RoundPlan,
)
from netsim.schemes.fedex_lora import FedExLora
from netsim.schemes.fedlora import FedLora
from netsim.schemes.ffa_lora import FfaLora
from netsim.schemes.one_adapter import OneAdapter
from netsim.schemes.radio import SharedBand
from netsim.schemes.rolora import RoLora


def rounds_of(
    scheme: OneAdapter,
    observation: Observation,
    away: dict[int, list[int]],
    lost: tuple[int, ...] = (),
    count: int = 4,
) -> list[RoundPlan]:
    """Plans of rounds; UEs that are away in some, and rounds in which every upload is lost."""
    plans: list[RoundPlan] = []
    previous = None
    for number in range(1, count + 1):
        here = ~np.isin(np.arange(12), away.get(number, []))
        seen = replace(observation, round=number, available=here, previous=previous)
        plans.append(scheme.plan(seen))
        arrived = np.full(len(plans[-1].ue), number not in lost)
        previous = RoundOutcome(plans[-1], arrived, 0.0, 1.0, heard=np.ones_like(arrived))
    return plans


def test_rolora_hears_what_has_changed_since_it_last_listened(observation: Observation) -> None:
    first, second, third, fourth = rounds_of(RoLora(), observation, {2: [5]})
    assert (first.exchange.trained, second.exchange.trained) == (LORA_B | HEAD, LORA_A | HEAD)
    assert set(first.exchange.heard) == {0}  # the start follows from the seed
    assert set(second.exchange.heard) == {LORA_B | HEAD}
    heard = dict(zip(third.ue.tolist(), third.exchange.heard.tolist(), strict=True))
    assert heard.pop(5) == LORA_A | LORA_B | HEAD  # it has heard nothing since the start
    assert set(heard.values()) == {LORA_A | HEAD}
    assert set(fourth.exchange.heard) == {LORA_B | HEAD}


def test_what_did_not_change_is_not_sent_again(observation: Observation) -> None:
    """Nothing arrived in rounds 2 and 3, so round 4 starts from what everybody holds."""
    *_, third, fourth = rounds_of(FfaLora(), observation, {3: [7]}, lost=(2, 3))
    assert set(third.exchange.heard) == {0}
    assert set(fourth.exchange.heard) == {0}
    *_, last = rounds_of(FfaLora(), observation, {2: [7], 3: [7]}, lost=(2, 3))
    assert last.exchange.heard[7] == LORA_B | HEAD
    assert set(np.delete(last.exchange.heard, 7)) == {0}


def test_a_late_factor_is_heard_too(observation: Observation) -> None:
    """UE 0's B of round 1 arrives in round 2, beside the others' A."""
    scheme = RoLora()
    *_, second = rounds_of(scheme, observation, {2: [0]}, count=2)
    sent = np.full(12, LORA_A | HEAD)
    sent[0] = LORA_B | HEAD
    ue = np.arange(12)
    plan = RoundPlan(ue, 0 * ue, ue / 12, ue / 12, exchange=Exchange(sent, sent))
    arrived = np.ones(12, dtype=bool)
    previous = RoundOutcome(plan, arrived, 0.0, 1.0, heard=arrived)
    third = scheme.plan(replace(observation, round=3, previous=previous))
    assert set(second.exchange.heard) == {LORA_B | HEAD}
    assert set(third.exchange.heard) == {LORA_A | LORA_B | HEAD}


def test_what_is_known_survives_a_checkpoint(observation: Observation) -> None:
    scheme, other = RoLora(), RoLora()
    rounds_of(scheme, observation, {2: [5]}, count=2)
    other.restore(scheme.state())
    seen = replace(observation, round=3, previous=None)
    assert (other.plan(seen).exchange.heard == scheme.plan(seen).exchange.heard).all()


@pytest.mark.parametrize("scheme", [RoLora(), FedExLora()], ids=lambda scheme: scheme.name)
def test_a_round_may_be_planned_again(scheme: OneAdapter, observation: Observation) -> None:
    """What arrived counts once, and what was sent in a plan is not taken for heard."""
    *_, second = rounds_of(scheme, observation, {}, count=2)
    arrived = np.ones(len(second.ue), dtype=bool)
    previous = RoundOutcome(second, arrived, 0.0, 1.0, heard=arrived)
    seen = replace(observation, round=3, previous=previous)
    third, again = scheme.plan(seen), scheme.plan(seen)
    assert (third.exchange.heard > 0).all()
    assert (again.exchange.heard == third.exchange.heard).all()
    assert np.all(again.exchange.more_down_bits == third.exchange.more_down_bits)


def test_algorithm_1_counts_the_bits_that_are_sent(observe: Callable[..., Observation]) -> None:
    """With about half of the bits, more UEs can be admitted to a narrow band."""
    seen = observe({"radio.bandwidth_hz": 1e6, "modules": [{"rank": 32}]})
    band = SharedBand("algorithm1")
    part = FfaLora(rank=32, band=band).plan(seen)
    whole = FedLora(rank=32, band=band).plan(seen)
    assert len(part.ue) > len(whole.ue) > 0
