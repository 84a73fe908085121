"""The density study in small, with learning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl


def test_small(study: Callable[..., Path]) -> None:
    out = study("whatif_gnb_density")
    runs = pl.read_parquet(out / "results" / "whatif_gnb_density-small.parquet")
    assert runs["status"].to_list() == ["done"] * 4
    assert runs["accuracy"].null_count() == 0
    text = (out / "results" / "whatif_gnb_density-small.md").read_text()
    assert "| gNBs per km² | time to accuracy 0.8 (s) |" in text
    assert text.count("± ") > 8
    assert (out / "figures" / "whatif_gnb_density-small.svg").is_file()
