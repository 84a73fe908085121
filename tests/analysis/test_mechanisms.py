"""The study of the mechanisms of model switching in small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl


def test_small(study: Callable[..., Path]) -> None:
    out = study("mechanisms")
    table = pl.read_parquet(out / "results" / "mechanisms-small.parquet")
    assert len(table) == 8  # mechanisms, one world
    assert table["ensemble_accuracy"].is_between(0, 1).all()
    assert (table["best_worst_decile"] <= table["best_accuracy"] + 1e-9).all()
    assert (table["cheaper"] + table["dearer"] <= table["seeds"]).all()
    drawn = (out / "figures" / "mechanisms-small.svg").read_text(encoding="utf-8")
    assert drawn.count('<g id="axes_') == 1
