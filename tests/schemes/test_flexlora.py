"""FlexLoRA: UEs at ranks of their own on one adapter."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from netsim.protocols import Observation
from netsim.results.writer import MemorySink
from netsim.schemes.flexlora import FlexLora
from netsim.schemes.ue_ranks import UeRanks


def test_ranks_cycle_over_the_ues(observation: Observation) -> None:
    scheme = FlexLora()
    assert scheme.ranks((2,)) == (32,)
    plan = scheme.plan(observation)
    assert plan.rank is not None
    assert plan.rank.tolist() == [4, 8, 16, 32] * 3
    assert set(plan.module.tolist()) == {0}
    assert plan.aggregation == "redistribution"


def test_payloads_and_downloads_follow_the_ranks(simulate: Callable[..., MemorySink]) -> None:
    few = {"scheme.kind": "flexlora", "scheme.ue_ranks": [4, 32], "ues.count": 4, "rounds": 2}
    sink = simulate(few)
    rank = sink.frame("uploads").group_by("rank").agg(pl.col("payload_bits").unique()).sort("rank")
    (small,), (large,) = rank["payload_bits"].to_list()
    assert rank["rank"].to_list() == [4, 32]
    assert large > 2 * small
    heard = sink.frame("spans").filter(
        (pl.col("kind") == "broadcast") & pl.col("module").is_not_null()
    )
    assert sorted(heard.filter(pl.col("round") == 1)["bits"].to_list()) == [
        small,
        small,
        large,
        large,
    ]
    # one multicast at the largest rank: all hear its end together
    assert heard.group_by("round").agg(pl.col("end_s").n_unique())["end_s"].to_list() == [1, 1]


def test_payloads_set_by_hand_shrink_with_the_rank(simulate: Callable[..., MemorySink]) -> None:
    modules = [{"rank": 32, "payload_bits_override": 3.2e6}]
    sink = simulate({"scheme.kind": "flexlora", "modules": modules, "ues.count": 4, "rounds": 1})
    uploads = sink.frame("uploads")
    assert uploads["payload_emulated"].all()
    assert (uploads["payload_bits"] == 1e5 * uploads["rank"]).all()


def test_cycle() -> None:
    assert UeRanks((1, 2, 3)).of(5).tolist() == [1, 2, 3, 1, 2]
    assert UeRanks().of(0).tolist() == []


def test_more_uploads_of_small_ranks_fit(observe: Callable[..., Observation]) -> None:
    """The same band admits more UEs when their ranks are low."""
    from netsim.schemes.radio import SharedBand

    seen = observe({"scheme.kind": "flexlora", "ues.count": 60, "radio.bandwidth_hz": 5e6})
    counts = [
        len(FlexLora(UeRanks(r), SharedBand("algorithm1")).plan(seen).ue) for r in ((32,), (4,))
    ]
    assert counts[0] < counts[1]
    assert counts[0] > 0
    assert (
        pytest.approx(1.0)
        == FlexLora(UeRanks((4,)), SharedBand("algorithm1")).plan(seen).share.sum()
    )
