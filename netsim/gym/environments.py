"""The environments: scheduling alone, and scheduling with shares and powers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from netsim.assembly import sizes
from netsim.errors import InputError, RunError
from netsim.gym.actions import powers_w, projected_plan, weights
from netsim.gym.episodes import Episodes
from netsim.gym.features import Features, Spent, feature_names
from netsim.gym.rewarding import Reward, Scales, Worth
from netsim.protocols import Observation, RoundOutcome, RoundPlan
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario
from netsim.simulation.session import Simulation
from netsim.units import FloatArray

MOST_SEED = 2**31
Step = tuple[FloatArray, float, bool, bool, dict[str, Any]]


class RoundEnv(gymnasium.Env[FloatArray, Any]):
    """One step is one round; K UEs and N modules.

    An episode is truncated where the scenario ends, and terminated where it ends because
    `stop.target_accuracy` is reached. `info` has the terms of the reward in their units, and at the
    end `stop_reason` and `progress_per_joule`.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(
        self,
        scenario: Scenario | str | Path = "quickstart",
        overrides: Mapping[str, Any] | None = None,
        reward: Reward | None = None,
        know_channel: bool = False,
        out: str | Path | None = None,
    ) -> None:
        """As `netsim.gym` says. Raises InputError for bad input."""
        scenario = load_scenario(scenario, overrides)
        if know_channel and (scenario.radio.fading, scenario.radio.interference) != (
            "round",
            "field",
        ):
            rule = "needs radio.fading = round and radio.interference = field"
            raise InputError(rule, where="know_channel", value=know_channel)
        self.reward = reward or Reward()
        self._know_channel = know_channel
        self.scenario = scenario
        self._episodes = Episodes(scenario, None if out is None else Path(out))
        self.ues, self.modules = sizes(scenario)
        self.feature_names = feature_names(self.ues, self.modules, know_channel)
        self.observation_space = spaces.Box(0.0, 1.0, (len(self.feature_names),), np.float32)
        self._simulation: Simulation | None = None

    # -- gymnasium's interface ---------------------------------------------------------------------

    def reset(
        self,
        *,
        seed: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Open a run under `seed`; without one, under the next seed of the environment's own."""
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(MOST_SEED))
        simulation = self._episodes.open(seed)
        self._simulation = simulation
        self._features = Features(self.ues, self.modules, self._know_channel)
        self._seen = simulation.observe()
        self._scales = _scales(self._seen)
        self._gained = 0.0
        return self._look(), {"seed": seed}

    def step(self, action: Any) -> Step:
        """Carry out a round as an action says."""
        if np.shape(action) != self.action_space.shape:
            rule = f"must have the shape {self.action_space.shape}"
            raise InputError(rule, where="action", value=np.shape(action))
        return self.carry_out(self.plan(self.observation, action))

    def carry_out(self, plan: RoundPlan) -> Step:
        """Carry out a round as any plan says: what a scheme would get in place of an action."""
        simulation = self._running
        before_j, accuracy = simulation.course.energy_j, simulation.course.accuracy
        outcome = simulation.step(plan)
        self._features.note(outcome)
        worth = Worth(
            progress=self._progress(outcome, accuracy),
            seconds=outcome.end_s - outcome.start_s,
            joules=simulation.course.energy_j - before_j,
            lost=1 - float(outcome.on_time.mean()) if len(outcome.on_time) else 0.0,
        )
        self._gained += worth.progress
        self._seen = simulation.observe()
        facts = self._facts(worth, outcome)
        reached = simulation.done and facts["stop_reason"] == "target_accuracy"
        over = simulation.done and not reached
        return self._look(), self.reward.of(worth, self._scales), reached, over, facts

    def close(self) -> None:
        """End the run that is open."""
        self._episodes.close()
        self._simulation = None

    @property
    def observation(self) -> Observation:
        """All that schemes may know of the round to come, of which the features are made."""
        _ = self._running
        return self._seen

    @property
    def _running(self) -> Simulation:
        if self._simulation is None:
            raise RunError("the environment must be reset before its first step")
        return self._simulation

    # -- what the environments differ in -----------------------------------------------------------

    def plan(self, seen: Observation, action: Any) -> RoundPlan:
        """The feasible plan that is nearest to an action."""
        raise NotImplementedError

    # -- terms -------------------------------------------------------------------------------------

    def _progress(self, outcome: RoundOutcome, accuracy: float | None) -> float:
        """As `Reward` has it."""
        simulation = self._running
        if simulation.learner is not None:
            after = simulation.course.accuracy
            return 0.0 if after is None or accuracy is None else 100 * (after - accuracy)
        plan, sizes = outcome.plan, self._seen.payload_bits
        arrived = plan.module[outcome.on_time]
        rank = None if plan.rank is None else plan.rank[outcome.on_time]
        bits = self._seen.payload_of(arrived, rank)
        return float(bits.sum() / (self.ues * sizes.mean()))

    def _facts(self, worth: Worth, outcome: RoundOutcome) -> dict[str, Any]:
        simulation = self._running
        facts: dict[str, Any] = {
            "progress": worth.progress,
            "seconds": worth.seconds,
            "joules": worth.joules,
            "lost": worth.lost,
            "planned": len(outcome.plan.ue),
            "on_time": int(outcome.on_time.sum()),
        }
        if simulation.done:
            spent_j = simulation.course.energy_j
            facts["stop_reason"] = simulation.end.reason
            facts["progress_per_joule"] = self._gained / spent_j if spent_j else 0.0
        return facts

    def _look(self) -> FloatArray:
        simulation = self._running
        stop, course = self.scenario.stop, simulation.course
        spent = Spent(
            rounds=course.round / max(self.scenario.rounds, 1),
            time=simulation.now_s / (stop.simulated_s or np.inf),
            energy=course.energy_j / (stop.energy_j or np.inf),
            accuracy=course.accuracy or 0.0,
        )
        return self._features.look(self._seen, spent)


class SchedulingEnv(RoundEnv):
    """Which UEs train which module: action k is 1 + module, or 0: UE k rests. [K].

    Shares are equal; everybody sends at P_max, or at the power that power control sets.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.action_space = spaces.MultiDiscrete([self.modules + 1] * self.ues)

    def plan(self, seen: Observation, action: Any) -> RoundPlan:
        """Equal shares for those who do not rest and are available."""
        wanted = np.asarray(action)[:, np.newaxis] == 1 + np.arange(self.modules)
        everybody = np.ones(self.ues)
        return projected_plan(seen, wanted, everybody, everybody * seen.max_power_w)


class AllocationEnv(RoundEnv):
    """Which UEs train which modules, in which shares, at which powers: K x (N + 2), flat, -1 to 1.

    Of each UE: N entries, one per module, which is trained where the entry is positive; the weight
    of its share, -1 to 1 for 1 to 100, which the UEs of a gNB divide its free band by; its power,
    from the scenario's least (or 30 dB below the most) to the most, in equal steps of dB.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.action_space = spaces.Box(-1.0, 1.0, (self.ues * (self.modules + 2),), np.float32)

    def plan(self, seen: Observation, action: Any) -> RoundPlan:
        """The band is always divided whole, and no UE sends with more than P_max."""
        level = np.asarray(action, dtype=np.float64).reshape(self.ues, self.modules + 2)
        if not np.isfinite(level).all():
            raise InputError("must be finite numbers", where="action")
        return projected_plan(
            seen,
            level[:, : self.modules] > 0,
            weights(level[:, -2]),
            powers_w(seen, level[:, -1]),
        )


def _scales(seen: Observation) -> Scales:
    deadline_s = seen.deadline_s
    return Scales(
        seconds=deadline_s if np.isfinite(deadline_s) else 1.0,
        joules=float(seen.compute_energy_j.sum()),
    )
