"""A run in a few numbers, beside its tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from netsim.results.digest import digest
from netsim.results.reader import Run


def test_totals_are_those_of_the_tables(tmp_path: Path, synthetic: Callable[..., Run]) -> None:
    made = synthetic(tmp_path / "run", parts=2, rounds=3, ues=40)
    found, uploads = digest(made), made.uploads.collect()
    assert found["rounds"] == 6
    assert found["simulated_s"] == made.rounds.select(pl.col("end_s").max()).collect().item()
    assert found["uploads"] == sum(found["outcomes"].values()) == len(uploads)
    arrived = made.latency().filter(pl.col("outcome") == "on_time").collect()
    assert found["median_finish_s"] == pytest.approx(arrived["finish_s"].median())
    assert found["accuracy"] == []


def test_a_run_without_rows(tmp_path: Path) -> None:
    found = digest(Run(tmp_path))
    assert found["rounds"] == found["uploads"] == found["handovers"] == 0
    assert found["fairness"] is None
    assert found["median_finish_s"] is None
