"""One agent per gNB: PettingZoo's own tests, and that each decides about its UEs alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import netsim

pytest.importorskip("pettingzoo", reason="needs the extra gym: pip install '.[gym]'")

from netsim.gym import GnbsEnv, SchedulingEnv

HEX: dict[str, Any] = {
    "network_only": True,
    "federation": "network",
    "topology.kind": "hex",
    "topology.window_km": 3,
    "topology.density_per_km2": 1.0,
    "scheme.kind": "round_robin",
    "rounds": 12,
    "ues.count": 16,
    "data.train_samples": 200,
    "data.test_samples": 20,
}
WALK = {"mobility.kind": "random_waypoint"}


def actions_of(env: GnbsEnv, seed: int) -> dict[str, Any]:
    draws = np.random.Generator(np.random.PCG64(seed))
    return {agent: draws.integers(0, 5, 16) for agent in env.agents}


@pytest.mark.parametrize("world", [{}, WALK])
def test_pettingzoo_accepts_it(world: dict[str, Any]) -> None:
    from pettingzoo.test import parallel_api_test, parallel_seed_test

    parallel_api_test(GnbsEnv(overrides={**HEX, **world}), num_cycles=30)
    parallel_seed_test(lambda: GnbsEnv(overrides={**HEX, **world}), num_cycles=5)


def test_the_gnbs_together_are_the_scheduler_of_the_network() -> None:
    """The same rewards as `SchedulingEnv` given, of each UE, what its gNB decides."""
    apart, together = GnbsEnv(overrides=HEX | WALK), SchedulingEnv(overrides=HEX | WALK)
    assert len(apart.possible_agents) > 3
    apart.reset(seed=3)
    together.reset(seed=3)
    for turn in range(12):
        actions = actions_of(apart, turn)
        serving = together.observation.gnb
        decided = [actions[f"gnb{gnb}"][ue] for ue, gnb in enumerate(serving)]
        expected, reward, _, over, facts = together.step(np.array(decided))
        _, rewards, _, overs, infos = apart.step(actions)
        assert set(rewards.values()) == {reward}
        assert set(overs.values()) == {over}
        assert np.array_equal(apart.state(), expected)
        assert infos["gnb0"]["planned"] == facts["planned"]
    assert apart.agents == []


def test_an_agent_sees_the_ues_that_it_serves() -> None:
    env = GnbsEnv(overrides=HEX)
    seen, _ = env.reset(seed=3)
    whole = dict(zip(env.feature_names, env.state().tolist(), strict=False))
    served = np.zeros(16)
    for agent in env.agents:
        named = dict(zip(env.feature_names, seen[agent].tolist(), strict=True))
        for ue in range(16):
            own = named[f"ue{ue}.own"]
            served[ue] += own
            assert named[f"ue{ue}.efficiency"] == own * whole[f"ue{ue}.efficiency"]
        assert named["rounds"] == whole["rounds"]
    assert served.tolist() == [1] * 16


@pytest.mark.parametrize(
    ("over", "key"),
    [({"federation": "cell"}, "federation"), ({"topology.kind": "ppp"}, "topology.kind")],
)
def test_the_number_of_agents_is_known(over: dict[str, Any], key: str) -> None:
    with pytest.raises(netsim.InputError, match=key):
        GnbsEnv(overrides={**HEX, **over})


def test_each_agent_acts() -> None:
    env = GnbsEnv(overrides=HEX)
    env.reset(seed=3)
    actions = actions_of(env, 0)
    del actions["gnb1"]
    with pytest.raises(netsim.InputError, match="gnb1"):
        env.step(actions)
