"""The study of common random numbers in small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from netsim.results.intervals import coupling_gain


def test_small(study: Callable[..., Path]) -> None:
    out = study("coupling")
    table = pl.read_parquet(out / "results" / "coupling-small.parquet")
    assert len(table) == 2 * 4 * 7  # federations, metrics, steps
    assert (table["pairs"] <= 3).all()
    assert table.filter(pl.col("metric") == "energy_j", pl.col("federation") == "network")["gain"].mean() > 1


def test_interval_holds_the_gain(scripts: None) -> None:
    from coupling import gain_interval

    common, own = np.random.default_rng(1).normal(size=(2, 60))
    x, y = common, common + 0.5 * own
    low, high = gain_interval(x, y)
    assert low < coupling_gain(x, y) < high
