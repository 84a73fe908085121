"""FedLoRA: one adapter for all."""

from __future__ import annotations

import pytest

from netsim.protocols import Observation
from netsim.schemes.fedlora import FedLora


def test_fedlora_is_one_adapter_for_all(observation: Observation) -> None:
    scheme = FedLora(rank=8)
    assert scheme.ranks((4, 8)) == (8,)
    plan = scheme.plan(observation)
    assert plan.ue.tolist() == list(range(12))
    assert set(plan.module.tolist()) == {0}
    assert plan.share.sum() == pytest.approx(1.0)
