"""What every registered scheme keeps, whoever wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.assembly.parts import build_scheme
from netsim.assembly.planning import PerfectKnowledge
from netsim.plugins import parameters
from netsim.protocols import Silence
from netsim.results.checks import check_run
from netsim.results.reader import Run
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario
from netsim.schemes.base import scheme_class, scheme_names
from netsim.schemes.one_adapter import OneAdapter

ROUNDS, UES = 4, 12
NETWORK: dict[str, Any] = {
    "network_only": True,
    "rounds": ROUNDS,
    "ues.count": UES,
    "topology.window_km": 8,
    "data.train_samples": 400,
    "data.test_samples": 50,
}

STALE: dict[str, Any] = {
    "round.late_uploads": "stale",
    "round.alloc_start": "arrival",
    "round.deadline_s": 2.0,
    "round.compute_limit_s": None,
    "ues.count": 30,
}
LEARNT: dict[str, Any] = {
    "network_only": False,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "learning.local_steps": 1,
    "learning.workers": 1,
}
UNTRAINED: dict[str, dict[str, Any]] = {
    "hetlora": {"scheme.prune": False},  # what needs no training
    "oort": LEARNT,  # what can't do without
    "power_of_choice": LEARNT,
}
LOADED = Loaded()


ON_FEDLORA = ("fedadam", "fedavgm", "fedprox", "fedyogi", "scaffold")
SHOWN = ("scheme.kind", "scheme.bandwidth", "scheme.prune", "round.late_uploads")


def settings() -> list[dict[str, Any]]:
    """Every scheme, in both settings of the band where it leaves the choice."""
    found: list[dict[str, Any]] = []
    for kind in scheme_names():
        bands = [{}, {"scheme.bandwidth": "algorithm1"}]
        bands = [{**UNTRAINED.get(kind, {}), **band} for band in bands]
        chooses = "bandwidth" in {p.name for p in parameters(scheme_class(kind))}
        if issubclass(scheme_class(kind), OneAdapter):  # alike on the air: one of them in both
            chooses = kind == "flora"
        if kind == "oort" or kind in ON_FEDLORA:  # as power_of_choice, as fedlora
            chooses = False
        found += [{"scheme.kind": kind, **band} for band in bands[: 1 + chooses]]
    return [
        *found,
        {"scheme.kind": "fedlora", **STALE},
        {"scheme.kind": "joint_scheduling", **STALE},
    ]


def name_of(setting: Mapping[str, Any]) -> str:
    return "-".join(str(value) for key, value in setting.items() if key in SHOWN)


ALL = [pytest.param(s, id=name_of(s)) for s in settings()]


def scenario_of(setting: Mapping[str, Any], **more: Any) -> Scenario:
    return load_scenario("quickstart", {**NETWORK, **setting, **more})


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Any]], Run]:
    """Run a setting once."""
    folder, done = tmp_path_factory.mktemp("contract"), dict[str, Run]()

    def run(setting: Mapping[str, Any]) -> Run:
        key = name_of(setting)
        if key not in done:
            done[key] = netsim.run(scenario_of(setting), out=folder / key, loaded=LOADED)
        return done[key]

    return run


@pytest.mark.parametrize("setting", ALL)
def test_records_balance(setting: dict[str, Any], run_of: Callable[..., Run]) -> None:
    run = run_of(setting)
    assert run.uploads.collect().height > 0
    band = scenario_of(setting).radio.bandwidth_hz
    checks = check_run(run, bandwidth_hz=band, constant_rate=True)
    assert [c.name for c in checks if not c.passed] == []


@pytest.mark.parametrize("setting", ALL)
def test_plans_are_feasible(setting: dict[str, Any], run_of: Callable[..., Run]) -> None:
    scenario, run = scenario_of(setting), run_of(setting)
    uploads = run.uploads.collect()
    for number, opened_s in run.rounds.select("round", "start_s").unique().collect().iter_rows():
        busy = (pl.col("begun") < number) & (pl.col("end_s") > opened_s)
        held = uploads.filter((pl.col("begun") == number) | busy)
        shares = held.group_by("gnb").agg(pl.col("bandwidth_hz").sum())["bandwidth_hz"]
        assert (shares <= scenario.radio.bandwidth_hz * (1 + 1e-9)).all()
        assert held["ue"].n_unique() == len(
            held.unique(["ue", "begun"])
        )  # who is busy is not planned
    power = uploads.group_by("begun", "ue").agg(pl.col("power_w").sum())["power_w"]
    assert power.is_between(
        scenario.radio.min_power_w, scenario.radio.max_power_w * (1 + 1e-9)
    ).all()
    limit = scenario.scheme.parameters.get("max_modules", 1)
    held = run.subscriptions.filter(pl.col("subscribed")).group_by("round", "ue").len().collect()
    assert held["len"].max() <= limit


NETWORK_ONLY = [k for k in scheme_names() if k not in ("buffered_async", *ON_FEDLORA)]


@pytest.mark.parametrize("kind", NETWORK_ONLY)
def test_every_scheme_leaves_uploads_under_way_their_band(kind: str, tmp_path: Path) -> None:
    """Plans are checked as they are made, with what is reserved; the tables say so, too."""
    scenario = scenario_of({"scheme.kind": kind, **UNTRAINED.get(kind, {}), **STALE})
    run = netsim.run(scenario, out=tmp_path / "run", loaded=LOADED)
    checks = check_run(run, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=True)
    assert [c.name for c in checks if not c.passed] == []
    assert run.rounds.collect()["carried"].sum() > 0


@pytest.mark.parametrize("setting", ALL)
def test_several_gnbs_share_a_plan(setting: dict[str, Any], tmp_path: Path) -> None:
    """The simulation checks every plan: shares by gNB. Here that all gNBs have work, and records
    balance.
    """
    several = {"federation": "network", "topology.window_km": 3, "ues.count": 24, "rounds": 2}
    scenario = scenario_of(setting, **several)
    run = netsim.run(scenario, out=tmp_path / "run", loaded=LOADED)
    scheduled = run.rounds.group_by("gnb").agg(pl.col("subscribed").sum()).collect()
    assert len(scheduled) > 3
    assert (scheduled["subscribed"] > 0).mean() > 0.5
    band = scenario.radio.bandwidth_hz
    assert [
        c.name for c in check_run(run, bandwidth_hz=band, constant_rate=True) if not c.passed
    ] == []


@pytest.mark.parametrize("setting", ALL)
def test_all_schemes_meet_the_same_fading(
    setting: dict[str, Any], run_of: Callable[..., Run]
) -> None:
    """The SINR of every upload is that of its power and band on one channel, the same for all
    schemes.
    """
    count = setting.get("ues.count", UES)
    other = build_parts(scenario_of({"scheme.kind": "round_robin", "ues.count": count}), Silence())
    uplink = other.radio.uplink
    for (number,), rows in run_of(setting).uploads.collect().group_by("begun"):
        gain, interference_w = PerfectKnowledge(uplink)(int(number), other.links)
        ue = rows["ue"].to_numpy()
        noise_w = uplink.noise_psd_w_hz * rows["bandwidth_hz"].to_numpy()
        expected = rows["power_w"].to_numpy() * gain[ue] / (interference_w[ue] + noise_w)
        assert np.allclose(10 * np.log10(expected), rows["sinr_db"].to_numpy(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("setting", ALL)
def test_state_survives_a_checkpoint(setting: dict[str, Any], tmp_path: Path) -> None:
    scenario = scenario_of(setting)
    parts = build_parts(scenario, Silence(), LOADED)
    simulation = build_simulation(parts, MemorySink(), Silence())
    simulation.run(parts.scheme)
    restored = build_scheme(scenario)
    restored.restore(_through_files(parts.scheme.state(), tmp_path))
    observation = simulation.observe()
    first, second = parts.scheme.plan(observation), restored.plan(observation)
    for name in (
        "ue",
        "module",
        "share",
        "power_w",
        "rank",
        "fraction",
        "success_probability",
        "dual",
    ):
        assert np.array_equal(_array(first, name), _array(second, name), equal_nan=True), name
    assert first.aggregation == second.aggregation


def _array(plan: netsim.RoundPlan, name: str) -> Any:
    value = getattr(plan, name)
    return np.empty(0) if value is None else value


def _through_files(state: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """As JSON and arrays, without pickle."""
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    rest = {name: value for name, value in state.items() if name not in arrays}
    np.savez(folder / "state.npz", **arrays)
    (folder / "state.json").write_text(json.dumps(rest))
    with np.load(folder / "state.npz", allow_pickle=False) as loaded:
        return {**json.loads((folder / "state.json").read_text()), **loaded}
