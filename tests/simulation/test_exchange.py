"""Parts of modules: what is frozen has no bits, no work and no change; what goes over the air is charged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from netsim.assembly import build_parts, build_simulation
from netsim.errors import RunError
from netsim.learning.initial_weights import initial_vector
from netsim.protocols import HEAD, LORA_A, LORA_B, Exchange, Observation, RoundPlan, Scheme, Silence
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.schemes.radio import equal_share_plan

UES = 6
SMALL: dict[str, Any] = {
    "rounds": 2,
    "ues.count": UES,
    "topology.window_km": 8,
    "data.train_samples": 300,
    "data.test_samples": 20,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "modules": [{"rank": 4}, {"rank": 8}],
    "learning.local_steps": 1,
    "learning.workers": 1,
}
NUMBERS = 8 * 128 * 4  # of A, and of B, at rank 4: queries and values of four layers


@dataclass
class Declared(Scheme):
    """Everybody on module 0, with one exchange."""

    exchange: Exchange
    redeem: Any = "at_close"
    name: ClassVar[str] = "declared"
    citation: ClassVar[str] = "none"

    def plan(self, observation: Observation) -> RoundPlan:
        ue = np.arange(len(observation.gnb))
        plan = equal_share_plan(observation, ue, np.zeros_like(ue))
        return replace(plan, exchange=self.exchange, redeem=self.redeem)


def run(exchange: Exchange, redeem: str = "at_close", **more: Any) -> tuple[MemorySink, Any]:
    scenario = load_scenario("quickstart", {**SMALL, **more})
    parts = build_parts(scenario, Silence(), scheme=Declared(exchange, redeem))
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    if parts.learner is not None:
        parts.learner.close()
    return sink, parts


def column(sink: MemorySink, name: str, kind: str) -> Any:
    return sink.frame("spans").filter((pl.col("kind") == kind) & (pl.col("ue") >= 0))[name]


@pytest.mark.parametrize("redeem", ["at_close", "before_uplink"])
@pytest.mark.parametrize("trained", [LORA_A | HEAD, LORA_B | HEAD])
def test_what_is_frozen_takes_no_bits_and_does_not_move(redeem: str, trained: int) -> None:
    sink, parts = run(Exchange(trained), redeem)
    layout = parts.learner._layouts[0]
    sent = sum(int(np.prod(s)) for n, s in layout.shapes.items() if layout.part_of(n) & trained)
    uploads = sink.frame("uploads")
    assert set(uploads["payload_bits"]) == {32.0 * sent}
    assert parts.setting.payloads.bits[0] > 32 * sent
    before = initial_vector(layout, parts.learner._foundation)
    after = parts.learner.states[0]
    for name, first in layout.starts.items():
        numbers = slice(first, first + int(np.prod(layout.shapes[name])))
        moved = before[numbers].tobytes() != after[numbers].tobytes()
        # A has no gradient while B is zero
        assert moved == bool(layout.part_of(name) & trained & ~LORA_A)


def test_frozen_parts_spare_their_weight_gradients() -> None:
    """2 FLOP a token for each of them, of 4 for each number of the model."""
    whole, parts = run(Exchange(), network_only=True)
    part, _ = run(Exchange(LORA_B | HEAD), network_only=True)
    half = replace(Exchange(), work=np.full(UES, 2.0))
    twice, _ = run(half, network_only=True)
    model = parts.setting.payloads.foundation_bits / 32
    saved = 1 - np.array(column(part, "cycles", "compute")) / np.array(
        column(whole, "cycles", "compute")
    )
    of_a = (parts.setting.payloads.size_of(np.zeros(1, int), None, LORA_A) / 32)[0]
    assert saved == pytest.approx(np.full(len(saved), 0.5 * of_a / model), rel=1e-9)
    energy = [np.array(column(sink, "energy_j", "compute")) for sink in (whole, part, twice)]
    assert energy[1] / energy[0] == pytest.approx(1 - saved)
    assert energy[2] / energy[0] == pytest.approx(2.0)
    length = [
        np.array(column(sink, "end_s", "compute") - column(sink, "start_s", "compute"))
        for sink in (whole, twice)
    ]
    assert length[1] / length[0] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "by_hand",
    [
        {"modules.0.payload_bits_override": 5e9, "modules.0.download_bits_override": 1e5},
        {"model.foundation_bits_override": 1e4},
    ],
)
def test_frozen_parts_that_are_larger_than_the_model_take_work_still(
    by_hand: dict[str, Any],
) -> None:
    """Sizes set by hand: no more is spared than all weight gradients of the model."""
    sink, _ = run(Exchange(LORA_B | HEAD), network_only=True, rounds=1, **by_hand)
    whole, _ = run(Exchange(), network_only=True, rounds=1, **by_hand)
    part = np.array(column(sink, "cycles", "compute"))
    assert part / np.array(column(whole, "cycles", "compute")) == pytest.approx(0.5)


def test_sizes_of_parts_add_up_with_and_without_a_learner() -> None:
    everything = []
    for network_only in (True, False):
        for override in ({}, {"payload_bits_override": 1e6}):
            given = [{"rank": 4, **override}, {"rank": 8, "target_modules": ["dense"]}]
            scenario = load_scenario(
                "quickstart", {**SMALL, "network_only": network_only, "modules": given}
            )
            parts = build_parts(scenario, Silence(), scheme=Declared(Exchange()))
            size_of = parts.setting.payloads.size_of
            module = np.array([0, 1, 1])
            rank = np.array([4, 8, 4])
            by_part = [size_of(module, rank, one) for one in (LORA_A, LORA_B, HEAD)]
            assert sum(by_part) == pytest.approx(size_of(module, rank))
            assert all((one > 0).all() for one in by_part)
            everything.append(np.array(by_part))
            if parts.learner is not None:
                parts.learner.close()
    assert (everything[0] == everything[2]).all()
    assert everything[1] == pytest.approx(everything[3])
    assert everything[1][:, 0].sum() == pytest.approx(1e6)


def test_down_and_up_are_apart_and_both_are_in_the_tables() -> None:
    """A UE hears the head and 1e5 bits, trains everything, and sends A and 5e4 bits."""
    heard = np.where(np.arange(UES) < 3, HEAD, 0)
    more = np.where(np.arange(UES) < 3, 1e5, 2e7)
    exchange = Exchange(sent=LORA_A, heard=heard, more_up_bits=5e4, more_down_bits=more)
    for network_only in (True, False):
        sink, parts = run(exchange, rounds=1, network_only=network_only)
        size_of = parts.setting.payloads.size_of
        one = np.zeros(1, dtype=np.int64)
        up = size_of(one, None, LORA_A)[0] + 5e4
        assert set(sink.frame("uploads")["payload_bits"]) == {up}
        down = sink.frame("spans").filter((pl.col("kind") == "broadcast") & (pl.col("round") == 1))
        head = size_of(one, None, HEAD)[0]
        assert down.sort("ue")["bits"].to_list() == [head + 1e5] * 3 + [2e7] * 3
        # one broadcast, as long as its largest content
        assert (down["end_s"] - down["start_s"]).n_unique() == 1
        delivered = sink.frame("rounds")["delivered_bits"].sum()
        assert delivered == up * sink.frame("rounds")["on_time"].sum()


@pytest.mark.parametrize(
    ("exchange", "rule"),
    [
        (Exchange(trained=-1), r"trained and sent parts must lie in 0\.\.7"),
        (Exchange(sent=8), r"trained and sent parts must lie in 0\.\.7"),
        (Exchange(sent=0), "where nothing is trained nothing is sent, and else something"),
        (Exchange(trained=0), "where nothing is trained further bits must go up"),
        (Exchange(heard=-1), r"parts that are heard must lie in 0\.\.7"),
        (Exchange(more_down_bits=-1.0), "further bits must be finite and not negative"),
        (Exchange(more_up_bits=float("nan")), "further bits must be finite and not negative"),
        (Exchange(work=0.0), "work must be above 0"),
        (Exchange(own_down_bits=-1.0), "further bits must be finite and not negative"),
        (Exchange(pruned=1.0), "what is pruned must be at least 0 and below 1"),
        (Exchange(on_air=1.5), "what goes over the air must be from 0 to 1 of the parts"),
        (Exchange(server_s=-1.0), "waiting for the gNB must be finite and not negative"),
        (Exchange(heard=np.array([1, 2])), "what is exchanged must be equally long"),
    ],
)
def test_impossible_exchanges_are_refused(exchange: Exchange, rule: str) -> None:
    with pytest.raises(RunError, match=rule):
        run(exchange, network_only=True)
