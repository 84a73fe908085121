"""HetLoRA: ranks of the UEs, what pruning does to them, and what waits for training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.assembly import build_parts, build_simulation
from netsim.errors import ScenarioError
from netsim.protocols import Observation, RoundOutcome, Silence, Tail
from netsim.results.writer import MemorySink
from netsim.scenario.load import load_scenario
from netsim.scenario.model import Scenario
from netsim.schemes.hetlora import HetLora
from netsim.schemes.radio import SharedBand
from netsim.schemes.ue_ranks import UeRanks

LEARN: dict[str, Any] = {
    "scheme.kind": "hetlora",
    "scheme.ue_ranks": [4, 8],
    "rounds": 4,
    "ues.count": 4,
    "topology.window_km": 8,
    "data.train_samples": 300,
    "data.test_samples": 20,
    "devices": [{"samples_min": 2, "samples_max": 3}],
    "learning.workers": 1,
}


def _run(**more: Any) -> tuple[MemorySink, HetLora]:
    parts = build_parts(load_scenario("quickstart", {**LEARN, **more}), Silence())
    sink = MemorySink()
    build_simulation(parts, sink, Silence()).run(parts.scheme)
    assert parts.learner is not None
    parts.learner.close()
    assert isinstance(parts.scheme, HetLora)
    return sink, parts.scheme


def test_what_it_declares(observation: Observation) -> None:
    scheme = HetLora(UeRanks((4, 8, 16)), retain_uncovered_ranks=True)
    assert scheme.ranks((2, 3)) == (16,)
    assert scheme.tail == Tail(0.01, 0.99, prune=True, least_rank=4)
    plan = scheme.plan(observation)
    assert plan.rank is not None
    assert plan.rank.tolist() == [4, 8, 16] * 4
    assert (plan.aggregation, plan.redeem) == ("zero_padding_retaining", "before_uplink")
    plain = HetLora(prune=False).plan(observation)
    assert (plain.aggregation, plain.redeem) == ("zero_padding", "at_close")


def test_ranks_follow_what_was_sent(observation: Observation) -> None:
    scheme = HetLora(UeRanks((4, 8)))
    plan = scheme.plan(observation)
    sent = np.array([3, 7, -1, *[4, 8] * 4, 4])  # the third was not ready
    arrived = np.zeros(12, dtype=bool)  # and none arrived: pruning is the UE's own
    previous = RoundOutcome(plan, arrived, 0.0, 1.0, sent)
    after = scheme.plan(replace(observation, round=2, previous=previous))
    assert after.rank is not None
    assert after.rank.tolist()[:4] == [3, 7, 4, 4]


def test_algorithm_1_counts_the_bits_of_each_rank(observe: Callable[..., Observation]) -> None:
    """Of two like UEs, the one with the higher rank gets more band, and both finish together."""
    seen = observe({"scheme.kind": "hetlora", "scheme.prune": False, "ues.count": 2})
    alike = replace(seen, signal_gain=np.full(2, 1e-10), interference_w=np.full(2, 1e-13))
    plan = HetLora(UeRanks((4, 32)), band=SharedBand("algorithm1"), prune=False).plan(alike)
    assert plan.rank is not None
    bits = alike.payload_of(plan.module, plan.rank)
    assert bits[1] > 2 * bits[0]
    rate = plan.share * np.log2(
        1 + 0.2 * 1e-10 / (1e-13 + alike.noise_psd_w_hz[0] * 1e7 * plan.share)
    )
    assert bits[1] / rate[1] == pytest.approx(bits[0] / rate[0], rel=1e-9)


def test_pruned_uploads_are_smaller_on_the_air_and_stay_so() -> None:
    """A regulariser so strong that every tail falls: one rank less per round, down to the least."""
    sink, scheme = _run(**{"scheme.regularisation": 100.0, "scheme.least_rank": 2})
    uploads = sink.frame("uploads").sort("ue", "round")
    for ue, first in ((0, 4), (1, 8)):
        rows = uploads.filter(pl.col("ue") == ue)
        assert rows["rank"][0] == first  # its tail began at zero and cannot have fallen
        assert rows["rank"].diff().drop_nulls().is_between(-1, 0).all()
        assert 2 <= rows["rank"][-1] < first
        assert rows["payload_bits"].n_unique() == rows["rank"].n_unique()
        assert (rows["payload_bits"].diff().drop_nulls() <= 0).all()
        assert scheme.state()["rank"][ue] >= rows["rank"][-1]


def test_the_least_rank_is_kept() -> None:
    sink, _ = _run(**{"scheme.regularisation": 100.0})
    assert sink.frame("uploads")["rank"].min() == 4  # the smallest of ue_ranks


def test_dead_ranks_are_recorded() -> None:
    """Pruned below the module's rank, the upper ranks have nobody: they die, or are retained."""
    strong = {"scheme.regularisation": 100.0, "scheme.ue_ranks": [4]}
    dead = _run(**strong, **{"scheme.least_rank": 1})[0].frame("rounds")["dead_ranks"].to_list()
    assert dead == [0, 1, 2, 3]
    kept = _run(**strong, **{"scheme.least_rank": 1, "scheme.retain_uncovered_ranks": True})
    assert kept[0].frame("rounds")["dead_ranks"].to_list() == [0, 0, 0, 0]


def test_network_only_is_refused_while_it_prunes(network_scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(ScenarioError, match=r"scheme\.kind: .*depend on training.*hetlora"):
        build_parts(network_scenario({"scheme.kind": "hetlora"}), Silence())
    build_parts(network_scenario({"scheme.kind": "hetlora", "scheme.prune": False}), Silence())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"regularisation": -1.0}, r"scheme\.regularisation: must be at least 0 \(found -1"),
        ({"gamma": 1.0}, r"scheme\.gamma: must be below 1 \(found 1"),
        ({"least_rank": 0}, r"scheme\.least_rank: must be at least 1 \(found 0"),
    ],
)
def test_bad_parameters(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        HetLora(**change)
    with pytest.raises(ScenarioError, match=r"scheme\.ue_ranks: must be one or more ranks"):
        UeRanks((4, 0))
