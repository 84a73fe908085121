"""Fig. 2 in small: one row per run as claims.py reads them, and the scale of the radio."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim.learning.builtin.shapes import lora_parameters


def test_small(study: Callable[..., Path]) -> None:
    out = study("fig2_convergence")
    rows = pl.read_parquet(out / "results" / "fig2_convergence-small.parquet")
    keys = ["scheme", "bandwidth", "ue_count", "seed"]
    # three schemes, two of them under two policies, one also as printed; two K, two seeds
    assert len(rows) == len(rows.unique(keys)) == 6 * 2 * 2
    reached = rows.filter(pl.col("rounds_to_target").is_not_null())
    assert (reached["final_accuracy"] >= 0.55).all()  # runs end at the target
    assert (rows.filter(pl.col("rounds_to_target").is_null())["final_accuracy"] < 0.55).all()
    # the whole model does not fit into the deadline with an equal share
    stuck = rows.filter((pl.col("scheme") == "full_parameter") & (pl.col("bandwidth") == "equal"))
    assert stuck["arrivals_per_round"].to_list() == [0.0] * 4
    text = (out / "results" / "fig2_convergence-small.md").read_text()
    assert "| built-in | model_switching | own | 8 |" in text
    assert "| built-in | model_switching_printed | own | 8 |" in text
    assert (out / "figures" / "fig2_convergence-small.svg").stat().st_size > 10_000


def test_band_is_in_the_papers_ratio_to_an_upload(scripts: None) -> None:
    script = importlib.import_module("fig2_convergence")
    bits = 32 * lora_parameters(8, ("query", "value"))
    assert bits / script.bandwidth_hz(*script.BUILTIN) == pytest.approx(28_385_344 / 1e9)
    assert script.bandwidth_hz(12, 768) == pytest.approx(1e9)  # RoBERTa-base


def test_folders_are_given_together(scripts: None, tmp_path: Path) -> None:
    script = importlib.import_module("fig2_convergence")
    with pytest.raises(SystemExit, match="given together"):
        script.main(["--model", str(tmp_path)])
    with pytest.raises(SystemExit, match="size full needs them"):
        script.main(["--size", "full"])
