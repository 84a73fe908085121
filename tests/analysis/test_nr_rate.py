"""Rate against distance in small: NR lies between nothing and Shannon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl


def test_small(study: Callable[..., Path]) -> None:
    out = study("nr_rate")
    rows = pl.read_parquet(out / "results" / "nr_rate-small.parquet")
    assert (rows["nr"] < rows["shannon"]).all()
    assert (rows["nr_late"] <= rows["nr"] * 1.001).all()
    assert (rows["nr"].diff().drop_nulls() <= 0).all()
    assert "| m | mean SINR, dB | Shannon, Mbit/s |" in (
        out / "results" / "nr_rate-small.md"
    ).read_text(encoding="utf-8")
