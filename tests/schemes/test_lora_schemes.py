"""Schemes on one adapter, run: what goes down, what stays, and runs that are killed and resumed."""

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
from netsim.assembly import Loaded, build_parts, build_simulation
from netsim.errors import Interrupted, ScenarioError
from netsim.protocols import (
    BASE,
    HEAD,
    LORA_A,
    LORA_B,
    WHOLE,
    Aggregation,
    Progress,
    RoundOutcome,
    Silence,
)
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.base import scheme_class, scheme_names
from netsim.schemes.one_adapter import OneAdapter
from netsim.schemes.slora import SLora

KINDS = [kind for kind in scheme_names() if issubclass(scheme_class(kind), OneAdapter)]
LOADED = Loaded()
SMALL: dict[str, Any] = {
    "rounds": 3,
    "ues.count": 4,
    "topology.window_km": 8,
    "data.train_samples": 200,
    "data.test_samples": 20,
    "data.samples_per_ue": 20,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "learning.local_steps": 1,
    "learning.workers": 1,
    "scheme.rank": 2,
}


class Stop(Silence):
    """Sends SIGTERM to this process at the end of round 2."""

    def round_closed(self, progress: Progress) -> None:
        if progress.round == 2:
            signal.raise_signal(signal.SIGTERM)


def digests(run: Path) -> dict[str, str]:
    files = [f for f in sorted(run.rglob("*")) if f.is_file() and f.name != "metadata.json"]
    return {str(f.relative_to(run)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.mark.parametrize("kind", [*KINDS, "oort", "power_of_choice", "fedcs", "jcpba"])
def test_a_killed_run_goes_on_to_the_same_bytes(kind: str, tmp_path: Path) -> None:
    """Tables and adapters, those of UEs and the base with them."""
    chosen = {**SMALL, "scheme.kind": kind}
    if kind in ("oort", "power_of_choice", "fedcs"):
        del chosen["scheme.rank"]
    if kind == "hierfavg":  # killed while gNBs have models of their own
        chosen |= {"federation": "network", "topology.window_km": 3, "scheme.edge_rounds": 3}
    scenario = load_scenario("quickstart", chosen)
    alone = netsim.run(scenario, out=tmp_path / "alone", loaded=LOADED)
    with pytest.raises(Interrupted):
        netsim.run(scenario, out=tmp_path / "run", listener=Stop(), loaded=LOADED)
    netsim.resume(tmp_path / "run", loaded=LOADED)
    assert digests(tmp_path / "run") == digests(tmp_path / "alone")
    assert alone.uploads.filter(pl.col("outcome") == "on_time").collect().height > 0
    names = {path.name for path in (tmp_path / "alone" / "adapters").iterdir()}
    assert names >= {"0"}
    assert ("base" in names) == (kind in ("fedex_lora", "flora"))
    assert ("ues" in names) == (kind in ("fedsa_lora", "fedper", "ditto"))


def heard(kind: str, **more: Any) -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    """Broadcasts of modules, uploads, and sizes of a network-only run."""
    scenario = load_scenario(
        "quickstart", {**SMALL, "scheme.kind": kind, "network_only": True, "rounds": 4, **more}
    )
    parts, sink = build_parts(scenario, Silence(), LOADED), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    spans = sink.frame("spans").filter((pl.col("kind") == "broadcast") & (pl.col("round") > 0))
    return spans, sink.frame("uploads"), parts.setting.payloads.size_of


def arrivals(uploads: pl.DataFrame, round: int) -> int:
    rows = uploads.filter((pl.col("round") == round) & (pl.col("outcome") == "on_time"))
    return rows.height


@pytest.mark.parametrize("kind", ["fedex_lora", "flora"])
@pytest.mark.parametrize("rank", [1, 40])
def test_what_is_heard_grows_with_the_arrivals(kind: str, rank: int) -> None:
    """FedEx: (K + 1) r ranks; FLoRA: K r; both at most the frozen weights themselves."""
    spans, uploads, size_of = heard(kind, **{"scheme.rank": rank})
    one = np.zeros(1, dtype=np.int64)
    factors, head, base = (float(size_of(one, None, p)[0]) for p in (LORA_A | LORA_B, HEAD, BASE))
    assert set(spans.filter(pl.col("round") == 1)["bits"]) == {0.0}
    for round in (2, 3, 4):
        came = arrivals(uploads, round - 1)
        assert came > 0
        more = min(came * factors, base)
        averages = factors + head if kind == "fedex_lora" else head
        assert set(spans.filter(pl.col("round") == round)["bits"]) == {averages + more}
    assert (arrivals(uploads, 1) * factors > base) == (rank == 40)


def test_flora_takes_ues_at_ranks_of_their_own() -> None:
    _, uploads, size_of = heard("flora", **{"scheme.ue_ranks": [2, 4]})
    one = np.zeros(1, dtype=np.int64)
    for ue, rank in ((0, 2), (1, 4)):
        bits = uploads.filter(pl.col("ue") == ue)["payload_bits"]
        assert set(bits) == {float(size_of(one, np.array([rank]))[0])}


@pytest.mark.parametrize(
    ("kind", "up", "down"),
    [
        ("ffa_lora", LORA_B | HEAD, LORA_B | HEAD),
        ("fedsa_lora", LORA_A | HEAD, LORA_A | HEAD),
        ("fedper", LORA_A | LORA_B, LORA_A | LORA_B),
        ("fedsvd", LORA_B | HEAD, LORA_A | LORA_B | HEAD),
        ("lora_fair", LORA_A | LORA_B | HEAD, LORA_A | LORA_B | HEAD),
    ],
)
def test_what_goes_up_and_down(kind: str, up: int, down: int) -> None:
    spans, uploads, size_of = heard(kind)
    one = np.zeros(1, dtype=np.int64)
    assert set(uploads["payload_bits"]) == {float(size_of(one, None, up)[0])}
    later = spans.filter(pl.col("round") > 1)["bits"]
    assert set(later) == {float(size_of(one, None, down)[0])}


def test_rolora_moves_one_factor_at_a_time() -> None:
    """The frozen factor is bit-identical in every round; the other one moves."""
    scenario = load_scenario("quickstart", {**SMALL, "scheme.kind": "rolora"})
    states: list[np.ndarray] = []

    class Keep(Silence):
        def round_closed(self, progress: Progress) -> None:
            states.append(parts.learner.states[0].copy())  # type: ignore[union-attr]

    listener = Keep()
    parts = build_parts(scenario, listener, LOADED)
    build_simulation(parts, MemorySink(), listener).run(parts.scheme)
    layout = parts.learner._layouts[0]  # type: ignore[union-attr]
    for round, trained, frozen in ((1, LORA_B, LORA_A), (2, LORA_A, LORA_B), (3, LORA_B, LORA_A)):
        before, after = states[round - 1], states[round]
        kept, moved = layout.numbers_of(frozen), layout.numbers_of(trained)
        assert before[kept].tobytes() == after[kept].tobytes()
        assert before[moved].tobytes() != after[moved].tobytes()


@pytest.mark.parametrize(
    "chosen",
    [{"scheme.kind": "fedper"}, {"scheme.kind": "fedsa_lora", "scheme.local_head": True}],
    ids=lambda chosen: chosen["scheme.kind"],
)
def test_heads_that_stay_must_be_trained(chosen: dict[str, Any]) -> None:
    scenario = load_scenario("quickstart", {**SMALL, **chosen, "learning.train_head": False})
    rule = rf"learning\.train_head: must be true with scheme\.kind = {chosen['scheme.kind']}"
    with pytest.raises(ScenarioError, match=rule):
        build_parts(scenario, Silence(), LOADED)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("flora", "must not change the frozen weights"), ("fedsvd", "must not make A anew")],
)
def test_what_uploads_in_flight_started_from_may_not_change(kind: str, rule: str) -> None:
    stale = {"round.late_uploads": "stale", "round.alloc_start": "arrival"}
    scenario = load_scenario("quickstart", {**SMALL, **stale, "scheme.kind": kind})
    with pytest.raises(ScenarioError, match=rf"scheme\.kind: {rule}"):
        build_parts(scenario, Silence(), LOADED)


@pytest.mark.parametrize("kind", ["flora", "fedex_lora", "lora_fair", "flexlora", "ffa_lora"])
@pytest.mark.parametrize("rank", [2, 40])
def test_gnbs_pass_on_what_the_rule_needs(kind: str, rank: int) -> None:
    """The factors of all uploads with one head, or the sum of the products and the averages."""
    several = {"federation": "network", "topology.window_km": 3, "ues.count": 12, "rounds": 1}
    ranks = {"scheme.ue_ranks": [rank]} if kind == "flexlora" else {"scheme.rank": rank}
    small = {key: value for key, value in SMALL.items() if key != "scheme.rank"}
    keys = {**small, **several, **ranks, "scheme.kind": kind, "network_only": True}
    scenario = load_scenario("quickstart", keys)
    parts, sink = build_parts(scenario, Silence(), LOADED), MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    size_of, one = parts.setting.payloads.size_of, np.zeros(1, dtype=np.int64)
    factors, head, base = (float(size_of(one, None, p)[0]) for p in (LORA_A | LORA_B, HEAD, BASE))
    uploads = sink.frame("uploads").filter(pl.col("outcome") == "on_time")
    arrived = dict(uploads.group_by("gnb").agg(pl.len()).rows())
    back = sink.frame("spans").filter((pl.col("kind") == "backhaul") & (pl.col("round") == 1))
    ends = dict(uploads.group_by("gnb").agg(pl.col("end_s").max()).rows())
    passed = {
        row["gnb"]: row["bits"]
        for row in back.iter_rows(named=True)
        if row["gnb"] in ends and row["start_s"] >= ends[row["gnb"]]
    }
    assert len(passed) > 2
    assert max(arrived.values()) > 1
    for gnb, bits in passed.items():
        beside = factors if kind in ("fedex_lora", "lora_fair") else 0.0
        expected = head + min(arrived[gnb] * factors, base + beside)
        if kind == "ffa_lora":
            expected = float(size_of(one, None, LORA_B | HEAD)[0])
        assert bits == pytest.approx(expected)


# -- SLoRA -----------------------------------------------------------------------------------------


def test_slora_sends_columns_then_ranks() -> None:
    """Up and down by hand: 3 columns of every layer, then rank 2; the start is not sent."""
    keys = {"scheme.columns": 3, "scheme.sparse_rounds": 2}
    spans, uploads, size_of = heard("slora", **keys)
    one = np.zeros(1, dtype=np.int64)
    layers, width, head = 3, 128, float(size_of(one, None, HEAD)[0])
    columns = 32 * 2 * layers * width * 3 + head  # queries and values
    ranks = 32 * 2 * layers * (width + width) * 2 + head
    for round, up, down in ((1, columns, 0), (2, columns, columns), (3, ranks, ranks)):
        assert set(uploads.filter(pl.col("round") == round)["payload_bits"]) == {up}
        assert set(spans.filter(pl.col("round") == round)["bits"]) == {down}


def test_slora_waits_for_arrivals_before_it_starts_the_adapter() -> None:
    """What the server has nothing of it cannot take the SVD of."""
    scenario = load_scenario("quickstart", {**SMALL, "scheme.kind": "slora", "network_only": True})
    parts = build_parts(scenario, Silence(), LOADED)
    scheme = SLora(rank=2, sparse_rounds=1)
    seen = build_simulation(parts, MemorySink(), Silence()).observe()
    previous, rules = None, []
    for number, arrives in ((1, False), (2, True), (3, True)):
        plan = scheme.plan(replace(seen, round=number, previous=previous))
        rules.append((plan.aggregation, plan.exchange.trained))
        arrived = np.full(len(plan.ue), arrives)
        previous = RoundOutcome(plan, arrived, 0.0, 1.0, heard=np.ones_like(arrived))
        again = SLora(rank=2, sparse_rounds=1)
        again.restore(scheme.state())
        scheme = again
    primed = Aggregation("primed", {"rank": 2})
    assert rules == [(primed, LORA_B | HEAD), (primed, LORA_B | HEAD), ("average", WHOLE)]
