"""What masked uploads and shared bands come to, as `netsim validate` tells it."""

from __future__ import annotations

import numpy as np

from netsim.assembly.masking import build_masking
from netsim.cli.console import quantity
from netsim.scenario.model import Scenario
from netsim.scenario.uplink import NOMA
from netsim.units import IntArray


def uplink_facts(scenario: Scenario, gnb: IntArray) -> list[tuple[str, str]]:
    """Of both; gnb: of UEs, [K]."""
    return [*_masking_facts(scenario, gnb), *_pairing_facts(scenario, gnb)]


def _masking_facts(scenario: Scenario, gnb: IntArray) -> list[tuple[str, str]]:
    """Bits for each UE if all of the fullest gNB's sent, [K] of UEs' gNBs."""
    rule = build_masking(scenario)
    if rule is None:
        return []
    members = int(np.bincount(gnb).max())
    up = quantity(rule.key_up_bits(members) + rule.answer_bits(members), "bit")
    down = quantity(rule.down_bits(members), "bit")
    told = f"{up} up, {down} down for each of {members} UEs, and room in each number"
    return [("secure aggregation, modelled", told)]


def _pairing_facts(scenario: Scenario, gnb: IntArray) -> list[tuple[str, str]]:
    """How many bands there are if all of the fullest gNB's sent, [K] of UEs' gNBs."""
    if scenario.uplink.access != NOMA:
        return []
    members = int(np.bincount(gnb).max())
    told = f"{-(-members // 2)} for {members} UEs, nearest with farthest"
    return [("bands that two UEs share", told)]
