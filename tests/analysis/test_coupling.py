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
    assert len(table) == 4 * 7  # metrics, steps
    assert (table["pairs"] <= 3).all()
    assert table.filter(pl.col("metric") == "energy_j")["gain"].median() > 1
    drawn = (out / "figures" / "coupling-small.svg").read_text(encoding="utf-8")
    assert drawn.count('<g id="axes_') == 2  # one federation, two grids


def test_interval_holds_the_gain(scripts: None) -> None:
    from coupling import gain_interval

    common, own = np.random.default_rng(1).normal(size=(2, 60))
    x, y = common, common + 0.5 * own
    low, high = gain_interval(x, y)
    assert low < coupling_gain(x, y) < high
