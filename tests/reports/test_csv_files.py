"""CSV files read back as the tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from netsim.errors import OutputError
from netsim.reports.csv_files import write_csv
from netsim.results.reader import Run
from netsim.results.table_buffer import table_schema


def test_csv_reads_back_as_the_tables(network_run: Callable[..., Run], tmp_path: Path) -> None:
    run = network_run(round__compute_limit_s=0.3)
    written = write_csv(run, tmp_path / "csv")
    assert {"spans.csv", "uploads.csv", "rounds.csv", "ues.csv", "sites.csv"} <= {
        p.name for p in written
    }
    assert "evaluations.csv" not in {p.name for p in written}
    for path in written:
        table = run.table(path.stem).collect()
        lists = [name for name, kind in table.schema.items() if kind == pl.List]
        schema = {n: pl.String() if n in lists else t for n, t in table_schema(path.stem).items()}
        back = pl.read_csv(path, schema=schema).with_columns(
            pl.col(lists).str.split(" ").cast(pl.List(pl.Int64))
        )
        assert_frame_equal(back, table, check_exact=True)


def test_a_taken_folder_is_left_alone(moving: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(OutputError, match="new or empty"):
        write_csv(moving, tmp_path)
    with pytest.raises(OutputError, match="new or empty"):
        write_csv(moving, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "kept"


def test_names_need_no_escaping_by_hand(moving: Run, tmp_path: Path, hostile: list[str]) -> None:
    write_csv(moving, tmp_path / "csv")
    assert pl.read_csv(tmp_path / "csv" / "ues.csv")["name"][:6].to_list() == hostile
