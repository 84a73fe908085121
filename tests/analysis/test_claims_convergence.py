"""The study of claims 1 to 4 in small: each number is that of its run."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim import open_sweep
from netsim.learning.builtin.shapes import lora_parameters


def test_small(study: Callable[..., Path]) -> None:
    out = study("claims_convergence")
    rows = pl.read_parquet(out / "results" / "claims_convergence-small.parquet")
    tried = rows.select("scheme", "band", "ue_count").unique().sort("scheme", "band", "ue_count")
    schemes = ("fedlora", "model_switching")
    assert tried.rows() == [(scheme, "algorithm1", n) for scheme in schemes for n in (4, 8)]
    assert rows["seed"].unique().sort().to_list() == [0, 1]
    found = open_sweep(out / "cell")
    for job, told in found.jobs.items():
        over, run = told["overrides"], found.run(job)
        mine = rows.filter(
            pl.col("ue_count") == over["ues.count"],
            pl.col("seed") == told["seed"],
            pl.col("scheme") == over["scheme.kind"],
        )
        curve = run.learning_curve().collect()["accuracy"]
        assert mine["area"].item() == pytest.approx(curve.slice(1).mean())
        assert not mine["arrived_0.9"].item()
        assert mine["cost_0.9"].item() == 2  # what was spent without arriving
    assert "FedLoRA" in (out / "results" / "claims_convergence-small.md").read_text()
    assert (out / "figures" / "claims_convergence-small.svg").stat().st_size > 10_000


def test_phases(scripts: None) -> None:
    """Equal shares take the place of Algorithm 1; 400 UEs have more rows to hold."""
    script = importlib.import_module("claims_convergence")
    for phase in script.PHASES:
        for grid in script.grids(script.CELL, phase):
            shared = "scheme.bandwidth" in grid
            assert not phase.equal_shares or grid["scheme.bandwidth"] == ["equal"]
            assert shared or not phase.equal_shares
            assert ("data.train_samples" in grid) == (phase.ue_counts == (400,))
            assert len(grid["learning.learning_rate"]) == 1


def test_out_of_time(study: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """No seed is begun any more; what is complete is told, and here nothing is."""
    with pytest.raises(SystemExit, match="no seed is complete"):
        study("claims_convergence", "--minutes", "0")
    assert "out of time; the same command goes on" in capsys.readouterr().err


def test_band_is_in_the_papers_ratio_to_an_upload(scripts: None) -> None:
    worlds = importlib.import_module("worlds")
    bits = 32 * lora_parameters(8, ("query", "value"))
    assert bits / worlds.CELL.fixed["radio.bandwidth_hz"] == pytest.approx(28_385_344 / 1e9)
    assert worlds.bandwidth_hz(12, 768) == pytest.approx(1e9)  # RoBERTa-base
