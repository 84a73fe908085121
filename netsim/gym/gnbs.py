"""A PettingZoo environment: one agent per gNB, which schedules the UEs that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from netsim.assembly.topology import build_deployment
from netsim.errors import InputError
from netsim.gym.environments import SchedulingEnv
from netsim.gym.rewarding import Reward
from netsim.scenario.model import Scenario
from netsim.units import BoolArray, FloatArray, IntArray

try:
    from pettingzoo import ParallelEnv
except ImportError:
    raise InputError(
        "agents of gNBs need pettingzoo: pip install 'netsim-fedlora[gym]'", where="netsim.gym"
    ) from None

Facts = dict[str, dict[str, Any]]
Flags = dict[str, bool]
Step = tuple[dict[str, FloatArray], dict[str, float], Flags, Flags, Facts]


class GnbsEnv(ParallelEnv[str, FloatArray, IntArray]):
    """`netsim/Scheduling-v0` divided among the gNBs: they decide at once, for a common reward.

    Agent `gnb3` is the gNB at site 3. Its action is that of `SchedulingEnv`, one number for each of
    the K UEs; what it says of UEs that another gNB serves in the round changes nothing. It sees the
    features of `SchedulingEnv`, 0 in place of those of other gNBs' UEs, and for each UE whether it
    serves it. The reward is common, as gNBs interfere with one another and train the same modules.
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "netsim/Gnbs-v0", "render_modes": []}

    def __init__(
        self,
        scenario: Scenario | str | Path = "quickstart",
        overrides: Mapping[str, Any] | None = None,
        reward: Reward | None = None,
        know_channel: bool = False,
        out: str | Path | None = None,
    ) -> None:
        """As `SchedulingEnv`. Raises InputError for bad input, and unless the scenario has a known
        number of gNBs that learn.
        """
        self._network = SchedulingEnv(scenario, overrides, reward, know_channel, out)
        self.scenario = self._network.scenario
        self.possible_agents = [f"gnb{gnb}" for gnb in range(_gnbs(self.scenario))]
        self.agents: list[str] = []
        names, ues = self._network.feature_names, self._network.ues
        self.feature_names = [*names, *(f"ue{ue}.own" for ue in range(ues))]
        self._ue_of_feature = [_ue_of(name) for name in names]
        seen = spaces.Box(0.0, 1.0, (len(self.feature_names),), np.float32)
        self.observation_spaces = dict.fromkeys(self.possible_agents, seen)
        self.action_spaces = {
            agent: spaces.MultiDiscrete([self._network.modules + 1] * ues)
            for agent in self.possible_agents
        }

    # -- PettingZoo's interface --------------------------------------------------------------------

    def reset(
        self,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[dict[str, FloatArray], Facts]:
        """Open a run under `seed`; without one, under the next seed of the environment's own."""
        seen, facts = self._network.reset(seed=seed, options=options)
        self.agents = list(self.possible_agents)
        return self._seen_by_each(seen), {agent: dict(facts) for agent in self.agents}

    def step(self, actions: Mapping[str, IntArray]) -> Step:
        """Carry out a round as the gNBs decide, each about its UEs. [K] each."""
        missing = [agent for agent in self.agents if agent not in actions]
        if missing:
            raise InputError("each agent needs an action", where="actions", value=missing[0])
        chosen = np.stack([np.asarray(actions[agent]) for agent in self.agents])
        serving = self._network.observation.gnb
        action = chosen[serving, np.arange(len(serving))]
        seen, reward, reached, over, facts = self._network.step(action)
        found = self._seen_by_each(seen)
        agents = self.agents
        if reached or over:
            self.agents = []
        return (
            found,
            dict.fromkeys(agents, reward),
            dict.fromkeys(agents, reached),
            dict.fromkeys(agents, over),
            {agent: dict(facts) for agent in agents},
        )

    def observation_space(self, agent: str) -> spaces.Box:
        """The same for all."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.MultiDiscrete:
        """The same for all."""
        return self.action_spaces[agent]

    def state(self) -> FloatArray:
        """What all of them together see: the features of `SchedulingEnv`."""
        return self._state

    def render(self) -> None:
        """There is nothing to render: `out` and `netsim report` show an episode."""

    def close(self) -> None:
        """End the run that is open."""
        self._network.close()

    # -- what an agent sees ------------------------------------------------------------------------

    def _seen_by_each(self, seen: FloatArray) -> dict[str, FloatArray]:
        self._state = seen
        serving = self._network.observation.gnb
        return {
            agent: self._seen_by(seen, serving == gnb)
            for gnb, agent in enumerate(self.possible_agents)
        }

    def _seen_by(self, seen: FloatArray, own: BoolArray) -> FloatArray:
        """Features of the UEs that a gNB serves, own [K], those of nobody, and `own` itself."""
        of_nobody = [True]
        known = np.concatenate([own, of_nobody])[self._ue_of_feature]
        return np.concatenate([np.where(known, seen, 0.0), own]).astype(np.float32)


def _gnbs(scenario: Scenario) -> int:
    """How many gNBs learn, whatever the seed."""
    if scenario.federation != "network":
        rule = "must be network: where one gNB learns, netsim/Scheduling-v0 is its agent"
        raise InputError(rule, where="federation", value=scenario.federation)
    if scenario.topology.kind == "ppp":
        rule = "must be hex or file: a Poisson point process has as many gNBs as its seed draws"
        raise InputError(rule, where="topology.kind", value="ppp")
    return len(build_deployment(scenario).positions_m)


def _ue_of(feature: str) -> int:
    """The UE of a feature that is named as `ue3.wait`; -1 for what concerns all."""
    owner = feature.partition(".")[0]
    return int(owner.removeprefix("ue")) if owner.startswith("ue") else -1
