"""The search of learning rates in small: validation rows only, and the best of each scheme."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim import open_sweep


def test_small(study: Callable[..., Path]) -> None:
    out = study("learning_rate")
    rows = pl.read_parquet(out / "results" / "learning_rate-small.parquet")
    tried = {
        ("reviews", "fedlora"),
        ("reviews", "model_switching"),
        ("passages", "model_switching"),
    }
    assert set(rows.select("task", "scheme").rows()) == tried
    evaluations = open_sweep(out).table("evaluations").collect()
    assert evaluations["split"].unique().to_list() == ["validation"]
    for key, group in rows.group_by("task", "scheme"):
        assert group["learning_rate"].to_list() == [1e-3, 1e-2], key
        best = group.filter("chosen")
        assert best["validation_accuracy"].to_list() == [group["validation_accuracy"].max()]
    one = evaluations.filter(
        (pl.col("target") == "ensemble")
        & (pl.col("scheme.kind") == "fedlora")
        & (pl.col("round") > 0),
        pl.col("learning.learning_rate") == 1e-3,
    )
    mean = rows.filter((pl.col("scheme") == "fedlora") & (pl.col("learning_rate") == 1e-3))
    assert mean["validation_accuracy"].item() == pytest.approx(one["accuracy"].mean())


def test_rates_of_the_studies(scripts: None) -> None:
    """Those that the committed search has chosen; the scenario's own where there was none."""
    search = importlib.import_module("learning_rate")
    table = pl.read_parquet(search.study.HERE / "results" / "learning_rate-cpu.parquet")
    chosen = table.filter("chosen")
    assert chosen["scheme"].n_unique() >= 15
    budget = table.group_by("task", "scheme").agg(pl.len(), pl.col("learning_rate").sort())
    assert budget["len"].n_unique() == budget["learning_rate"].n_unique() == 1
    for row in chosen.iter_rows(named=True):
        assert search.rate_of(row["scheme"], row["task"]) == row["learning_rate"]
    assert search.rate_of("a scheme of tomorrow") == 3e-3
