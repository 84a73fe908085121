"""Bands that two UEs share (uplink.access = noma): what schemes are told, and pairs of plans."""

from __future__ import annotations

import numpy as np

from netsim.allocation.pairing import far_near, paired
from netsim.errors import ScenarioError
from netsim.protocols import Observation, RoundPlan, Scheme, SuccessModel
from netsim.radio.noma import ALONE, NomaRate, Sic, pairs_on_air
from netsim.radio.noma_success import PairedSuccess
from netsim.radio.rate_model import RateModel
from netsim.scenario.model import Scenario
from netsim.scenario.uplink import NOMA
from netsim.simulation.state import Links
from netsim.units import FloatArray, IntArray

KEY = f"uplink.access = {NOMA}"


def build_sic(scenario: Scenario) -> Sic | None:
    """None where each upload has a band of its own."""
    if scenario.uplink.access != NOMA:
        return None
    return Sic(scenario.uplink.sic_residual)


def planned_as_pairs(scenario: Scenario, model: RateModel) -> RateModel:
    """The rate model, with which schemes plan for twice the band where two share it."""
    if scenario.uplink.access != NOMA:
        return model
    return NomaRate(model.kind, model.threshold)


def check_sharing(scenario: Scenario, scheme: Scheme) -> None:
    """Raises ScenarioError for schemes whose uploads cannot be paired."""
    if scenario.uplink.access == NOMA and scheme.asynchronous:
        raise ScenarioError(
            f"must be one that waits with {KEY}: pairs send in the same round",
            where="scenario: scheme.kind",
            value=scenario.scheme.kind,
        )


def with_pairs(plan: RoundPlan, observation: Observation, scheme: str) -> RoundPlan:
    """The plan with partners. Raises ScenarioError where a UE has several uploads."""
    if len(np.unique(plan.ue)) < len(plan.ue):
        raise ScenarioError(
            f"must send one upload of a UE in a round with {KEY}: its band is shared already",
            where="scenario: scheme.kind",
            value=scheme,
        )
    return paired(plan, observation.gnb, observation.signal_gain)


def partners(links: Links) -> IntArray:
    """That UEs would have if all of their gNBs' sent. [K]."""
    found = np.full(len(links), ALONE)
    here = links.ues_present
    found[here] = far_near(here, links.gnb[here], links.gain[here])
    return found


def disturbed(
    sic: Sic, links: Links, received_w: FloatArray, interference_w: FloatArray
) -> FloatArray:
    """What UEs hear of other cells and of their partners, whom their gNB receives so, W. [K]."""
    ue = np.arange(len(links))
    first, second = pairs_on_air(ue, partners(links), links.gain)
    heard_w = interference_w.copy()
    heard_w[second] = interference_w[first] + sic.residual * received_w[first]
    heard_w[first] += received_w[second]
    return heard_w


def success_in_pairs(
    sic: Sic, links: Links, alone: SuccessModel, power_w: float, threshold: float
) -> PairedSuccess:
    """lambda of UEs that share their bands."""
    return PairedSuccess(
        alone=alone,
        partner=partners(links),
        gain=links.gain,
        partner_w=power_w,
        threshold=threshold,
        residual=sic.residual,
    )
