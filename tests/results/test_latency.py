"""The parts of the latency add up, and the critical path is what a round waited for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from netsim.execution import run
from netsim.results.latency import LATENCY_PARTS
from netsim.results.reader import Run
from netsim.scenario.model import Scenario

SCENARIOS: dict[str, dict[str, Any]] = {
    "barrier": {},
    "arrival": {"round.alloc_start": "arrival"},
    "blocks": {"radio.fading": "block"},
    "cells": {"federation": "network", "radio.interference": "network", "ues.count": 20},
    "attempts": {"radio.retransmissions": 2, "radio.sinr_threshold_db": 3.0},
    "events": {"radio.reallocation": "events", "radio.interference": "network"},
    "tight": {"round.compute_limit_s": 0.3},
    "stale": {
        "round.late_uploads": "stale",
        "round.alloc_start": "arrival",
        "round.deadline_s": 1.0,
        "radio.retransmissions": 1,
        "ues.count": 30,
        "round.compute_limit_s": None,
    },
}


@pytest.fixture(scope="module", params=SCENARIOS)
def made(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_network: Callable[..., Scenario],
) -> Run:
    return run(
        make_network(SCENARIOS[request.param]), out=tmp_path_factory.mktemp(request.param) / "run"
    )


def test_parts_sum_to_the_finish_of_every_upload(made: Run) -> None:
    opened = made.rounds.select(
        pl.col("round").alias("begun"), "gnb", pl.col("start_s").alias("opened_s")
    )
    uploads = made.uploads.join(opened, on=["begun", "gnb"], maintain_order="left").collect()
    found = made.latency().collect()
    assert len(found) == len(uploads) > 0
    finish = uploads["end_s"] + uploads["backhaul_s"] - uploads["opened_s"]
    assert (found["finish_s"] - finish).abs().max() < 1e-9
    assert (found.select(pl.sum_horizontal(LATENCY_PARTS)).to_series() - finish).abs().max() < 1e-9
    assert found.select(pl.min_horizontal(LATENCY_PARTS)).to_series().min() > -1e-9


def test_critical_path_fills_the_round(made: Run) -> None:
    path = made.critical_path().collect()
    with_uploads = made.uploads.select("round", "gnb").unique().collect()
    assert len(path) == len(with_uploads)
    assert (
        path.select(pl.sum_horizontal(*LATENCY_PARTS, "close_s") - pl.col("length_s")).to_series()
    ).abs().max() < 1e-9
    rounds = made.rounds.collect()
    length = path.join(rounds, on=["round", "gnb"])
    gap = length["length_s"] - length["backhaul_s"] - (length["end_s"] - length["start_s"])
    assert gap.abs().max() < 1e-9
    assert path.select(pl.min_horizontal(*LATENCY_PARTS, "close_s")).to_series().min() > -1e-9


def test_critical_path_names_the_slowest(made: Run) -> None:
    path = made.critical_path().collect()
    uploads = made.uploads.collect()
    last = uploads.group_by("round", "gnb").agg(pl.col("end_s").max())
    sent = path.join(uploads, left_on=["round", "sending_ue"], right_on=["round", "ue"]).join(
        last, on=["round", "gnb"], suffix="_last"
    )
    assert (sent["end_s"] == sent["end_s_last"]).any()
    computing = made.spans.filter(pl.col("kind") == "compute").collect()
    done = computing.group_by("round", pl.col("ue").alias("computing_ue")).agg(
        pl.col("end_s").max().alias("done_s")
    )
    own = path.filter(pl.col("computing_ue") == pl.col("sending_ue"))
    held = path.filter(pl.col("computing_ue") != pl.col("sending_ue")).join(
        done, on=["round", "computing_ue"]
    )
    slowest = computing.group_by("round", "gnb").agg(pl.col("end_s").max().alias("slowest_s"))
    held = held.join(slowest, on=["round", "gnb"])
    assert (held["done_s"] == held["slowest_s"]).all()
    assert len(own) + len(held) == len(path)


def test_means_are_those_of_the_uploads(made: Run) -> None:
    means = made.latency_means("ue").collect()
    rows = made.latency().collect()
    for ue, count, finish in means.select("ue", "uploads", "finish_s").iter_rows():
        mine = rows.filter(pl.col("ue") == ue)["finish_s"]
        assert count == len(mine)
        assert finish == pytest.approx(mine.mean())


def test_of_those_cut_the_one_that_sent_least_is_named(
    tmp_path: Path, synthetic: Callable[..., Run]
) -> None:
    made = synthetic(tmp_path / "run", parts=2, rounds=5, ues=60)
    path = made.critical_path().collect()
    uploads = made.uploads.collect()
    assert len(path) == 2 * 5 * 3
    for row in path.iter_rows(named=True):
        here = uploads.filter((pl.col("round") == row["round"]) & (pl.col("gnb") == row["gnb"]))
        cut = here.filter(pl.col("end_s") == here["end_s"].max()).sort("bits_sent")
        assert row["sending_ue"] == cut["ue"][0]
        assert len(cut) > 1


@pytest.mark.parametrize(
    ("scenario", "part"),
    [("attempts", "retransmit_s"), ("cells", "backhaul_s"), ("barrier", "wait_s")],
)
def test_no_part_is_idle(
    scenario: str, part: str, tmp_path: Path, network_scenario: Callable[..., Scenario]
) -> None:
    found = run(network_scenario(SCENARIOS[scenario]), out=tmp_path / "run").latency().collect()
    assert found[part].sum() > 0
