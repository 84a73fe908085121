"""The environments: gymnasium's and stable-baselines3's checkers, seeds, feasibility, memory."""

from __future__ import annotations

import gc
import os
import re
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pace import slowness

import netsim

gymnasium = pytest.importorskip("gymnasium", reason="needs the extra gym: pip install '.[gym]'")

from netsim.gym import AllocationEnv, Reward, SchedulingEnv  # noqa: E402
from netsim.gym.rewarding import Scales, Worth  # noqa: E402

SMALL: dict[str, Any] = {
    "network_only": True,
    "scheme.kind": "round_robin",
    "rounds": 12,
    "ues.count": 8,
    "topology.window_km": 6,
    "data.train_samples": 200,
    "data.test_samples": 20,
}
IDS = ["netsim/Scheduling-v0", "netsim/Allocation-v0"]
WORLDS: dict[str, dict[str, Any]] = {
    "cell": {},
    "stale": {
        "round.late_uploads": "stale",
        "round.alloc_start": "arrival",
        "round.deadline_s": 1.0,
        "round.compute_limit_s": None,
        "radio.bandwidth_hz": 1e6,
    },
    "cells": {"federation": "network", "ues.count": 16},
    "moving": {"mobility.kind": "random_waypoint", "federation": "network", "ues.count": 16},
    "nr": {"radio.preset": "nr-fr1-20mhz"},
}


def make(kind: str = IDS[0], overrides: dict[str, Any] | None = None, **named: Any) -> Any:
    return gymnasium.make(kind, overrides={**SMALL, **(overrides or {})}, **named).unwrapped


def random_steps(env: Any, steps: int, seed: int) -> list[Any]:
    """What a random policy meets, from a reset on; the next episode follows when one is over."""
    env.action_space.seed(seed)
    met = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        seen, reward, reached, over, facts = env.step(env.action_space.sample())
        met += [seen, reward, facts["joules"], facts["seconds"]]
        if reached or over:
            met.append(env.reset()[0])
    return met


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.filterwarnings("error::UserWarning")
def test_checkers_pass(kind: str) -> None:
    from gymnasium.utils.env_checker import check_env

    check_env(make(kind))
    sb3 = pytest.importorskip("stable_baselines3.common.env_checker", reason="needs the extra gym")
    sb3.check_env(make(kind))


@pytest.mark.parametrize("world", WORLDS)
def test_any_action_is_carried_out(world: str) -> None:
    """Projection: no action breaks the rules of a plan, wherever UEs are busy, away or many."""
    for env in (make(kind, WORLDS[world]) for kind in IDS):
        seen = [item for item in random_steps(env, 15, seed=2) if isinstance(item, np.ndarray)]
        assert len(seen) > 15
        assert all(env.observation_space.contains(item) for item in seen)


@pytest.mark.parametrize("kind", IDS)
def test_same_seed_same_trajectory(kind: str) -> None:
    first, second = (random_steps(make(kind), 30, seed=5) for _ in range(2))
    assert len(first) == len(second)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    other = random_steps(make(kind), 30, seed=6)
    assert not np.array_equal(first[0], other[0])


def test_all_policies_meet_the_same_numbers() -> None:
    """Places and fading follow from the seed alone, not from what was done before."""
    rests, works = make(know_channel=True), make(know_channel=True)
    columns = [n.endswith(("efficiency", "success")) for n in rests.feature_names]
    assert sum(columns) == 3 * rests.ues
    rests.reset(seed=3)
    works.reset(seed=3)
    for _ in range(5):
        alone = rests.step(np.zeros(8, dtype=int))[0]
        busy = works.step(np.ones(8, dtype=int))[0]
        assert np.array_equal(alone[columns], busy[columns])


def test_what_is_seen_is_what_its_names_say() -> None:
    env = make()
    env.reset(seed=1)
    action = np.array([1, 2, 3, 4, 1, 0, 0, 0])
    for _ in range(3):
        seen, *_, facts = env.step(action)
    named = dict(zip(env.feature_names, seen.tolist(), strict=True))
    on_time = sum(named[f"ue{ue}.arrived"] for ue in range(8))
    assert on_time == facts["on_time"] > 0
    assert sum(named[f"ue{ue}.lost"] for ue in range(8)) == facts["planned"] - on_time
    assert named["ue7.wait"] == pytest.approx(3 / 13)
    assert named["ue7.served"] == 0
    assert named["rounds"] == pytest.approx(3 / 12)
    assert sum(named[f"module{n}.arrivals"] for n in range(4)) == pytest.approx(1)


def test_an_action_is_the_plan_it_says() -> None:
    env = make(IDS[1])
    env.reset(seed=1)
    level = np.full((8, 6), -1.0)
    level[2, [0, 3]] = 1.0  # UE 2 trains two modules
    level[2, 4:] = 1.0  # with the most weight, at P_max
    level[5, 1] = 0.1
    plan = env.plan(env.observation, level.ravel())
    assert plan.ue.tolist() == [2, 2, 5]
    assert plan.module.tolist() == [0, 3, 1]
    assert plan.share.sum() == pytest.approx(1)
    assert plan.share[:2].sum() / plan.share[2] == pytest.approx(100)
    most_w = env.observation.max_power_w
    assert plan.power_w[:2].sum() == pytest.approx(most_w)
    assert plan.power_w[2] == pytest.approx(max(env.observation.min_power_w, most_w / 1000))


def test_the_reward_is_as_written() -> None:
    reward = Reward(progress=2, seconds=3, joules=5, outage=7)
    worth = Worth(progress=0.5, seconds=4.0, joules=30.0, lost=0.25)
    assert reward.of(worth, Scales(seconds=8.0, joules=100.0)) == pytest.approx(
        2 * 0.5 - 3 * 0.5 - 5 * 0.3 - 7 * 0.25
    )


def test_payload_progress_counts_what_arrived(tmp_path: Path) -> None:
    """Summed over an episode it is the on-time bits of the run's own tables."""
    env = make(out=tmp_path)
    env.action_space.seed(1)
    env.reset(seed=4)
    over, progress, joules = False, 0.0, 0.0
    while not over:
        *_, over, facts = env.step(env.action_space.sample())
        progress += facts["progress"]
        joules += facts["joules"]
    sizes = env.observation.payload_bits
    env.close()
    (folder,) = tmp_path.iterdir()
    run = netsim.open_run(folder)
    assert (run.metadata["status"], run.metadata["seed"]) == ("done", 4)
    uploads = run.uploads.collect()
    bits = uploads.filter(uploads["outcome"] == "on_time")["payload_bits"].sum()
    assert progress == pytest.approx(bits / (8 * sizes.mean()))
    assert joules == pytest.approx(run.metadata["energy_j"])
    assert facts["progress_per_joule"] == pytest.approx(progress / joules)


def test_the_run_behind_an_episode_is_that_of_a_session(tmp_path: Path) -> None:
    """In memory all runs share the rows that nobody reads; in a folder each has its own."""
    action = np.array([1, 0, 2, 0, 3, 0, 4, 0])
    memory, folder = make(), make(out=tmp_path)
    for env in (memory, folder):
        env.reset(seed=11)
    for _ in range(3):
        assert np.array_equal(memory.step(action)[0], folder.step(action)[0])
    folder.close()


def test_episodes_end_as_the_scenario_says() -> None:
    env = make(overrides={"stop.energy_j": 30.0})
    env.reset(seed=1)
    over, steps = False, 0
    while not over:
        *_, reached, over, facts = env.step(np.ones(8, dtype=int))
        steps += 1
        assert not reached
    assert steps < SMALL["rounds"]
    assert facts["stop_reason"] == "energy_j"
    with pytest.raises(netsim.RunError, match="the run is over"):
        env.step(np.ones(8, dtype=int))


def test_accuracy_is_the_progress_where_modules_learn() -> None:
    learns = {"network_only": False, "rounds": 2, "ues.count": 4, "data.samples_per_ue": 20}
    env = make(overrides=learns)
    env.reset(seed=1)
    before = env._running.course.accuracy
    action = np.ones(4, dtype=int)
    seen, _, reached, over, facts = env.step(action)
    after = env._running.course.accuracy
    named = dict(zip(env.feature_names, seen.tolist(), strict=True))
    assert (reached, over) == (False, False)
    assert facts["progress"] == pytest.approx(100 * (after - before))
    assert named["accuracy"] == pytest.approx(after)
    assert after > before  # so that a target between the two is reached by the round
    env.close()

    env = make(overrides={**learns, "stop.target_accuracy": after})
    env.reset(seed=1)
    *_, reached, over, facts = env.step(action)
    assert (reached, over, facts["stop_reason"]) == (True, False, "target_accuracy")
    env.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vectors_of_environments(mode: str) -> None:
    many = gymnasium.make_vec(IDS[0], num_envs=2, vectorization_mode=mode, overrides=SMALL)
    seen, _ = many.reset(seed=[1, 2])
    alone, _ = make().reset(seed=2)
    assert np.array_equal(seen[1], alone)
    for _ in range(15):  # over the end of an episode
        seen, reward, *_ = many.step(np.ones((2, 8), dtype=int))
    assert seen.shape == (2, len(alone))
    assert np.isfinite(reward).all()
    many.close()


def test_steps_leak_nothing() -> None:
    """A round leaves less than 900 bytes, of what is counted and of the process as a whole.

    What Python allocates is counted: a process has megabytes of free memory that hide small leaks.
    Libraries allocate what nobody counts: for that, many more rounds.
    """
    env = make(overrides={"ues.count": 2, "rounds": 100})
    env.action_space.seed(0)
    env.reset(seed=0)

    def go_on(steps: int) -> None:
        for _ in range(steps):
            *_, over, _ = env.step(env.action_space.sample())
            if over:
                env.reset()
        gc.collect()

    tracemalloc.start()
    try:
        go_on(200)
        before = tracemalloc.get_traced_memory()[0]
        go_on(200)
        assert tracemalloc.get_traced_memory()[0] - before < 900 * 200
    finally:
        tracemalloc.stop()
    resident = _resident_bytes()
    go_on(2000)
    assert _resident_bytes() - resident < 900 * 2000


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_steps_are_quick() -> None:
    """500 rounds in a second of CPU at 20 UEs; several were measured, and other work disturbs."""
    env = make(overrides={"ues.count": 20, "rounds": 10_000})
    env.reset(seed=1)
    action = np.ones(20, dtype=int)
    times = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(100):
            env.step(action)
        times.append(time.process_time() - begun)
    assert 100 / min(times) * slowness() > 500


def test_the_snippet_of_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "netsim" / "docs" / "howto" / "gym.md"
    found = re.search(
        r"```python\n# environment\.py\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None
    exec(found[1], {})
    assert capsys.readouterr().out.startswith("rounds ")


def test_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(netsim.ScenarioError, match="unknown key"):
        make(overrides={"radio.bandwith_hz": 1e6})
    with pytest.raises(netsim.InputError, match=r"know_channel: needs radio\.fading = round"):
        make(overrides={"radio.fading": "block"}, know_channel=True)
    with pytest.raises(netsim.InputError, match=r"reward\.joules: must be finite and not negative"):
        Reward(joules=-1)
    scenario = netsim.load_scenario("quickstart", SMALL)
    with pytest.raises(netsim.RunError, match="must be reset"):
        SchedulingEnv(scenario).step(np.zeros(8, dtype=int))
    env = AllocationEnv(scenario)
    env.reset(seed=1)
    with pytest.raises(netsim.InputError, match="action: must be finite"):
        env.step(np.full(48, np.nan))
    with pytest.raises(netsim.InputError, match=r"action: must have the shape \(48,\)"):
        env.step(np.zeros(47))


def test_import_without_gymnasium_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import sys

    monkeypatch.setitem(sys.modules, "gymnasium", None)
    monkeypatch.delitem(sys.modules, "netsim.gym")
    with pytest.raises(netsim.InputError, match=r"pip install 'netsim-fedlora\[gym\]'"):
        importlib.import_module("netsim.gym")
