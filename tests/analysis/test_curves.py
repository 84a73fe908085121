"""What runs cost to an accuracy, and bands over seeds: by hand."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def curves(scripts: None) -> Any:
    return importlib.import_module("curves")


@pytest.fixture
def curve() -> pl.DataFrame:
    """Two runs of three evaluations; the second is never at 0.8."""
    return pl.DataFrame(
        {
            "run": ["a"] * 3 + ["b"] * 3,
            "round": [0, 1, 2] * 2,
            "time_s": [0.0, 5, 9, 0, 4, 8],
            "energy_j": [0.0, 10, 30, 0, 11, 31],
            "accuracy": [0.5, 0.85, 0.7, 0.6, 0.7, 0.75],
        }
    )


def test_costs_to_a_target(curves: Any, curve: pl.DataFrame) -> None:
    found = curves.to_target(curve, 0.8)
    assert found.rows() == [("a", 1, 5.0, 10.0, 0.7), ("b", None, None, None, 0.75)]


def test_band_holds_the_last_evaluation(curves: Any, curve: pl.DataFrame) -> None:
    mean, low, high = curves.band(curve, "time_s", [0, 4.5, 8, 8.5])
    # at 8.5 s the second run is over
    assert mean[:3] == pytest.approx([0.55, 0.6, 0.8])
    assert np.isnan([mean[3], low[3], high[3]]).all()
    # Student's t of one degree of freedom, 12.706, times sd / sqrt(2)
    assert high[1] - mean[1] == pytest.approx(12.7062 * 0.1, rel=1e-4)


def test_runs_that_never_reach_it_are_told(curves: Any) -> None:
    assert curves.reach(pl.Series([3, 5, None])) == "4 ± 13 (2 of 3)"
    assert curves.reach(pl.Series([2.0, 2.0])) == "2 ± 0"
    assert curves.reach(pl.Series([None, None], dtype=pl.Int64)) == "never"
    assert curves.reach(pl.Series([0.256])) == "0.256"
