"""Parts, nulls and types of the tables."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from netsim.errors import DataError, RunError
from netsim.records import TABLES
from netsim.results.reader import Run
from netsim.results.run_folder import RunFolder
from netsim.results.table_buffer import FIRST_ROOM, LARGE_ROWS, MOST_ROOM
from netsim.results.writer import MemorySink, ParquetSink, rounds_per_part, table_schema


def _evaluation(number: int, rows: int = 2) -> dict[str, object]:
    return {
        "round": number,
        "time_s": 1.5,
        "energy_j": np.arange(float(rows)),
        "target": ["0", "ensemble"],
        "ue": [-1, 3],
        "split": "test",
        "loss": [0.5, 0.6],
        "accuracy": 0.5,
        "samples": 10,
    }


def test_parts_hold_whole_rounds_and_close_at_multiples(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path, 3)
    for number in range(8):
        sink.write("evaluations", _evaluation(number))
        sink.close_round(number)
    parts = sorted((tmp_path / "evaluations").iterdir())
    assert [pl.read_parquet(p)["round"].unique().sort().to_list() for p in parts] == [
        [0, 1, 2],
        [3, 4, 5],
    ]
    sink.write("evaluations", _evaluation(8))  # a round that never closes
    sink.close()
    assert Run(tmp_path).evaluations.collect()["round"].unique().sort().to_list() == list(range(8))
    assert sink.counts["evaluations"] == 16


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_a_table_is_read_as_it_was_when_it_was_asked_for(tmp_path: Path, status: str) -> None:
    """A run in progress, or one that was stopped and goes on, replaces the last part while others
    read it: they get no mixture of two.
    """
    RunFolder(tmp_path).write_metadata({"status": status})
    sink = ParquetSink(tmp_path, 3)
    for number in range(5):  # part 0 is closed, part 1 open
        sink.write("evaluations", _evaluation(number))
        sink.close_round(number)
    sink.save()
    run = Run(tmp_path)
    whole, open_part = run.evaluations, run.parts()[-1].evaluations

    for _ in range(2500):
        sink.write("evaluations", _evaluation(5))
    sink.close_round(5)
    assert len(run.evaluations.collect()) == 5010
    for _ in range(2):
        assert whole.collect()["round"].unique(maintain_order=True).to_list() == [0, 1, 2, 3, 4]
        assert open_part.select("round").collect()["round"].to_list() == [3, 3, 4, 4]


@pytest.mark.skipif(os.name != "posix", reason="open files are counted in /dev/fd")
def test_tables_of_runs_that_are_done_keep_no_file_open(tmp_path: Path) -> None:
    """A sweep's table is of thousands of runs, and a process may open a thousand files."""
    sink = ParquetSink(tmp_path, 3)
    sink.write("evaluations", _evaluation(0))
    sink.close_round(0)
    sink.close()
    done = {"status": "done", "records": {}, "seed": 0, "name": "a", "scheme": "fedlora"}
    RunFolder(tmp_path).write_metadata(done)
    run = Run(tmp_path)
    assert len(run.evaluations.collect()) == 2  # polars opens what it needs itself
    before = len(os.listdir("/dev/fd"))
    frames = [run.evaluations for _ in range(100)]
    assert len(os.listdir("/dev/fd")) < before + 10
    assert len(pl.concat(frames).collect()) == 200


def _rows(number: int) -> list[tuple[str, dict[str, object]]]:
    """Rows of every kind of column; some rounds write nothing to a table."""
    generator = np.random.default_rng(number)
    rows: list[tuple[str, dict[str, object]]] = [("evaluations", _evaluation(number, 2))]
    for table, size in (("spans", 40), ("ues", 3 if number == 0 else 0), ("handovers", number % 3)):
        columns: dict[str, object] = {}
        for c in TABLES[table]:
            columns[c.name] = {
                "int": generator.integers(-1, 5, size),
                "enum": generator.integers(0, max(len(c.categories), 1), size),
                "float": np.where(
                    generator.random(size) < 0.1, np.nan, generator.normal(size=size)
                ),
                "bool": generator.random(size) < 0.5,
                "str": [str(value) for value in generator.integers(0, 3, size)],
                "list": generator.integers(0, 9, (size, 2)),
            }[c.kind]
        if size:
            rows.append((table, columns))
    return rows


def _simulate(sink: ParquetSink, first: int, last: int) -> None:
    for number in range(first, last + 1):
        for table, columns in _rows(number):
            sink.write(table, columns)
        sink.close_round(number)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.parquet"))}


@pytest.mark.parametrize(
    ("saved_at", "stopped_at"), [(0, 0), (1, 2), (2, 2), (4, 11), (5, 9), (10, 12), (12, 12)]
)
def test_resumed_parts_have_the_same_bytes(saved_at: int, stopped_at: int, tmp_path: Path) -> None:
    """A checkpoint after `saved_at`, more rounds and perhaps parts after it, then the end of the
    process.
    """
    for name in ("whole", "run"):
        (tmp_path / name).mkdir()
    whole = ParquetSink(tmp_path / "whole", 3)
    _simulate(whole, 0, 12)
    whole.close()
    sink = ParquetSink(tmp_path / "run", 3)
    _simulate(sink, 0, saved_at)
    saved = json.loads(json.dumps(sink.save()))
    assert len(Run(tmp_path / "run").evaluations.collect()) == 2 * (
        saved_at + 1
    )  # readable at once
    _simulate(sink, saved_at + 1, stopped_at)
    if stopped_at > saved_at + 2:
        sink.save()
    (tmp_path / "run" / "spans" / "part-000001.parquet.tmp").write_bytes(b"half")
    for _ in range(2):  # a process that is killed at once resumes again
        sink = ParquetSink.resume(tmp_path / "run", 3, saved)
    assert Run(tmp_path / "run").spans.filter(pl.col("round") > 99).collect().is_empty()
    _simulate(sink, saved_at + 1, 12)
    sink.close()
    assert sink.counts == whole.counts
    assert _bytes(tmp_path / "run") == _bytes(tmp_path / "whole")
    assert not list((tmp_path / "run").rglob("*.tmp"))


def test_lost_rows_are_told(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path, 3)
    _simulate(sink, 0, 7)
    saved = sink.save()
    part = tmp_path / "spans" / "part-000001.parquet"
    content = part.read_bytes()
    for broken in (b"", b"PAR1", content[:-40]):
        part.write_bytes(broken)
        with pytest.raises(DataError, match=r"part-000001.parquet: cannot be read: it is"):
            ParquetSink.resume(tmp_path, 3, saved)
    part.unlink()
    with pytest.raises(DataError, match=r"spans: must have 320 rows, has 200"):
        ParquetSink.resume(tmp_path, 3, saved)
    part.write_bytes(content)
    ParquetSink.resume(tmp_path, 3, saved)
    shutil.rmtree(tmp_path / "ues")
    with pytest.raises(DataError, match="ues: 3 rows are missing"):
        ParquetSink.resume(tmp_path, 3, saved)


def test_rows_stay_in_order_whatever_the_size_of_calls() -> None:
    """Small calls share blocks, large ones stand by themselves."""
    many = [LARGE_ROWS] * (MOST_ROOM // LARGE_ROWS + 2)
    sizes = [3, LARGE_ROWS + 5, 1, LARGE_ROWS - 1, *[FIRST_ROOM // 5] * 7, 2, *many]
    sink, begin = MemorySink(), 0
    for size in sizes:
        rows = {**_evaluation(0, size), "ue": np.arange(begin, begin + size)}
        rows |= {name: [str(begin)] * size for name in ("target", "split")}
        rows |= {name: np.full(size, float(begin)) for name in ("loss", "accuracy")}
        sink.write("evaluations", rows)
        begin += size
    frame = sink.frame("evaluations")
    firsts = np.cumsum([0, *sizes[:-1]])
    assert frame["ue"].to_list() == list(range(begin))
    assert frame["loss"].to_list() == np.repeat(firsts, sizes).tolist()
    assert frame["target"].to_list() == np.repeat(firsts.astype(str), sizes).tolist()


def test_parts_keep_nothing_of_those_before(tmp_path: Path) -> None:
    """Their arrays are filled again: what is not given is null there, too."""
    sink = ParquetSink(tmp_path, 1)
    for number, given in enumerate(({"accuracy": [0.5, 0.25]}, {})):
        rows = {name: v for name, v in _evaluation(number).items() if name != "accuracy"}
        sink.write("evaluations", {**rows, **given})
        sink.close_round(number)
    parts = sorted((tmp_path / "evaluations").iterdir())
    assert [pl.read_parquet(part)["accuracy"].null_count() for part in parts] == [0, 2]


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
    sink.write(
        "spans", {**row, "round": [0], "gnb": [0], "kind": [3], "outcome": [2], "start_s": [0.0]}
    )
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
