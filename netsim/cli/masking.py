"""What secure aggregation costs, as `netsim validate` tells it."""

from __future__ import annotations

import numpy as np

from netsim.assembly.masking import build_masking
from netsim.cli.console import quantity
from netsim.scenario.model import Scenario
from netsim.units import IntArray


def masking_facts(scenario: Scenario, gnb: IntArray) -> list[tuple[str, str]]:
    """Bits for each UE if all of the fullest gNB's sent, [K] of UEs' gNBs."""
    rule = build_masking(scenario)
    if rule is None:
        return []
    members = int(np.bincount(gnb).max())
    up = quantity(rule.key_up_bits(members) + rule.answer_bits(members), "bit")
    down = quantity(rule.down_bits(members), "bit")
    told = f"{up} up, {down} down for each of {members} UEs, and room in each number"
    return [("secure aggregation, modelled", told)]
