"""Runs of other versions: they open, or the message says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import netsim
from netsim.errors import DataError
from netsim.records import SCHEMA


@pytest.fixture
def run(tmp_path: Path) -> Path:
    small = {"network_only": True, "rounds": 2, "ues.count": 6, "data.train_samples": 200}
    return netsim.run("quickstart", overrides=small, out=tmp_path / "run").path


def change(run: Path, **facts: object) -> None:
    path = run / "metadata.json"
    metadata = json.loads(path.read_text())
    path.write_text(json.dumps({**metadata, **facts}))


def drop(run: Path, table: str, column: str) -> None:
    for file in (run / table).glob("*.parquet"):
        pl.read_parquet(file).drop(column).write_parquet(file)


def test_a_run_says_which_version_of_the_tables_it_has(run: Path) -> None:
    assert netsim.open_run(run).metadata["schema"] == SCHEMA


def test_a_newer_run_names_the_program_that_reads_it(run: Path) -> None:
    change(run, schema=SCHEMA + 1, netsim="9.1.0")
    with pytest.raises(DataError, match=r"open it with netsim 9\.1\.0 or later"):
        netsim.open_run(run)


def test_an_older_run_opens_or_says_what_to_do(run: Path) -> None:
    change(run, schema=0, netsim="0.0.1")
    drop(run, "uploads", "rank")  # a column that may be null: the run opens
    assert netsim.open_run(run).uploads.collect().height > 0
    drop(run, "uploads", "outcome")
    with pytest.raises(DataError, match=r"outcome is missing; .*netsim 0\.0\.1.*scenario\.toml"):
        netsim.open_run(run)
