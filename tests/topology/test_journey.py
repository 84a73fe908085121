"""Handovers by event A3 of 3GPP TS 38.331: time to trigger for each neighbour, hysteresis, the best that is due."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from netsim.radio.pathloss import PowerLaw
from netsim.topology.deployment import Deployment
from netsim.topology.journey import Journey
from netsim.topology.landscape import Landscape
from netsim.units import FloatArray

SITES_M = np.array([[0.0, 0.0], [1000.0, 100.0], [1000.0, -100.0]])


class Path:
    """One UE that is at given places, one each second."""

    def __init__(self, places_m: list[tuple[float, float]]) -> None:
        self.places_m = np.array(places_m)

    def positions(self, times_s: FloatArray) -> FloatArray:
        step = np.minimum(np.rint(times_s).astype(int), len(self.places_m) - 1)
        return self.places_m[step][None]


def _journey(places_m: list[tuple[float, float]], trigger_s: float, hysteresis: float) -> Journey:
    deployment = Deployment(
        graph=nx.empty_graph(3),
        positions_m=SITES_M,
        density_per_m2=1e-6,
        learning_site=0,
        window_m=(-2e3, -2e3, 2e3, 2e3),
    )
    landscape = Landscape(
        deployment=deployment,
        pathloss=PowerLaw(4.0),
        seed=1,
        antenna_gain=1.0,
        min_distance_m=1.0,
        association="nearest",
        downlink_power_w=1.0,
        downlink_noise_w=1e-12,
    )
    return Journey(Path(places_m), landscape, 1.0, hysteresis, trigger_s)  # type: ignore[arg-type]


def _handovers(journey: Journey, until_s: float) -> list[tuple[float, int, int]]:
    return [
        (float(e.time_s[0]), int(e.from_gnb[0]), int(e.to_gnb[0]))
        for e in journey.handovers(0.0, until_s)
    ]


def test_each_neighbour_has_a_time_of_its_own() -> None:
    """Two neighbours take turns as the best; both are better than the own gNB all the time."""
    turns = [(100.0, 0.0)] + [(950.0, 20.0 if step % 2 else -20.0) for step in range(12)]
    assert _handovers(_journey(turns, 3.0, 1.0), 8.0) == [(4.0, 0, 1)]


def test_time_starts_anew_when_a_neighbour_is_no_longer_better() -> None:
    path = [(100.0, 0.0), (950.0, 20.0), (950.0, 20.0), (100.0, 0.0), *[(950.0, 20.0)] * 8]
    assert _handovers(_journey(path, 3.0, 1.0), 10.0) == [(7.0, 0, 1)]


def test_the_best_of_those_that_are_due_is_chosen() -> None:
    """The last one to become better is the best, but its time has not run yet."""
    path = [(100.0, 0.0), *[(640.0, 90.0)] * 3, *[(1000.0, -90.0)] * 6]
    ratio = 1.05 * (np.hypot(640, 90) / np.hypot(360, 190)) ** 4
    journey = _journey(path, 3.0, ratio)
    assert _handovers(journey, 4.0) == [(4.0, 0, 1)]
    assert _handovers(_journey(path, 3.0, 1.0), 4.0) == [(4.0, 0, 2)]


@pytest.mark.parametrize("stop", [2, 3])
def test_times_that_run_are_part_of_the_state(stop: int) -> None:
    path = [(100.0, 0.0)] + [(950.0, 20.0 if step % 2 else -20.0) for step in range(12)]
    whole, part = _journey(path, 3.0, 1.0), _journey(path, 3.0, 1.0)
    for step in range(stop):
        part.sample(step)
    again = _journey(path, 3.0, 1.0)
    again.sample(0)
    again.restore(part.state())
    assert _handovers(again, 8.0) == _handovers(whole, 8.0)
