"""Fig. 3 in small: counts, answers and where the printed bracket misses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl


def test_small(study: Callable[..., Path]) -> None:
    out = study("fig3_allocation")
    rows = pl.read_parquet(out / "results" / "fig3_allocation-small.parquet")
    assert (rows["inner"] == rows["outer"] * rows["active"]).all()
    ended = rows.filter("converged")
    assert (ended["finish_s"] >= ended["best_s"] * (1 - 1e-9)).all()
    assert (ended["finish_s"] <= ended["best_s"] * 1.01).all()
    assert rows.filter(pl.col("search").is_in(["newton", "valid"]))["converged"].all()
    admitted = rows.filter(pl.col("who") == "admitted")
    assert (admitted["best_s"] <= 10.0 * (1 + 1e-9)).all()
    assert (admitted["active"] <= admitted["ue_count"]).all()
    text = (out / "results" / "fig3_allocation-small.md").read_text()
    assert text.startswith("# Does Algorithm 1 always converge")
    assert "Newton's method | 100 | 1 |" in text
    assert (out / "figures" / "fig3_allocation-small.svg").stat().st_size > 10_000
