"""Secure aggregation: which schemes and codecs it suits, and what it adds to their plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from netsim.errors import ScenarioError
from netsim.protocols import (
    Codec,
    MaskedSum,
    MaskedSums,
    Observation,
    RoundPlan,
    Scheme,
    SecureAggregation,
)
from netsim.protocols.masked_sums import room_for, sums_of
from netsim.scenario.model import Scenario
from netsim.scenario.upload import FLOAT_BITS, SINGLE
from netsim.units import FloatArray, IntArray

KEY = "upload.secure_aggregation"


def build_masking(scenario: Scenario) -> SecureAggregation | None:
    """None where uploads go as they are."""
    keys = scenario.upload.secure_aggregation
    if keys is None:
        return None
    return SecureAggregation(
        threshold=keys.threshold,
        partners=keys.partners,
        key_bits=keys.key_bits,
        share_bits=keys.share_bits,
        round_trip_s=keys.round_trip_s,
        seed=scenario.seed,
    )


def check_masking(scenario: Scenario, scheme: Scheme, codec: Codec | None) -> None:
    """Raises ScenarioError where masks cannot be added, or something asks for single uploads."""
    if scenario.upload.secure_aggregation is None:
        return
    if codec is None or not codec.summable:
        raise ScenarioError(
            f"must be fixed_point with {KEY}: masks are added to integers on one grid for all",
            where="scenario: upload.codec",
            value=scenario.upload.codec,
        )
    asks = None
    if scheme.asynchronous:
        asks = "never waits for all of a sum"
    elif scheme.sends_more is not None:
        asks = f"sends {scheme.sends_more}"
    elif scheme.needs_learning:
        asks = "plans with what single UEs have learnt"
    elif scheme.optimisation.control_variates:
        asks = "sends control variates"
    elif not scheme.averages:
        asks = f"does not average: {SINGLE}"
    if asks is not None:
        _refuse(f"must be one that averages with {KEY}: this one {asks}", scenario.scheme.kind)


def masked(
    plan: RoundPlan, observation: Observation, rule: SecureAggregation, scheme: str
) -> RoundPlan:
    """The plan with what secure aggregation adds. Raises ScenarioError where it cannot be."""
    if not plan.rule.is_average:
        needs_it = f"{SINGLE}, but {plan.rule.name} needs it"
        _refuse(f"must be one that averages with {KEY}: {needs_it}", scheme)
    if not len(plan.ue):
        return plan
    sums, of_row = _sums(plan, observation, scheme)
    added = np.array([_added_bits(one, rule) for one in sums])[of_row]
    before = plan.exchange
    exchange = replace(
        before,
        more_up_bits=before.more_up_bits + added[:, 0],
        own_down_bits=before.own_down_bits + added[:, 1],
        server_s=before.server_s + np.full(len(of_row), 2 * rule.round_trip_s),
    )
    made = MaskedSums.of(rule, observation.round, sums, of_row)
    return replace(plan, exchange=exchange, sums=made)


def _added_bits(one: MaskedSum, rule: SecureAggregation) -> tuple[float, float]:
    """(up, down) for a member of a sum, before it is unmasked."""
    room = float(one.numbers * one.room_bits)
    return room + rule.key_up_bits(one.members), rule.down_bits(one.members)


def _sums(
    plan: RoundPlan, observation: Observation, scheme: str
) -> tuple[list[MaskedSum], IntArray]:
    """The sums of a plan, and which of them each row goes into, [M]."""
    numbers, code_bits = _numbers(plan, observation)
    of_row = np.zeros(len(plan.ue), dtype=np.int64)
    sums: list[MaskedSum] = []
    for gnb, module, rows in sums_of(observation.gnb[plan.ue], plan.module):
        if len(np.unique(numbers[rows])) > 1:
            _refuse(f"must send vectors of one length with {KEY}: they are added up", scheme)
        of_row[rows] = len(sums)
        count = round(numbers[rows[0]])
        one = MaskedSum(
            gnb=gnb,
            module=module,
            members=len(rows),
            numbers=count,
            code_bits=code_bits[rows[0]] / count,
            room_bits=room_for(observation.samples[plan.ue[rows]]),
        )
        sums.append(one)
    return sums, of_row


def _numbers(plan: RoundPlan, observation: Observation) -> tuple[FloatArray, FloatArray]:
    """How many numbers rows send, and their codes' bits. [M], [M]."""
    assert observation.unencoded_of is not None
    up = replace(plan.exchange, more_up_bits=0.0)
    bits = up.up_bits(observation.unencoded_of, plan.module, plan.rank)
    return bits / FLOAT_BITS, up.up_bits(observation.payload_of, plan.module, plan.rank)


def _refuse(rule: str, scheme: str) -> None:
    """Raises ScenarioError."""
    raise ScenarioError(rule, where="scenario: scheme.kind", value=scheme)
