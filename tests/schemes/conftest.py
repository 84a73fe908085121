"""What a scheme sees in round 1 of a small network-only scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from netsim.assembly import build_parts, build_simulation
from netsim.protocols import Observation, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.model import Scenario


@pytest.fixture
def observe(network_scenario: Callable[..., Scenario]) -> Callable[..., Observation]:
    """Make the observation of a round, with overrides of the scenario."""

    def make(overrides: Mapping[str, Any] | None = None, round: int = 1) -> Observation:
        parts = build_parts(network_scenario(overrides), Silence())
        simulation = build_simulation(parts, MemorySink(), Silence())
        simulation.course.round = round - 1
        return simulation.observe()

    return make


@pytest.fixture
def observation(observe: Callable[..., Observation]) -> Observation:
    return observe()
