"""Fig. 5 in small: the calibrated number comes out, and pairs share everything but power
control.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest


def test_small(study: Callable[..., Path]) -> None:
    out = study("fig5_energy")
    pairs = pl.read_parquet(out / "results" / "fig5_energy-small.parquet")
    assert len(pairs) == 2 * 2 * 2  # thetas, prices, seeds
    assert pairs["power_saved"].is_between(0, 1).all()
    here = pairs.filter(pl.col("reading") == "equal", pl.col("theta_db") == -5.0).sort("mu", "seed")
    cheap, dear = (here.filter(pl.col("mu") == mu)["power_saved"] for mu in (1e5, 1e6))
    assert 0.08 < cheap.mean() < 0.25  # what the prices beside the calibrated one save
    assert (dear > cheap).all()
    text = (out / "results" / "fig5_energy-small.md").read_text()
    assert "| equal |" in text
    assert (out / "figures" / "fig5_energy-small.svg").is_file()


def test_crossing_lies_between_prices(scripts: None) -> None:
    from fig5_energy import crossing

    curve = pl.DataFrame({"price": [1e-3, 1e-2, 1e-1], "power_saved": [0.0, 0.1, 0.236]})
    assert crossing(curve) == pytest.approx(10**-1.5 / 1e5, rel=5e-3)  # three digits
    assert crossing(curve.head(2)) is None
    assert crossing(curve.tail(1)) == 1e-6
