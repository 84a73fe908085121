"""HierFAVG: models of gNBs between merges, what the merge makes of them, and the backhaul."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.learning.adapters import AdapterLayout
from netsim.learning.aggregation.hierarchical import Hierarchical
from netsim.learning.aggregation.rule import Memory, Moment, Partial, Upload
from netsim.learning.spec import ModuleSpec
from netsim.protocols import Aggregation, Scheme, Silence, Tickets
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.hierfavg import HierFavg
from netsim.schemes.one_adapter import OneAdapter

A, B = (f"base_model.model.x.lora_{factor}.weight" for factor in "AB")
LAYOUT = AdapterLayout(ModuleSpec(1, 2, ("x",), 0), {A: (1, 1), B: (1, 1)}, (), 2, transposed=False)


def test_two_edges_and_two_rounds_by_hand() -> None:
    """gNB 0 hears samples 1 and 3 in round 1 and nothing in round 2; gNB 5 one UE in each."""
    memory: Memory = {}
    w = np.array([10.0, 0.0], dtype=np.float32)

    def round_of(number: int, uploads: list[tuple[int, int, float]], *, merge: bool) -> Any:
        rule, partial = Hierarchical(merge=merge), None
        for gnb, samples, size in uploads:
            update = np.array([size, 1.0], dtype=np.float32)
            start = rule.start(w, memory, gnb)
            upload = Upload(0, 1, samples, 0, start=start, update=update, rate=1.0, gnb=gnb)
            partial = rule.add(partial, upload, LAYOUT)
        assert partial is not None
        return rule.step(w, partial, LAYOUT, 1.0, Moment(number, 0, 0, memory))

    after = round_of(1, [(0, 1, 8.0), (0, 3, 4.0), (5, 2, 1.0)], merge=False)
    assert after.tolist() == [10.0, 0.0]  # the core's is the last merge
    assert memory["model.0"].tolist() == [10 - (8 + 3 * 4) / 4, -1.0]
    assert memory["model.5"].tolist() == [9.0, -1.0]
    merged = round_of(2, [(5, 4, 3.0)], merge=True)
    assert memory == {}
    # gNB 0: 5 with 4 samples; gNB 5: 9 - 3 = 6 with 2 + 4
    assert merged == pytest.approx([(4 * 5 + 6 * 6) / 10, (4 * -1 + 6 * -2) / 10])


SMALL: dict[str, Any] = {
    "federation": "network",
    "topology.window_km": 3,
    "rounds": 4,
    "ues.count": 10,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 5}],
    "learning.local_steps": 1,
    "learning.workers": 1,
}
LOADED = Loaded()


@dataclass
class Flat(OneAdapter):
    """One adapter, averaged as a whole in every round."""

    name: ClassVar[str] = "flat"
    citation: ClassVar[str] = "none"


def run(scheme: Scheme, **chosen: Any) -> tuple[MemorySink, Any]:
    scenario = load_scenario("quickstart", {**SMALL, "scheme.kind": "hierfavg", **chosen})
    parts, sink = build_parts(scenario, Silence(), LOADED), MemorySink()
    build_simulation(parts, sink, Silence()).run(scheme)
    return sink, parts.learner


def test_with_a_merge_in_every_round_it_is_flat_averaging() -> None:
    """The same tables; models to rounding, after a round: Adam makes more of it later."""
    flat, _ = run(Flat(), network_only=True)
    one, _ = run(HierFavg(edge_rounds=1), network_only=True)
    for table in ("uploads", "rounds"):
        assert one.frame(table).equals(flat.frame(table))
    times = ("kind", "start_s", "end_s", "bits", "energy_j")
    assert one.frame("spans").select(times).equals(flat.frame("spans").select(times))
    _, theirs = run(Flat(), rounds=1)
    _, ours = run(HierFavg(edge_rounds=1), rounds=1)
    assert theirs.versions.tolist() == [1]
    assert np.allclose(ours.states[0], theirs.states[0], rtol=0, atol=1e-7)


def test_each_edge_is_federated_averaging_alone() -> None:
    """The model of each gNB is that of a learner that knows no other gNB, to the rounding of
    computing other UEs together. SGD does not make more of it.
    """

    def learner() -> Any:
        sgd = {"learning.local_optimizer": "sgd", "learning.learning_rate": 0.3}
        scenario = load_scenario("quickstart", {**SMALL, **sgd, "scheme.kind": "hierfavg"})
        return build_parts(scenario, Silence(), LOADED).learner

    def redeem(made: Any, round: int, ue: np.ndarray, rule: str | Aggregation) -> None:
        zero, version = np.zeros_like(ue), np.full_like(ue, round - 1)
        made.redeem(Tickets(round, ue, zero, version, gnb=ue % 2), rule)

    tiers, everybody = learner(), np.arange(10)
    samples = tiers._batches.samples
    for round in (1, 2):
        redeem(tiers, round, everybody, Aggregation("hierarchical", {"merge": False}))
    memory = tiers._memories.of_module["hierarchical", 0]
    models = []
    for gnb in (0, 1):
        alone, mine = learner(), everybody[everybody % 2 == gnb]
        for round in (1, 2):
            redeem(alone, round, mine, "average")
        assert np.allclose(memory[f"model.{gnb}"], alone.states[0], rtol=0, atol=1e-6)
        redeem(alone, 3, mine, "average")
        models.append(alone.states[0])
    redeem(tiers, 3, everybody, Aggregation("hierarchical", {"merge": True}))
    assert np.abs(models[0] - models[1]).max() > 1e-3
    weight = [3 * samples[everybody % 2 == gnb].sum() for gnb in (0, 1)]
    expected = np.average(models, axis=0, weights=weight)
    assert np.allclose(tiers.states[0], expected, rtol=0, atol=1e-6)


def test_the_backhaul_carries_models_only_for_merges() -> None:
    sink, _ = run(HierFavg(edge_rounds=2), network_only=True)
    spans = sink.frame("spans").filter(pl.col("round") > 0)
    rounds = sink.frame("rounds")
    payload = sink.frame("uploads")["payload_bits"][0]
    moved = spans.filter(pl.col("kind") == "backhaul")
    assert set(moved["bits"]) == {payload}
    gnbs = rounds["gnb"].n_unique()
    core = moved.group_by("round").len().sort("round")
    # up at the end of rounds 2 and 4, down before round 3; the core itself has no way to go
    assert core["round"].to_list() == [2, 3, 4]
    assert set(core["len"]) == {gnbs - 1} or set(core["len"]) == {gnbs}
    merges = spans.filter(pl.col("kind") == "aggregate").group_by("round").len().sort("round")
    assert merges["len"].to_list() == [gnbs, gnbs + 1, gnbs, gnbs + 1]
    # between merges UEs hear the model of their gNB, which costs no backhaul
    heard = spans.filter((pl.col("kind") == "broadcast") & (pl.col("round") == 2))
    assert set(heard["bits"]) == {payload}


def test_uploads_may_not_outlast_the_models_of_gnbs() -> None:
    late = {"round.late_uploads": "stale", "round.alloc_start": "arrival"}
    with pytest.raises(ScenarioError, match="must not keep models at gNBs"):
        run(HierFavg(), **late)


def test_ues_that_change_their_gnb_hear_its_model() -> None:
    scheme = HierFavg(edge_rounds=4)
    scenario = load_scenario(
        "quickstart", {**SMALL, "scheme.kind": "hierfavg", "network_only": True}
    )
    parts = build_parts(scenario, Silence(), LOADED)
    simulation = build_simulation(parts, MemorySink(), Silence())
    for _ in range(2):
        simulation.step(scheme.plan(simulation.observe()))
    assert scheme._held is not None
    assert scheme._gnb is not None
    scheme._held.coming[:] = scheme._held.made  # all have heard the latest
    scheme._gnb[0] += 1
    plan = scheme.plan(simulation.observe())
    assert np.broadcast_to(plan.exchange.heard, len(plan.ue))[0] == 7


def _partials(rule: Hierarchical) -> tuple[Partial, Partial]:
    def one(gnb: int) -> Partial:
        zero = np.zeros(2, dtype=np.float32)
        return rule.add(None, Upload(0, 1, 2, 0, zero, zero + gnb, rate=1.0, gnb=gnb), LAYOUT)

    return rule.merge(one(1), one(2)), rule.merge(one(2), one(3))


def test_chunks_are_joined_gnb_by_gnb() -> None:
    rule = Hierarchical(merge=False)
    joined = rule.merge(*_partials(rule))
    assert {name: value[0] for name, value in joined.items() if name.startswith("samples.")} == {
        "samples.1": 2.0,
        "samples.2": 4.0,
        "samples.3": 2.0,
    }
    assert joined["sum.2"].tolist() == [8.0, 8.0]
