"""Algorithm 2 in the simulator: its promises hold in the tables it leaves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.assembly import build_parts, build_simulation
from netsim.errors import InputError, ScenarioError
from netsim.protocols import Observation, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario
from netsim.schemes.model_switching import ModelSwitching

PAPER = Path(__file__).parents[2] / "topologies" / "paper.toml"
Simulate = Callable[..., MemorySink]
FAST = {"network_only": True, "data.train_samples": 400}
SWITCHING: dict[str, Any] = {"scheme.kind": "model_switching", "rounds": 12, "ues.count": 20}


@pytest.fixture(scope="module")
def paper() -> tuple[MemorySink, ModelSwitching]:
    """200 rounds of the preset of Section V, network only."""
    parts = build_parts(load_scenario(PAPER, FAST), Silence())
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    assert isinstance(parts.scheme, ModelSwitching)
    return sink, parts.scheme


def test_success_frequency_is_lambda_by_distance(paper: tuple[MemorySink, ModelSwitching]) -> None:
    sink, _ = paper
    lam = sink.frame("subscriptions").select("round", "ue", "module", "success_probability")
    uploads = sink.frame("uploads").join(lam, on=["round", "ue", "module"])
    assert len(uploads) > 10_000
    uploads = uploads.with_columns(
        (pl.col("outcome") != "outage").cast(pl.Float64).alias("met"),
        (pl.col("distance_m") // 100).alias("bin"),
    )
    bins = uploads.group_by("bin").agg(
        pl.col("met").mean(),
        pl.col("success_probability").mean().alias("expected"),
        (pl.col("success_probability") * (1 - pl.col("success_probability")))
        .sum()
        .sqrt()
        .alias("spread"),
        pl.len(),
    )
    bins = bins.filter(pl.col("len") >= 200)
    assert len(bins) >= 5
    for row in bins.iter_rows(named=True):
        assert abs(row["met"] - row["expected"]) < 4 * row["spread"] / row["len"]


def test_subscriptions_keep_their_limits_and_participation(
    paper: tuple[MemorySink, ModelSwitching], shortfall_bound: Callable[..., Any]
) -> None:
    sink, scheme = paper
    table = sink.frame("subscriptions")
    assert table["dual"].null_count() == 0
    assert (table["dual"] >= 0).all()
    assert table["success_probability"].is_between(0, 1).all()
    assert (table.group_by("round", "ue").agg(pl.col("subscribed").sum())["subscribed"] <= 1).all()
    # the guarantee is on beta over the rounds in which the UE was admissible
    always = (
        table.group_by("ue")
        .agg(pl.col("subscribed").sum())
        .filter(pl.col("subscribed") == 200)["ue"]
    )
    assert len(always) > 10
    rate = table.filter(pl.col("ue").is_in(always.implode())).group_by("ue", "module")
    worst = (0.1 - rate.agg(pl.col("subscribed").mean())["subscribed"]).max()
    spread = scheme.state()["spread"][always.to_numpy()]
    # M, and the step with it, has grown since the first round
    short = build_parts(load_scenario(PAPER, {**FAST, "rounds": 1}), Silence())
    build_simulation(short, MemorySink(), Silence()).run(short.scheme)
    growth = spread / short.scheme.state()["spread"][always.to_numpy()]
    bound = shortfall_bound(spread, spread / np.sqrt(200), 200, 4, growth=growth)
    assert worst <= bound.max()


def test_switching_uses_every_module_and_switches(paper: tuple[MemorySink, ModelSwitching]) -> None:
    chosen = paper[0].frame("subscriptions").filter(pl.col("subscribed"))
    assert set(chosen["module"].unique()) == {0, 1, 2, 3}
    one = chosen.filter(pl.col("ue") == chosen["ue"].mode()[0]).sort("round")["module"]
    assert (one.diff().drop_nulls() != 0).sum() > 10


def test_powers_lie_within_their_limits_and_save_energy(simulate: Simulate) -> None:
    controlled, highest = (
        simulate({**SWITCHING, "scheme.power_control": on, "scheme.mu": 1e6}).frame("uploads")
        for on in (True, False)
    )
    assert controlled["power_w"].is_between(1e-3, 0.2 + 1e-12).all()
    assert (highest["power_w"] == 0.2).all()
    assert controlled["power_w"].mean() < 0.95 * 0.2


def test_known_channels_finish_together(simulate: Simulate) -> None:
    uploads = simulate({**SWITCHING, "scheme.csi": "perfect", "scheme.mu": 0.0}).frame("uploads")
    sent = uploads.filter(pl.col("outcome") != "outage")
    assert (sent["outcome"] == "on_time").all()  # admission keeps E within the time left
    ends = sent.group_by("round").agg(
        pl.col("end_s").max() - pl.col("end_s").min(), pl.len().alias("n")
    )
    assert ends["n"].mean() > 5
    airtime = sent["airtime_s"].mean()
    assert ends["end_s"].max() < 1e-9 * airtime * 10
    assert (uploads["outcome"] == "outage").mean() < 0.05


def test_two_modules_per_ue(simulate: Simulate) -> None:
    sink = simulate(
        {**SWITCHING, "scheme.max_modules": 2, "scheme.csi": "perfect", "scheme.mu": 0.0}
    )
    uploads = sink.frame("uploads")
    pairs = uploads.group_by("round", "ue").agg(
        pl.len(), pl.col("sinr_db"), pl.col("power_w").sum()
    )
    pairs = pairs.filter(pl.col("len") == 2)
    assert len(pairs) > 10
    assert (
        pairs.select(
            (pl.col("sinr_db").list.max() - pl.col("sinr_db").list.min()).abs().max()
        ).item()
        < 1e-9
    )
    assert np.allclose(pairs["power_w"], 0.2)


@pytest.mark.parametrize(
    "overrides",
    [
        {"formulas": "paper", "downlink.bandwidth_hz": 1e10},
        {"scheme.prox_step": 0.1},
        {"scheme.switch_energy": "common"},
        {"round.alloc_start": "arrival"},
        {"round.deadline_s": float("inf"), "round.compute_limit_s": None},
        {"scheme.mu": 1e9},
        {"ues.count": 1},
        {"modules": [{"rank": 4}]},
    ],
)
def test_options_run_and_subscribe(simulate: Simulate, overrides: dict[str, Any]) -> None:
    sink = simulate({**SWITCHING, "rounds": 5, **overrides})
    assert len(sink.frame("rounds")) == 5
    assert sink.frame("rounds")["on_time"].sum() > 0


def test_a_ue_that_energy_keeps_out_comes_back(simulate: Simulate) -> None:
    """With a high price a UE first has no module; its dual climbs until it has one again."""
    sink = simulate({**SWITCHING, "scheme.mu": 1e8, "rounds": 80})
    late = sink.frame("rounds").filter(pl.col("round") > 20)
    assert late["subscribed"].sum() > 20


def test_paper_formulas_subscribe_for_bad_links(simulate: Simulate) -> None:
    """As printed, the reward of a subscription is 1 - lambda: the weakest link attracts most
    (docs/model/risk-bound.md).
    """
    same = {
        **SWITCHING,
        "rounds": 30,
        "scheme.mu": 0.0,
        "scheme.participation": 0.0,
        "ues.count": 30,
    }

    def mean_rank(formulas: str) -> float:
        w0 = {"downlink.w0_broadcast": "once"}
        table = (
            simulate({**same, **w0, "formulas": formulas})
            .frame("subscriptions")
            .filter(pl.col("subscribed"))
        )
        return float(table["module"].mean())  # type: ignore[arg-type]

    assert mean_rank("paper") > mean_rank("corrected") + 0.5


def test_state_restores_to_the_same_plans(network_scenario: Callable[..., Scenario]) -> None:
    scenario = network_scenario({**SWITCHING, "rounds": 6})
    parts = build_parts(scenario, Silence())
    simulation = build_simulation(parts, MemorySink(), Silence())
    simulation.run(parts.scheme)
    saved = copy.deepcopy(parts.scheme.state())
    first = parts.scheme.plan(simulation.observe())
    fresh = ModelSwitching()
    fresh.restore(saved)
    second = fresh.plan(simulation.observe())
    for name in ("ue", "module", "share", "power_w", "dual", "fraction", "success_probability"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_saved_state_that_no_run_reaches_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="the saved dual of model_switching must be finite"):
        ModelSwitching().restore({"dual": np.array([[0.0, value]])})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_modules": 0}, r"scheme\.max_modules: must be at least 1 \(found 0\)"),
        ({"mu": -1.0}, r"scheme\.mu: must be at least 0"),
        ({"prox_step": 0.0}, r"scheme\.prox_step: must be above 0"),
        ({"convexity": 3.24}, r"convexity: must be at most scheme\.smoothness, 1 .*3\.24"),
        ({"smoothness": 0.0}, "smoothness: must be above 0"),
    ],
)
def test_bad_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        ModelSwitching(**parameters)


def test_participation_must_be_possible() -> None:
    with pytest.raises(ScenarioError, match=r"scheme\.participation: .*sum to at most"):
        ModelSwitching(participation=0.5).ranks((4, 8, 16, 32))


def test_measured_gap_needs_learning(network_scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(ScenarioError, match="depend on training"):
        build_parts(
            network_scenario({"scheme.kind": "model_switching", "scheme.switch_gap": "bound"}),
            Silence(),
        )


def test_who_is_away_keeps_its_subscription_and_its_dual(
    observe: Callable[..., Observation],
) -> None:
    scheme, here = ModelSwitching(), np.arange(12) % 3 != 0
    scheme.plan(observe())
    before = {name: scheme.state()[name].copy() for name in ("subscribed", "fraction", "dual")}
    seen = observe(round=2)
    plan = scheme.plan(replace(seen, available=here, free_share=np.full(12, 0.5)))
    assert here[plan.ue].all()
    assert plan.share.sum() == pytest.approx(0.5)
    for name, old in before.items():
        assert np.array_equal(scheme.state()[name][~here], old[~here]), name
        assert np.isfinite(scheme.state()[name]).all()
    assert not np.array_equal(scheme.state()["dual"][here], before["dual"][here])
