"""Does a learned scheduler beat round-robin, proportional fair and Algorithm 2?

    python analysis/learned_scheduler.py [--size cpu]

PPO on `netsim/Scheduling-v0`, network only: 20 UEs of the quickstart share 2 MHz, so that not all can
arrive, and one module is trained. A policy sees each UE's place in the cell, hardware and waiting
time, and the fading of the round, as proportional fair does (round-robin and Algorithm 2 do not look
at it); it says who sends, in equal shares at P_max. Reward per round:
payload that arrived (1: all of it), less 0.1 of the deadline's time, 0.1 of the energy of everybody's
computing, 0.1 of the planned uploads that were lost. All policies meet the same test seeds, none of
which was trained on; intervals of differences to round-robin are paired.

The network is one small perceptron for all UEs, fed with a UE's features and their means over the
cell, so what it learns of one UE holds for all. A round's reward depends on its own action alone,
therefore the discount is 0. Needs the extra `gym`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import figure_style
import findings
import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import study
import torch
from matplotlib.figure import Figure
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn

import netsim
from netsim.assembly import build_scheme
from netsim.gym import SchedulingEnv
from netsim.gym.features import KNOWN_CHANNEL, OF_UE
from netsim.protocols import RoundPlan
from netsim.results.intervals import mean_interval


@dataclass(frozen=True)
class Size:
    """How much is trained and tested."""

    steps: int
    seeds: int
    per_update: int
    overrides: dict[str, Any]


SIZES = {
    "small": Size(128, 2, 64, {"ues.count": 6, "rounds": 8}),
    "cpu": Size(60_000, 20, 1000, {"ues.count": 20, "rounds": 50}),
}
WORLD: dict[str, Any] = {
    "network_only": True,
    "radio.bandwidth_hz": 2e6,
    "modules": [{"rank": 8}],
    "data.train_samples": 2000,
}
SCHEMES: dict[str, dict[str, Any]] = {
    "round-robin, 10 UEs": {"scheme.kind": "round_robin", "scheme.ues_per_round": 10},
    "round-robin, 5 UEs": {"scheme.kind": "round_robin", "scheme.ues_per_round": 5},
    "proportional fair, 10 UEs": {"scheme.kind": "proportional_fair"},
    "proportional fair, Algorithm 1": {
        "scheme.kind": "proportional_fair",
        "scheme.bandwidth": "algorithm1",
    },
    "Algorithm 2": {"scheme.kind": "model_switching"},
}
BASELINE = "round-robin, 10 UEs"
RANDOM = "at random"
LEARNED = "PPO"
FIRST_TEST_SEED = 2**31  # training draws its seeds below
TRAINING_SEED = 1
HIDDEN = 32
VALUES = ("reward", "progress", "joules", "seconds", "lost", "progress_per_kj")

Policy = Callable[[SchedulingEnv, Any], RoundPlan]
"""A plan of the round that an environment is at, from what is seen of it."""


class PerUe(nn.Module):
    """Preferences [B, 2 K] (rest, send), and a summary [B, HIDDEN] for the value."""

    def __init__(self, inputs: int, ues: int) -> None:
        super().__init__()
        self.ues, self.features = ues, len(OF_UE) + 1  # and the known channel
        others = inputs - ues * self.features
        self.latent_dim_pi, self.latent_dim_vf = 2 * ues, HIDDEN
        width = 2 * self.features + others
        self.actor = _perceptron(width, 2)
        self.critic = _perceptron(width, HIDDEN)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(seen), self.forward_critic(seen)

    def forward_actor(self, seen: Tensor) -> Tensor:
        return torch.flatten(self.actor(self._rows(seen)), 1)

    def forward_critic(self, seen: Tensor) -> Tensor:
        return torch.mean(self.critic(self._rows(seen)), dim=1)

    def _rows(self, seen: Tensor) -> Tensor:
        """Per UE its features, their means, and what concerns all. [B, K, width]."""
        split = self.ues * self.features
        own = seen[:, :split].reshape(-1, self.features, self.ues).transpose(1, 2)
        mean = own.mean(dim=1, keepdim=True).expand_as(own)
        others = seen[:, None, split:].expand(-1, self.ues, -1)
        return torch.cat([own, mean, others], dim=2)


def _perceptron(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN),
        nn.Tanh(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.Tanh(),
        nn.Linear(HIDDEN, outputs),
    )


class PerUePolicy(ActorCriticPolicy):
    """The preferences are the logits of the actions themselves."""

    def _build_mlp_extractor(self) -> None:
        ues = len(self.action_space.nvec)
        self.mlp_extractor = PerUe(self.features_dim, ues)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        self.action_net = nn.Identity()
        self.optimizer = self.optimizer_class(
            self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs
        )


def environment(overrides: dict[str, Any]) -> SchedulingEnv:
    """Of the study's world."""
    made = gymnasium.make(
        "netsim/Scheduling-v0", overrides={**WORLD, **overrides}, know_channel=True
    )
    bare = made.unwrapped
    assert isinstance(bare, SchedulingEnv)
    assert bare.feature_names[len(OF_UE) * bare.ues] == f"ue0.{KNOWN_CHANNEL}"
    return bare


def trained(size: Size) -> PPO:
    """The learned scheduler."""
    torch.set_num_threads(1)
    model = PPO(
        PerUePolicy,
        environment(size.overrides),
        n_steps=size.per_update,
        batch_size=size.per_update // 4,
        n_epochs=6,
        learning_rate=1e-3,
        gamma=0.0,
        gae_lambda=0.0,
        ent_coef=0.001,
        seed=TRAINING_SEED,
        device="cpu",
    )
    return model.learn(size.steps)


def episode(env: SchedulingEnv, policy: Policy, seed: int) -> dict[str, float]:
    """Means per round of one test episode, and its progress per kilojoule."""
    seen, _ = env.reset(seed=seed)
    rows, over = [], False
    while not over:
        seen, reward, _, over, facts = env.carry_out(policy(env, seen))
        rows.append({**facts, "reward": reward})
    frame = pl.DataFrame([{name: row[name] for name in VALUES[:-1]} for row in rows])
    mean: dict[str, float] = frame.mean().row(0, named=True)
    return {**mean, "progress_per_kj": 1000 * facts["progress_per_joule"]}


def measure(size: Size) -> pl.DataFrame:
    """One row per policy and test seed."""
    model = trained(size)
    generator = np.random.default_rng(TRAINING_SEED)

    def learned(env: SchedulingEnv, seen: Any) -> RoundPlan:
        action, _ = model.predict(seen, deterministic=True)
        return env.plan(env.observation, action)

    def at_random(env: SchedulingEnv, _seen: Any) -> RoundPlan:
        return env.plan(env.observation, generator.integers(2, size=env.ues))

    rows = []
    seeds = [FIRST_TEST_SEED + number for number in range(size.seeds)]
    for name in (*SCHEMES, RANDOM, LEARNED):
        env = environment({**size.overrides, **SCHEMES.get(name, {})})
        for seed in seeds:
            scheme = build_scheme(env.scenario)  # begins anew: it may remember rounds

            def planned(env: SchedulingEnv, _seen: Any, scheme: Any = scheme) -> RoundPlan:
                plan: RoundPlan = scheme.plan(env.observation)
                return plan

            policy = {RANDOM: at_random, LEARNED: learned}.get(name, planned)
            rows.append({"policy": name, "seed": seed, **episode(env, policy, seed)})
        env.close()
    return pl.DataFrame(rows)


def against_baseline(rows: pl.DataFrame) -> pl.DataFrame:
    """Differences of the reward to round-robin's, paired by seed."""
    base = rows.filter(pl.col("policy") == BASELINE).select("seed", base="reward")
    found = []
    for (name,), group in rows.group_by("policy", maintain_order=True):
        pairs = group.join(base, on="seed")
        interval = mean_interval((pairs["reward"] - pairs["base"]).to_numpy())
        found.append(
            {
                "policy": name,
                "gain": interval.mean,
                "gain_low": interval.low,
                "gain_high": interval.high,
            }
        )
    return pl.DataFrame(found)


def verdict(gains: pl.DataFrame) -> str:
    """Whether the learned policy beats round-robin outside of the interval."""
    row = gains.filter(pl.col("policy") == LEARNED).row(0, named=True)
    told = findings.shown(row["gain"], row["gain_low"], row["gain_high"])
    beats = row["gain_low"] is not None and row["gain_low"] > 0
    word = "beats" if beats else "does not beat"
    return f"PPO {word} {BASELINE}, outside of the 95% interval: {told} of reward a round."


def report(rows: pl.DataFrame, gains: pl.DataFrame) -> str:
    """Means over test seeds, and the verdict."""
    table = findings.means(rows, ["policy"], VALUES).join(gains, on="policy", maintain_order="left")
    names = {
        "policy": "policy",
        "reward": "reward a round",
        "gain": f"more than {BASELINE}",
        "progress": "progress a round",
        "joules": "J a round",
        "seconds": "s a round",
        "lost": "lost",
        "progress_per_kj": "progress per kJ",
    }
    opening = findings.opening(__doc__ or "")
    return f"{opening}\n\n{findings.markdown(table, names)}\n\n{verdict(gains)}"


def draw(rows: pl.DataFrame) -> Figure:
    """Reward and progress per joule of each policy."""
    figure_style.use()
    figure, panels = plt.subplots(
        1, 2, sharey=True, figsize=(2 * figure_style.COLUMN_IN, 2.4), layout="constrained"
    )
    table = findings.means(rows, ["policy"], VALUES)
    for panel, name, label in zip(
        panels,
        ("reward", "progress_per_kj"),
        ("reward a round", "progress per kJ"),
        strict=True,
    ):
        half = (table[f"{name}_high"] - table[f"{name}_low"]).fill_null(0) / 2
        panel.barh(table["policy"], table[name], xerr=half)
        panel.set(xlabel=label)
    panels[0].invert_yaxis()
    return figure


def main(argv: Sequence[str] | None = None) -> None:
    """Train, test on the same seeds as the schemes, tabulate, draw."""
    asked = study.options(argv, __file__, __doc__, SIZES)
    size = SIZES[asked.size]
    try:
        rows = measure(size)
    except netsim.NetsimError as error:
        raise SystemExit(f"{asked.study}: {error}") from None
    gains = against_baseline(rows)
    text = report(rows, gains)
    findings.write(asked, rows, text, draw(rows), seeds=rows["seed"].unique().sort())


if __name__ == "__main__":
    main()
