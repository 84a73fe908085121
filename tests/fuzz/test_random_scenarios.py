"""Twenty random scenarios, others every day; by hand two hundred."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from random_scenarios import attempt, draw_scenario, names_two_keys, two_workers

COUNT = 20


def test_random_scenarios_balance_and_give_the_same_bytes(tmp_path: Path) -> None:
    seed = datetime.date.today().toordinal()
    draw = np.random.default_rng(seed)
    ran = number = 0
    with two_workers() as workers:
        while ran < COUNT:
            number += 1
            outcome = attempt(draw_scenario(draw), tmp_path / str(number), workers)
            assert not outcome.fault, (seed, number, outcome.fault, outcome.overrides)
            ran += not outcome.refused


def test_a_refusal_names_two_keys() -> None:
    assert names_two_keys("radio.fading: must be round with radio.rate_model = nr")
    assert names_two_keys("topology.boundary = guard needs federation = network")
    assert not names_two_keys("radio: background_ues needs interference = network")
    assert not names_two_keys("radio.carrier_hz: must be above 0")
