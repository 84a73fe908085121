"""How modules are encoded on the air, and which schemes that suits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.util import find_spec
from typing import cast

import numpy as np

from netsim.assembly.access import superposed_plan
from netsim.assembly.masking import build_masking, check_masking, masked
from netsim.assembly.sharing import with_pairs
from netsim.errors import ScenarioError
from netsim.learning.transfer import ACCOUNTING, Privacy, Transfer
from netsim.plugins import plugin_class
from netsim.protocols import (
    Averages,
    Codec,
    Observation,
    RoundPlan,
    Scheme,
    Stacked,
)
from netsim.protocols.backhaul import ToCore
from netsim.scenario.choices import CODECS
from netsim.scenario.downlink import Downlink
from netsim.scenario.model import Scenario
from netsim.scenario.parameters import typed_parameters
from netsim.scenario.uplink import AIRCOMP, NOMA
from netsim.scenario.upload import AS_IT_IS, Upload
from netsim.schemes.base import check_plan


def build_transfer(scenario: Scenario) -> Transfer:
    """The codecs that a scenario names. Raises ScenarioError."""
    return Transfer(
        up=_codec(scenario.upload, "upload"),
        error_feedback=scenario.upload.error_feedback,
        down=_codec(scenario.downlink, "downlink"),
        privacy=_privacy(scenario),
    )


def _privacy(scenario: Scenario) -> Privacy | None:
    """None where nothing is private."""
    keys = scenario.privacy
    if keys.kind == "none":
        return None
    if find_spec(ACCOUNTING) is None:
        rule = "needs the extra 'dp': pip install 'netsim-fedlora[dp]'"
        raise ScenarioError(rule, where="scenario: privacy.kind", value=keys.kind)
    return Privacy(
        central=keys.kind == "central",
        clip_norm=keys.clip_norm,
        noise_multiplier=keys.noise_multiplier,
        delta=keys.delta,
    )


def _codec(section: Upload | Downlink, name: str) -> Codec | None:
    """None where modules go as they are."""
    if section.codec == AS_IT_IS:
        return None
    found = plugin_class(CODECS, section.codec, f"scenario: {name}.codec")
    own = type(section).model_fields
    parameters = typed_parameters(found, section.parameters, f"scenario: {name}", own)
    return cast(Codec, found(**parameters))


def check_transfer(scenario: Scenario, scheme: Scheme) -> None:
    """Raises ScenarioError unless what is encoded is of use to the scheme."""
    kind = scenario.scheme.kind
    if scenario.upload.error_feedback and scheme.outdates_memories is not None:
        raise ScenarioError(
            f"must not {scheme.outdates_memories} with upload.error_feedback = true: what UEs "
            "remember is of the former",
            where="scenario: scheme.kind",
            value=kind,
        )
    if scenario.downlink.codec != AS_IT_IS and scheme.exact_downloads:
        raise ScenarioError(
            f"must be none with scheme.kind = {kind}: its UEs must hear exactly",
            where="scenario: downlink.codec",
            value=scenario.downlink.codec,
        )
    if scheme.sends_more is not None:
        for section, codec in (("upload", scenario.upload), ("downlink", scenario.downlink)):
            if codec.codec != AS_IT_IS:
                rule = f"must be none with scheme.kind = {kind}, which sends {scheme.sends_more}"
                where = f"scenario: {section}.codec"
                raise ScenarioError(rule, where=where, value=codec.codec)
    _check_private(scenario, scheme)
    check_masking(scenario, scheme, _codec(scenario.upload, "upload"))


def _check_private(scenario: Scenario, scheme: Scheme) -> None:
    """Raises ScenarioError where more is told of UEs' data than is accounted for."""
    kind = scenario.privacy.kind
    if kind == "none":
        return
    tells = None
    if scheme.sends_more is not None:
        tells = f"scheme.kind = {scenario.scheme.kind}, which sends {scheme.sends_more}"
    elif scheme.needs_learning:
        tells = f"scheme.kind = {scenario.scheme.kind}: its plans tell of the training"
    elif scheme.optimisation.control_variates:
        tells = f"scheme.kind = {scenario.scheme.kind}: control variates have no noise"
    elif scenario.learning.control_variates:
        tells = "learning.control_variates = true: they have no noise"
    elif kind == "central" and not scheme.averages:
        tells = f"scheme.kind = {scenario.scheme.kind}: noise is known for averages of uploads"
    if tells is not None:
        rule = f"must be none with {tells}"
        raise ScenarioError(rule, where="scenario: privacy.kind", value=kind)


def check_contracts(scenario: Scenario, transfer: Transfer, sizes: Iterable[int]) -> None:
    """Raises ScenarioError where error feedback would owe more and more of so many numbers."""
    if not transfer.error_feedback or transfer.up is None:
        return
    for size in sizes:
        error = transfer.up.worst_error(size)
        if not error < 1:
            raise ScenarioError(
                "needs a codec that loses less than what it encodes, but of a change x, "
                f"upload.codec = {scenario.upload.codec} may lose {error:.3g} |x|^2 with its "
                "parameters",
                where="scenario: upload.error_feedback",
                value=True,
            )


def plan_check(scenario: Scenario, scheme: Scheme) -> Callable[[RoundPlan, Observation], RoundPlan]:
    """What is made of a scheme's plans before they are carried out."""
    masking = build_masking(scenario)

    def checked(plan: RoundPlan, observation: Observation) -> RoundPlan:
        """A feasible plan; with error feedback UEs train before their uplinks, lost ones too."""
        plan = check_plan(scheme.name, plan, observation)
        if scenario.privacy.kind == "central":
            _check_average(plan, scheme.name)
        if scenario.upload.codec != AS_IT_IS:
            plan = replace(plan, to_core_bits=_to_core(plan, observation))
        if scenario.uplink.access == NOMA:
            plan = with_pairs(plan, observation, scheme.name)
        if masking is not None:
            plan = masked(plan, observation, masking, scheme.name)
        if scenario.upload.error_feedback:
            return replace(plan, redeem="before_uplink")
        if scenario.uplink.access == AIRCOMP:
            return superposed_plan(scenario, plan)
        return plan

    return checked


def _to_core(plan: RoundPlan, observation: Observation) -> ToCore:
    """What gNBs pass on of encoded uploads: averages as tensors; for products, as they came."""
    planned = plan.to_core_bits
    if isinstance(planned, Stacked):
        return Stacked(0.0, planned.averaged_bits + planned.most_bits)
    size_of = observation.unencoded_of
    if planned is not None or size_of is None:
        return planned
    sent = int(np.bitwise_or.reduce(np.atleast_1d(plan.exchange.sent_parts), initial=0))
    modules = np.arange(len(observation.payload_bits))
    return Averages(size_of(modules, None, sent).tolist())


def _check_average(plan: RoundPlan, scheme: str) -> None:
    """Raises ScenarioError unless what arrives is averaged: noise is known for that."""
    if not plan.rule.is_average:
        raise ScenarioError(
            f"must not be central with the aggregation {plan.rule.name} of scheme.kind = "
            f"{scheme}: noise is known for averages of uploads",
            where="scenario: privacy.kind",
            value="central",
        )
