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
        ("random", "algorithm1"),
    ]
    assert rows["seed"].to_list() == [0, 1] * 5
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
    text = (out / "results" / "compare_schemes-small.md").read_text()
    assert "| fedlora | algorithm1 |" in text
    assert (out / "figures" / "compare_schemes-small.svg").stat().st_size > 10_000


def test_every_scheme_is_compared(scripts: None) -> None:
    script = importlib.import_module("compare_schemes")
    assert set(script.PAPER + script.others()) == set(scheme_names())
    assert len(script.PAPER) == 9
