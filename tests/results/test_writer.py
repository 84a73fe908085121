"""Parts, nulls and types of the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import RunError
from netsim.records import TABLES
from netsim.results.reader import Run
from netsim.results.writer import MemorySink, ParquetSink, rounds_per_part, table_schema


def _evaluation(number: int, rows: int = 2) -> dict[str, object]:
    return {
        "round": number, "time_s": 1.5, "energy_j": np.arange(float(rows)), "target": ["0", "ensemble"],
        "ue": [-1, 3], "split": "test", "loss": [0.5, 0.6], "accuracy": 0.5, "samples": 10,
    }  # fmt: skip


def test_parts_hold_whole_rounds_and_close_at_multiples(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path, 3)
    for number in range(8):
        sink.write("evaluations", _evaluation(number))
        sink.close_round(number)
    parts = sorted((tmp_path / "evaluations").iterdir())
    assert [pl.read_parquet(p)["round"].unique().sort().to_list() for p in parts] == [[0, 1, 2], [3, 4, 5]]
    sink.write("evaluations", _evaluation(8))  # a round that never closes
    sink.close()
    assert Run(tmp_path).evaluations.collect()["round"].unique().sort().to_list() == list(range(8))
    assert sink.counts["evaluations"] == 16


def test_nulls_and_types() -> None:
    sink = MemorySink()
    sink.write("evaluations", _evaluation(1))
    frame = sink.frame("evaluations")
    assert frame["ue"].to_list() == [None, 3]
    assert dict(frame.schema) == table_schema("evaluations")
    for table in TABLES:
        assert dict(sink.frame(table).schema) == table_schema(table)


def test_enumerations_become_their_names() -> None:
    sink = MemorySink()
    row = {c.name: ([-1] if c.kind in ("int", "enum") else [np.nan]) for c in TABLES["spans"]}
    sink.write("spans", {**row, "round": [0], "gnb": [0], "kind": [3], "outcome": [2], "start_s": [0.0]})
    frame = sink.frame("spans")
    assert frame["kind"].to_list() == ["uplink"]
    assert frame["outcome"].to_list() == ["outage"]
    assert frame["module"].to_list() == [None]
    assert frame["bits"].to_list() == [None]


def test_wrong_columns_are_refused() -> None:
    with pytest.raises(RunError, match=r"table evaluations: columns \['extra'\]"):
        MemorySink().write("evaluations", {**_evaluation(1), "extra": 1})
    with pytest.raises(RunError, match="equally long"):
        MemorySink().write("evaluations", {**_evaluation(1), "loss": [1.0]})


def test_part_length_is_bounded() -> None:
    assert rounds_per_part(10) == 100
    assert rounds_per_part(50_000) == 10
    assert rounds_per_part(10**9) == 1


def test_unwritable_folder_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "evaluations").write_text("a file where a folder should be")
    sink = ParquetSink(tmp_path, 1)
    sink.write("evaluations", _evaluation(0))
    with pytest.raises(RunError, match="cannot be written"):
        sink.close_round(0)
