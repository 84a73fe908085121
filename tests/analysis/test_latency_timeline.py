"""Critical paths over a replayed trace, in small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest


def test_small(study: Callable[..., Path]) -> None:
    out = study("latency_timeline")
    from latency_timeline import PARTS

    rounds = pl.read_parquet(out / "results" / "latency_timeline-small.parquet")
    assert set(rounds["seed"]) == {0, 1}
    assert rounds.select("seed", "round").is_unique().all()
    total = rounds.select(pl.sum_horizontal(*PARTS)).to_series()
    assert total.to_list() == pytest.approx(rounds["length_s"].to_list())
    longest = rounds.select(pl.max_horizontal(*PARTS)).to_series()
    columns = {name: column for column, name in PARTS.items()}
    own = [row[columns[row["longest"]]] for row in rounds.iter_rows(named=True)]
    assert own == longest.to_list()
    assert rounds["computing_class"].null_count() == rounds["sending_class"].null_count() == 0
    assert (out / "figures" / "latency_timeline-small.svg").is_file()
