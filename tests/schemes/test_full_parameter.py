"""Full-parameter training: every weight on the air."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netsim.assembly import build_parts
from netsim.protocols import Observation, Silence
from netsim.scenario.model import Scenario
from netsim.schemes.full_parameter import FullParameter


def test_one_module_for_everybody(observation: Observation) -> None:
    scheme = FullParameter()
    assert scheme.ranks((4, 8)) == (0,)
    plan = scheme.plan(observation)
    assert plan.ue.tolist() == list(range(12))
    assert not plan.module.any()
    assert plan.rank is None


def test_payload_is_the_model_and_computing_costs_half_more(
    network_scenario: Callable[..., Scenario],
) -> None:
    full = build_parts(network_scenario({"scheme.kind": "full_parameter"}), Silence())
    lora = build_parts(network_scenario({"scheme.kind": "fedlora"}), Silence())
    assert full.setting.payloads.bits[0] > full.setting.payloads.foundation_bits  # the head besides
    assert full.setting.payloads.bits[0] > 10 * lora.setting.payloads.bits[0]
    assert np.allclose(full.setting.fleet.compute_s, 1.5 * lora.setting.fleet.compute_s, rtol=1e-12)
