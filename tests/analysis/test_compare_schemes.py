"""The comparison in small: each number is that of its run, and every registered scheme has its
panel.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim import open_sweep
from netsim.schemes.base import scheme_names


def test_small(study: Callable[..., Path]) -> None:
    out = study("compare_schemes")
    rows = pl.read_parquet(out / "results" / "compare_schemes-small.parquet")
    settings = rows.select("scheme", "bandwidth").unique(maintain_order=True).rows()
    assert settings == [
        ("model_switching", "own"),
        ("fedlora", "equal"),
        ("fedlora", "algorithm1"),
        ("random", "equal"),
    ]
    assert rows["seed"].to_list() == [0, 1] * 4
    found = open_sweep(out)
    for job, told in found.jobs.items():
        run = found.run(job)
        mine = rows.filter(
            pl.col("scheme") == told["overrides"]["scheme.kind"],
            pl.col("seed") == told["seed"],
            pl.col("bandwidth") == told["overrides"].get("scheme.bandwidth", "own"),
        )
        assert len(mine) == 1
        assert mine["final_accuracy"].item() == run.learning_curve().collect()["accuracy"][-1]
        (level,) = run.to_accuracy([0.8]).collect().rows()
        assert (
            mine.select("rounds_to_target", "seconds_to_target", "joules_to_target").row(0)
            == level[1:]
        )
        outcome = run.uploads.collect()["outcome"]
        assert mine["outage_share"].item() == pytest.approx((outcome == "outage").mean())
    script = importlib.import_module("compare_schemes")
    reached = pl.DataFrame({"run": list(found.jobs), "rounds_to_target": [1, 2] * 4})
    for job, *told_mbit in script.bits_to_target(found, reached).select("run", *script.BITS).rows():
        round = reached.filter(pl.col("run") == job)["rounds_to_target"].item()
        spans = found.run(job).spans.filter(pl.col("round").is_between(1, round)).collect()
        by_kind = dict(spans.group_by("kind").agg(pl.col("bits").sum() / 1e6).rows())
        assert told_mbit == pytest.approx([by_kind["broadcast"], by_kind["uplink"]])
        assert (told_mbit[0] > 0) == (round > 1)  # the start is held
    text = (out / "results" / "compare_schemes-small.md").read_text()
    assert "| fedlora | algorithm1 |" in text
    assert "## Beyond FedLoRA with equal shares" in text
    assert (out / "figures" / "compare_schemes-small.svg").stat().st_size > 10_000


def test_every_scheme_is_compared(scripts: None) -> None:
    script = importlib.import_module("compare_schemes")
    assert set(script.PAPER + script.others()) == set(scheme_names())
    assert len(script.PAPER) == 9


def test_bits_and_pairs_by_hand(scripts: None) -> None:
    script = importlib.import_module("compare_schemes")
    costs = {"fedlora": [4.0, 6.0, 8.0], "slora": [5.0, 8.0, None]}
    rows = [
        {"scheme": kind, "bandwidth": "equal", "seed": seed, **dict.fromkeys(script.PAIRED, cost)}
        for kind, found in costs.items()
        for seed, cost in enumerate(found)
    ]
    (row,) = script.against_one(pl.DataFrame(rows)).rows(named=True)
    assert row["scheme"] == "slora"
    assert row["up_mbit_to_target"] == "1.5 ± 6.4 (2 of 3)"  # 1 and 2 more; t of one degree, 12.7


def test_schemes_on_one_adapter_have_its_rate(scripts: None) -> None:
    script = importlib.import_module("compare_schemes")
    known = script.tuned()
    assert script.rate_of("scaffold") == script.rate_of("slora") == known["cell", "fedlora"]
    assert script.rate_of("round_robin") == 3e-3
