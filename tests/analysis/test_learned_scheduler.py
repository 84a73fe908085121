"""The learned scheduler in small: it trains, meets the schemes' seeds, and its verdict is told."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

# Not imported to find out: that takes seconds, in each process that collects tests.
pytestmark = pytest.mark.skipif(
    find_spec("stable_baselines3") is None, reason="needs the extra gym: pip install '.[gym]'"
)


def test_small(study: Callable[..., Path]) -> None:
    out = study("learned_scheduler")
    rows = pl.read_parquet(out / "results" / "learned_scheduler-small.parquet")
    per_policy = rows.group_by("policy").agg(pl.col("seed").sort())
    assert len(per_policy) == 7
    assert per_policy["seed"].n_unique() == 1
    assert (rows["progress"] <= 1).all()
    assert (rows["joules"] > 0).all()
    text = (out / "results" / "learned_scheduler-small.md").read_text(encoding="utf-8")
    assert "of reward a round." in text


def test_the_verdict_follows_the_interval(scripts: None) -> None:
    import learned_scheduler

    def told(low: float) -> str:
        gain = {"policy": ["PPO"], "gain": [0.1], "gain_low": [low], "gain_high": [0.2 - low]}
        return str(learned_scheduler.verdict(pl.DataFrame(gain)))

    assert "PPO beats round-robin" in told(0.05)
    assert "PPO does not beat round-robin" in told(-0.05)


def test_what_is_learned_of_a_ue_holds_for_all(scripts: None) -> None:
    """The policy is equivariant: UEs in another order get their preferences in that order."""
    import learned_scheduler
    import torch

    torch.manual_seed(0)
    features = len(learned_scheduler.OF_UE) + 1
    net = learned_scheduler.PerUe(5 * features + 3, ues=5)
    seen = torch.rand(1, 5 * features + 3)
    order = torch.tensor([3, 0, 4, 1, 2])
    other = seen.clone()
    other[:, : 5 * features] = seen[:, : 5 * features].reshape(features, 5)[:, order].reshape(1, -1)
    first, second = (net.forward_actor(x).reshape(5, 2) for x in (seen, other))
    assert torch.allclose(first[order], second, atol=1e-6)
    assert torch.allclose(net.forward_critic(seen), net.forward_critic(other), atol=1e-6)
