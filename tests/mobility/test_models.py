"""Mobility models: functions of (seed, UE, time), inside their region, with the speeds they
promise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from netsim import rng
from netsim.errors import ScenarioError
from netsim.mobility.models import (
    ENTRY_POINTS,
    GaussMarkov,
    RandomWaypoint,
    Static,
    mobility_class,
)
from netsim.mobility.region import Disc, Rectangle, Region, Torus
from netsim.plugins import plugin_names

WINDOW = (-300.0, 0.0, 500.0, 400.0)
REGIONS = {
    "disc": Disc((50.0, -20.0), 400.0),
    "rectangle": Rectangle(WINDOW),
    "torus": Torus(WINDOW),
}
MODELS = {
    "waypoint": RandomWaypoint(5.0, 15.0, 10.0),
    "brisk": RandomWaypoint(20.0, 20.0),
    "gauss": GaussMarkov(10.0, 20.0, 1.0),
}
TIMES = np.arange(0.0, 400.0, 2.5)


def _start(region: Region, count: int) -> Any:
    return region.uniform(rng.stream(1, "start").random((count, 2)))


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("model", MODELS)
def test_a_function_of_seed_ue_and_time(model: str, region: str) -> None:
    """More UEs, other times, another order of asking: the same places. Another seed: others."""
    where = REGIONS[region]
    start = _start(where, 12)
    whole = MODELS[model].motion(start, where, seed=3).positions(TIMES)
    few = MODELS[model].motion(start[:5], where, seed=3)
    late = few.positions(TIMES[-1:])
    assert late.tolist() == whole[:5, -1:].tolist()
    assert few.positions(TIMES[::-1])[:, ::-1].tolist() == whole[:5].tolist()
    assert np.abs(MODELS[model].motion(start, where, seed=4).positions(TIMES) - whole).max() > 10
    assert np.abs(whole[:, 0] - start).max() < 1e-9


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("model", MODELS)
def test_inside_the_region(model: str, region: str) -> None:
    where = REGIONS[region]
    places = MODELS[model].motion(_start(where, 60), where, seed=3).positions(TIMES)
    if isinstance(where, Disc):
        assert np.hypot(*(places - where.centre_m).T).max() <= where.radius_m + 1e-9
    else:
        assert (places >= np.array(WINDOW[:2]) - 1e-9).all()
        assert (places <= np.array(WINDOW[2:]) + 1e-9).all()


def test_speeds_of_the_random_waypoint() -> None:
    """Between its bounds, or 0 in a pause; 20 m/s throughout where both bounds are."""
    region = REGIONS["rectangle"]
    times = np.arange(0, 300, 0.25)
    for model, low, high in ((MODELS["brisk"], 20.0, 20.0), (MODELS["waypoint"], 5.0, 15.0)):
        places = model.motion(_start(region, 40), region, seed=5).positions(times)
        speed = np.hypot(*np.diff(places, axis=1).T) / 0.25
        straight = speed[(speed > 1e-9) & (np.abs(np.diff(speed, axis=0, prepend=-1)) < 1e-9)]
        assert straight.min() >= low - 1e-6
        assert straight.max() <= high + 1e-6
    assert ((speed < 1e-9).mean() > 0.05) & ((speed < 1e-9).mean() < 0.5)


@pytest.mark.parametrize(
    ("model", "region"),
    [("brisk", "torus"), ("gauss", "rectangle"), ("gauss", "disc"), ("gauss", "torus")],
)
def test_ues_stay_uniform(model: str, region: str) -> None:
    """Where the docstrings say so: places at a late time are uniform. (The waypoint model in a disc
    is not.)
    """
    where = REGIONS[region]

    def p_value(model: str) -> float:
        places = (
            MODELS[model]
            .motion(_start(where, 4000), where, seed=8)
            .positions(np.array([150.0]))[:, 0]
        )
        if isinstance(where, Disc):
            return float(
                kstest(
                    (np.hypot(*(places - where.centre_m).T) / where.radius_m) ** 2, "uniform"
                ).pvalue
            )
        unit = (places - np.array(WINDOW[:2])) / (np.array(WINDOW[2:]) - np.array(WINDOW[:2]))
        return float(min(kstest(unit[:, axis], "uniform").pvalue for axis in (0, 1)))

    assert p_value(model) > 1e-3
    if region == "disc":
        assert p_value("brisk") < 1e-6


def test_gauss_markov_has_its_mean_speed_and_memory() -> None:
    region = Torus((0, 0, 1e6, 1e6))
    model = GaussMarkov(10.0, 20.0, 0.5)
    places = model.motion(np.full((4000, 2), 5e5), region, seed=2).positions(
        np.arange(0, 40.5, 0.5)
    )
    velocity = np.diff(places, axis=1) / 0.5
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    for step in (0, 40, -1):
        assert speed[:, step].mean() == pytest.approx(10.0, abs=4 * 5.2 / np.sqrt(4000))
    correlation = (velocity[:, 0] * velocity[:, 40]).mean() / (velocity[:, 0] ** 2).mean()
    assert correlation == pytest.approx(np.exp(-1), abs=0.05)


def test_long_walks_on_a_torus_take_the_short_way() -> None:
    region = Torus((0, 0, 1000, 1000))
    motion = RandomWaypoint(10, 10).motion(np.array([[990.0, 500.0]] * 200), region, seed=1)
    assert max(times[1] for times in motion_turns(motion)) <= np.hypot(500, 500) / 10


def motion_turns(motion: Any) -> list[Any]:
    motion.positions(np.array([1.0]))
    return list(motion.turns_s())


def test_static() -> None:
    start = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert Static().motion(start, REGIONS["disc"], seed=1).positions(np.arange(3.0)).tolist() == [
        [[1, 2]] * 3,
        [[3, 4]] * 3,
    ]


def test_models_are_found_by_name() -> None:
    assert {"static", "random_waypoint", "gauss_markov", "replay"} <= set(
        plugin_names(ENTRY_POINTS)
    )
    assert mobility_class("gauss_markov") is GaussMarkov
    with pytest.raises(ScenarioError, match=r"mobility\.kind: must be one of"):
        mobility_class("teleport")


@pytest.mark.parametrize(
    ("model", "values", "key"),
    [
        (
            RandomWaypoint,
            {"min_speed_m_s": 0.0},
            "min_speed_m_s: must be above 0",
        ),
        (
            RandomWaypoint,
            {"max_speed_m_s": 0.1},
            "max_speed_m_s: must be at least mobility.min_speed_m_s, 0.5",
        ),
        (RandomWaypoint, {"max_pause_s": np.nan}, "max_pause_s"),
        (GaussMarkov, {"memory_s": 0.0}, "memory_s"),
        (GaussMarkov, {"step_s": np.inf}, "step_s"),
        (Disc, {"centre_m": (0, 0), "radius_m": 0.0}, "extent"),
        (Torus, {"window_m": (0, 0, 0, 5)}, "extent"),
    ],
)
def test_bad_parameters(model: Any, values: dict[str, Any], key: str) -> None:
    with pytest.raises(ScenarioError, match=key):
        model(**values)
