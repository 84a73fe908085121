"""Downlink: slots by multicast and unicast, fading, who hears nothing, versions that are held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim import run
from netsim.radio.downlink import Downlink, ModuleCache
from netsim.radio.multicast import broadcast_slots
from netsim.radio.rate_model import RateModel
from netsim.results.checks import check_run
from netsim.scenario.model import Scenario

MakeScenario = Callable[..., Scenario]
GNB = np.array([0, 0, 0, 1])
MODULE = np.array([0, 0, 1, 1])
BITS = np.array([10.0, 20.0, 40.0, 40.0])


def _slots(efficiency: Any, **more: Any) -> tuple[list[float], list[float]]:
    start, end = broadcast_slots(
        GNB,
        MODULE,
        BITS,
        efficiency=np.array(efficiency),
        downlink_hz=10.0,
        foundation_bits=0.0,
        **more,
    )
    return start.tolist(), end.tolist()


def test_multicast_goes_by_the_worst_and_unicast_by_each() -> None:
    start, end = _slots([1.0, 0.5, 2.0, 1.0])
    assert end == [4.0, 4.0, 6.0, 4.0]
    assert start == [0.0, 0.0, 4.0, 0.0]
    start, end = _slots([1.0, 0.5, 2.0, 1.0], unicast=True)
    assert end == [1.0, 5.0, 7.0, 4.0]
    assert start == [0.0, 1.0, 5.0, 0.0]


def test_who_hears_nothing_is_not_waited_for() -> None:
    _, end = _slots([1.0, 0.0, 2.0, 1.0])
    assert end == [1.0, np.inf, 3.0, 4.0]
    assert _slots([0.0] * 4)[1] == [np.inf] * 4


def test_an_outage_in_one_block_stops_nobody() -> None:
    """Two UEs that are in outage by turns: each block goes to the one that hears it."""
    start, end = _slots([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert np.isfinite(start).all()
    assert np.isfinite(end).all()


def test_each_block_goes_by_its_own_worst() -> None:
    """Two UEs that take turns in a fade: their means are 1, the worst of each block is 0.5."""
    _, end = _slots([[1.5, 0.5], [0.5, 1.5], [1.0, 1.0], [1.0, 1.0]])
    assert end[:2] == [4.0, 4.0]


def test_modules_that_are_held_are_not_sent() -> None:
    _, end = _slots([1.0, 0.5, 2.0, 1.0], wanted=np.array([True, False, True, True]))
    assert end == [1.0, 0.0, 3.0, 4.0]
    cache = ModuleCache.at_start(2, 2)
    ue, module = np.array([0, 1]), np.array([1, 1])
    bits = np.array([5.0, 5.0])
    assert not cache.missing(ue, module, np.array([0, 0]), bits).any()  # the start
    assert cache.missing(ue, module, np.array([1, 1]), bits).all()
    cache.hear(ue[:1], module[:1], np.array([1]), np.array([5.0]))
    found = cache.missing(ue, module, np.array([1, 1]), bits)
    assert found.tolist() == [False, True]
    assert cache.missing(ue[:1], module[:1], np.array([2]), np.array([5.0])).all()  # a new version
    assert cache.missing(ue[:1], module[:1], np.array([1]), np.array([6.0])).all()  # more ranks
    cache.hear(ue[:1], module[:1], np.array([1]), np.array([2.0]))  # a part of what it holds
    assert not cache.missing(ue[:1], module[:1], np.array([1]), np.array([5.0])).any()
    again = ModuleCache.restored(cache.state())
    assert (again.version == cache.version).all()


def test_who_is_to_hear_no_bits_slows_nobody_down() -> None:
    start, end = broadcast_slots(
        GNB,
        MODULE,
        np.array([10.0, 0.0, 40.0, 40.0]),
        efficiency=np.array([1.0, 0.001, 2.0, 1.0]),
        downlink_hz=10.0,
        foundation_bits=0.0,
    )
    assert start.tolist() == [0.0, 0.0, 1.0, 0.0]
    assert end.tolist() == [1.0, 0.0, 3.0, 4.0]


def test_fading_has_the_mean_capacity_of_rayleigh() -> None:
    link = Downlink(1e6, model=RateModel("shannon", 0.1), blocks=32, seed=3)
    capacity = np.full(400, np.log2(1 + 10.0))
    drawn = link.efficiency(capacity, 1)
    fading = np.random.default_rng(1).standard_exponential(100_000)
    ratio = 10.0 * fading
    expected = np.where(ratio >= 0.1, np.log2(1 + ratio), 0.0).mean()
    assert drawn.mean() == pytest.approx(expected, rel=0.02)
    assert (link.efficiency(capacity[:7], 1) == drawn[:7]).all()  # more UEs change no draw
    assert (link.efficiency(capacity) == capacity[:, None]).all()  # as planned


SMALL: dict[str, Any] = {"rounds": 5, "ues.count": 16, "scheme.kind": "round_robin"}


@pytest.mark.parametrize(
    "options",
    [
        {"downlink.link": "faded", "downlink.cast": "unicast"},
        {"downlink.link": "faded", "radio.fading": "block", "downlink.noise_figure_db": 9.0},
        {"downlink.cache": True, "radio.sinr_threshold_db": 30.0, "device.power": "states"},
        {"radio.preset": "nr-fr1-100mhz", "downlink.link": "faded", "downlink.bandwidth_hz": 1e8},
    ],
)
def test_runs_balance(
    network_scenario: MakeScenario, tmp_path: Any, options: dict[str, Any]
) -> None:
    scenario = network_scenario({**SMALL, **options})
    found = run(scenario, out=tmp_path / "run")
    checks = check_run(found, bandwidth_hz=scenario.radio.bandwidth_hz, constant_rate=False)
    assert [check.name for check in checks if not check.passed] == []


def _broadcast_bits(found: Any) -> list[float]:
    rows = found.spans.filter(pl.col("kind") == "broadcast", pl.col("round") > 0)
    return (
        rows.group_by("round").agg(pl.col("bits").sum()).sort("round").collect()["bits"].to_list()
    )


def test_what_does_not_change_is_sent_once(network_scenario: MakeScenario, tmp_path: Any) -> None:
    """Every upload is in outage, so no module changes; the start follows from the seed."""
    lost = {**SMALL, "radio.sinr_threshold_db": 40.0}
    anew = run(network_scenario(lost), out=tmp_path / "anew")
    kept = run(network_scenario({**lost, "downlink.cache": True}), out=tmp_path / "kept")
    assert set(_broadcast_bits(kept)) == {0.0}
    assert min(_broadcast_bits(anew)) > 0.0


def test_what_is_not_heard_is_not_trained(network_scenario: MakeScenario, tmp_path: Any) -> None:
    faded = {**SMALL, "downlink.link": "faded", "radio.sinr_threshold_db": 5.0}
    found = run(network_scenario(faded), out=tmp_path / "run")
    computing = found.spans.filter(pl.col("kind") == "compute").collect()
    heard = found.spans.filter(pl.col("kind") == "broadcast", pl.col("round") > 0).collect()
    both = computing.join(heard, on=["round", "ue", "module"], suffix="_heard")
    deaf = both.filter(pl.col("bits_heard") == 0)
    assert len(deaf) > 5
    assert (deaf["cycles"] == 0).all()
    assert (deaf["outcome"] == "aborted").all()


def test_payloads_down_and_up_are_apart(network_scenario: MakeScenario, tmp_path: Any) -> None:
    sizes = {f"modules.{index}.download_bits_override": 1e6 for index in range(4)}
    found = run(network_scenario({**SMALL, **sizes}), out=tmp_path / "run")
    heard = found.spans.filter(pl.col("kind") == "broadcast", pl.col("round") > 0).collect()
    assert heard["bits"].unique().to_list() == [1e6]
    assert 1e6 not in found.uploads.collect()["payload_bits"].to_list()
