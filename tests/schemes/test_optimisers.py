"""Optimisers in runs: FedProx, SCAFFOLD and the server's, as schemes and beside any other."""

from __future__ import annotations

import hashlib
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import netsim
from netsim.assembly import Loaded, Parts, build_parts, build_simulation
from netsim.errors import Interrupted, RunError, ScenarioError
from netsim.protocols import LORA_A, Aggregation, Progress, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario

LOADED = Loaded()
SMALL: dict[str, Any] = {
    "rounds": 3,
    "ues.count": 4,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "learning.local_steps": 2,
    "learning.workers": 1,
}
SCAFFOLD = {"learning.control_variates": True}
FEDADAM = {"learning.server.optimizer": "fedadam"}


def parts_of(kind: str, **more: Any) -> Parts:
    scenario = load_scenario("quickstart", {**SMALL, "scheme.kind": kind, **more})
    return build_parts(scenario, Silence(), LOADED)


def learnt(kind: str, **more: Any) -> list[bytes]:
    """The modules at the end of a run."""
    parts = parts_of(kind, **more)
    build_simulation(parts, MemorySink(), Silence()).run(parts.scheme)
    states: list[np.ndarray] = parts.learner.states  # type: ignore[union-attr]
    return [state.tobytes() for state in states]


def test_with_nothing_to_optimise_they_are_federated_averaging() -> None:
    plain = learnt("fedlora")
    assert learnt("fedprox", **{"scheme.prox_weight": 0.0}) == plain
    assert learnt("fedavgm", **{"scheme.beta": 0.0}) == plain
    assert learnt("fedprox", **{"scheme.prox_weight": 1.0}) != plain
    assert learnt("fedavgm", **{"scheme.beta": 0.5}) != plain


@pytest.mark.parametrize(
    ("kind", "scheme", "keys"),
    [
        ("fedprox", {"prox_weight": 0.5}, {"prox_weight": 0.5}),
        ("scaffold", {"rate": 0.5}, {"control_variates": True, "server.rate": 0.5}),
        (
            "fedyogi",
            {"beta2": 0.5},
            {"server.optimizer": "fedyogi", "server.beta2": 0.5},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_scheme_is_fedlora_with_the_keys(
    kind: str, scheme: dict[str, Any], keys: dict[str, Any]
) -> None:
    own = learnt(kind, **{f"scheme.{name}": value for name, value in scheme.items()})
    beside = learnt("fedlora", **{f"learning.{name}": value for name, value in keys.items()})
    assert own == beside != learnt("fedlora")


@pytest.mark.parametrize("kind", ["model_switching", "buffered_async", "rolora", "ditto"])
def test_any_average_can_be_stepped_along(kind: str) -> None:
    assert learnt(kind, **FEDADAM) != learnt(kind)


def on_air(kind: str, **more: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Broadcasts of modules and uploads of a network-only run."""
    parts, sink = parts_of(kind, network_only=True, **more), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    spans = sink.frame("spans").filter((pl.col("kind") == "broadcast") & (pl.col("round") > 1))
    return spans, sink.frame("uploads")


@pytest.mark.parametrize("kind", ["fedlora", "model_switching", "ffa_lora", "fedsa_lora"])
def test_control_variates_are_twice_the_traffic_both_ways(kind: str) -> None:
    (down, up), (both_down, both_up) = on_air(kind), on_air(kind, **SCAFFOLD)
    first = pl.col("round") == 1
    plain, both = up.filter(first), both_up.filter(first)
    assert (down["bits"] > 0).any()
    assert set() < set(both["payload_bits"]) <= {2 * bits for bits in plain["payload_bits"]}
    if kind == "model_switching":  # admits and chooses by the sizes
        return
    assert set(both_down["bits"]) == {2 * bits for bits in down["bits"]}
    longer = both["airtime_s"] / plain["airtime_s"]
    assert longer.to_list() == pytest.approx([2.0] * len(longer))
    assert both["compute_s"].to_list() == pytest.approx(plain["compute_s"].to_list())


def test_what_is_frozen_stays_under_control_variates() -> None:
    parts = parts_of("ffa_lora", **SCAFFOLD)
    before = parts.learner.states[0].copy()  # type: ignore[union-attr]
    build_simulation(parts, MemorySink(), Silence()).run(parts.scheme)
    layout, after = parts.learner._layouts[0], parts.learner.states[0]  # type: ignore[union-attr]
    a = layout.numbers_of(LORA_A)
    assert before[a].tobytes() == after[a].tobytes()
    assert before.tobytes() != after.tobytes()


# -- refusals --------------------------------------------------------------------------------------

STALE = {"round.late_uploads": "stale", "round.alloc_start": "arrival"}


@pytest.mark.parametrize(
    ("kind", "keys", "rule"),
    [
        ("flexlora", FEDADAM, r"server\.optimizer: must be average with scheme\.kind = flexlora"),
        ("flora", {"learning.server.rate": 2.0}, r"server\.rate: must be 1 with scheme\.kind = fl"),
        ("lora_fair", FEDADAM, r"server\.optimizer: must be average with scheme\.kind = lora_f"),
        ("hetlora", SCAFFOLD, r"control_variates: must be false with scheme\.kind = hetlora"),
        ("fedyogi", FEDADAM, r"server\.optimizer: must be average with scheme\.kind = fedyogi"),
        ("fedprox", {"learning.prox_weight": 1.0}, r"prox_weight: must be 0 with scheme\.kind = f"),
        ("scaffold", STALE, r"scheme\.kind: must not have control variates with round\.late_upl"),
        ("buffered_async", SCAFFOLD, r"control_variates: must not have .* scheme\.kind = buffered"),
        (
            "fedlora",
            {"learning.server.beta2": 0.9, "learning.server.optimizer": "fedavgm"},
            r"learning\.server\.beta2 needs learning\.server\.optimizer = fedadam or fedyogi",
        ),
        ("fedlora", {"learning.server.beta1": 0.9}, r"learning\.server\.beta1 needs a learning"),
    ],
)
def test_what_makes_no_sense_names_both_keys(kind: str, keys: dict[str, Any], rule: str) -> None:
    with pytest.raises(ScenarioError, match=rule):
        parts_of(kind, **keys)


def test_a_flower_app_has_optimisers_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"server\.rate: must be 1 with \[flower\]"):
        parts_of("fedlora", **{"flower.app": str(tmp_path), "learning.server.rate": 0.5})


def test_a_proximal_term_goes_with_any_rule() -> None:
    assert learnt("flexlora", **{"learning.prox_weight": 5.0}) != learnt("flexlora")


def test_a_stepped_plan_whose_rule_is_no_average_is_refused(tmp_path: Path) -> None:
    """Plans made by hand are optimised, too, and checked."""
    keys = {**SMALL, **FEDADAM, "scheme.kind": "fedlora"}
    session = netsim.Session("quickstart", keys, out=tmp_path / "run", loaded=LOADED)
    plan = session.scheme.plan(session.observe())
    with pytest.raises(RunError, match="aggregation is an average, not redistribution"), session:
        session.step(replace(plan, aggregation=Aggregation("redistribution")))


# -- checkpoints -----------------------------------------------------------------------------------


class Stop(Silence):
    """Sends SIGTERM to this process at the end of round 2."""

    def round_closed(self, progress: Progress) -> None:
        if progress.round == 2:
            signal.raise_signal(signal.SIGTERM)


def digests(run: Path) -> dict[str, str]:
    files = [f for f in sorted(run.rglob("*")) if f.is_file() and f.name != "metadata.json"]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("scaffold", {}),
        ("fedavgm", {}),
        ("fedadam", {"scheme.bias_correction": True}),
        ("fedyogi", {}),
        ("fedprox", {}),
        ("model_switching", FEDADAM),
        ("fedsa_lora", {**SCAFFOLD, **FEDADAM}),
        ("buffered_async", {**FEDADAM, "scheme.concurrency": 3, "scheme.buffer": 2}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_killed_run_goes_on_to_the_same_bytes(
    kind: str, keys: dict[str, Any], tmp_path: Path
) -> None:
    scenario = load_scenario("quickstart", {**SMALL, "scheme.kind": kind, **keys})
    alone = netsim.run(scenario, out=tmp_path / "alone", loaded=LOADED)
    with pytest.raises(Interrupted):
        netsim.run(scenario, out=tmp_path / "run", listener=Stop(), loaded=LOADED)
    netsim.resume(tmp_path / "run", loaded=LOADED)
    assert digests(tmp_path / "run") == digests(tmp_path / "alone")
    assert alone.uploads.filter(pl.col("outcome") == "on_time").collect().height > 0
