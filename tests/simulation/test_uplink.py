"""Attempts, rate models and reallocation in field mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from netsim.assembly import build_parts
from netsim.protocols import Silence
from netsim.results.writer import MemorySink
from netsim.scenario.model import Scenario

Simulate = Callable[..., MemorySink]
CODE = {
    "radio.rate_model": "threshold",
    "radio.sinr_threshold_db": 0.0,
    "round.compute_limit_s": None,
}


def test_attempts_raise_the_probability_as_independent_draws_do(
    simulate: Simulate, network_scenario: Callable[..., Scenario]
) -> None:
    """lambda_eff = 1 - (1 - lambda)^m, E[attempts] = lambda_eff / lambda (docs/model/events.md)."""
    more = {
        **CODE,
        "radio.retransmissions": 2,
        "round.deadline_s": float("inf"),
        "rounds": 60,
        "ues.count": 40,
    }
    uploads = simulate(more).frame("uploads")
    parts = build_parts(network_scenario(more), Silence())
    model = parts.radio.success_of(parts.links)
    band = parts.radio.uplink.bandwidth_hz
    ue = uploads["ue"].to_numpy()
    lam = model.probability(ue, band / 40 * np.ones(len(ue)), uploads["power_w"].to_numpy())
    expected, attempts = 1 - (1 - lam) ** 3, (1 - (1 - lam) ** 3) / lam
    error = np.sqrt((expected * (1 - expected)).sum()) / len(ue)
    assert (uploads["outcome"] == "on_time").mean() == pytest.approx(expected.mean(), abs=4 * error)
    assert uploads["attempts"].mean() == pytest.approx(attempts.mean(), abs=0.05)
    assert uploads["attempts"].max() == 3
    assert (uploads.filter(pl.col("attempts") > 1)["retransmit_s"] > 0).all()
    assert (uploads.filter(pl.col("attempts") == 1)["retransmit_s"] == 0).all()


def test_a_first_attempt_does_not_know_of_the_others(simulate: Simulate) -> None:
    once = simulate(CODE).frame("spans").filter(pl.col("kind") == "uplink")
    more = (
        simulate({**CODE, "radio.retransmissions": 3})
        .frame("spans")
        .filter(pl.col("kind") == "uplink")
    )
    first = (
        more.filter(pl.col("attempt") == 1)
        .select("round", "ue", "start_s", "end_s")
        .filter(pl.col("round") == 1)
    )
    assert first.equals(once.select("round", "ue", "start_s", "end_s").filter(pl.col("round") == 1))
    assert more["attempt"].max() > 1


@pytest.mark.parametrize(
    "options", [{}, {"round.alloc_start": "arrival"}, {"radio.fading": "block"}]
)
def test_reallocation_makes_no_upload_later(simulate: Simulate, options: dict[str, Any]) -> None:
    common = {**options, "ues.count": 30, "rounds": 1}
    static = simulate(common).frame("uploads")
    events = simulate({**common, "radio.reallocation": "events"}).frame("uploads")
    assert static["ue"].equals(events["ue"])
    assert (events["end_s"] <= static["end_s"] + 1e-9).all()
    assert (events["end_s"] < static["end_s"] - 1e-3).any()
    came = [(f["outcome"] == "on_time").sum() for f in (static, events)]
    assert came[1] >= came[0]


def test_a_reallocation_closes_a_span_and_opens_the_next(simulate: Simulate) -> None:
    sink = simulate({"ues.count": 20, "radio.reallocation": "events"})
    spans = sink.frame("spans").filter(pl.col("kind") == "uplink").sort("round", "ue", "start_s")
    each = spans.with_columns(
        gap=(pl.col("start_s") - pl.col("end_s").shift(1)).over("round", "ue")
    )
    assert (each["gap"].drop_nulls().abs() < 1e-9).all()
    wider = spans.with_columns(more=pl.col("bandwidth_hz").diff().over("round", "ue"))[
        "more"
    ].drop_nulls()
    assert (wider > -1e-6).all()
    assert (wider > 1.0).any()


def test_the_rate_of_the_code(simulate: Simulate) -> None:
    uploads = simulate({**CODE, "radio.sinr_threshold_db": 3.0}).frame("uploads")
    expected = uploads["bandwidth_hz"] * np.log2(1 + 10**0.3)
    assert np.allclose(uploads["rate_bps"], expected)


def test_open_loop_power_follows_the_path_loss(
    simulate: Simulate, network_scenario: Callable[..., Scenario]
) -> None:
    control = {"radio.power_control.p0_dbm": -95.0, "radio.power_control.alpha": 1.0}
    limits = {"radio.min_power_w": 1e-9, "radio.max_power_w": 10.0}
    sink = simulate({**control, **limits})
    uploads = sink.frame("uploads").join(sink.frame("ues"), on="ue")
    received_dbm = 10 * np.log10(uploads["power_w"] * 1e3) + uploads["gain_db"]
    blocks = uploads["bandwidth_hz"] / 180e3
    floor_w = network_scenario({**control, **limits}).radio.min_power_w
    below = uploads["power_w"].is_between(floor_w * (1 + 1e-9), 10.0 * (1 - 1e-9))
    assert below.sum() > 0
    assert np.allclose(received_dbm.filter(below), (-95.0 + 10 * np.log10(blocks)).filter(below))
    assert uploads["power_w"].is_between(floor_w, 10.0 + 1e-12).all()
