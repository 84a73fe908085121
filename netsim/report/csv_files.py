"""A run's tables as CSV."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars import col

from netsim.errors import OutputError
from netsim.records import TABLES
from netsim.report.folders import new_folder
from netsim.results.reader import Run


def write_csv(run: Run, out: Path) -> list[Path]:
    """One file per table that has rows, streamed; nulls are empty, lists are joined by spaces.

    Raises OutputError if `out` is taken or cannot be written.
    """
    new_folder(out)
    written = []
    for table, columns in TABLES.items():
        rows = run.table(table)
        if not rows.head(1).collect().height:
            continue
        lists = [column.name for column in columns if column.kind == "list"]
        joined = col(lists).cast(pl.List(pl.String)).list.join(" ")
        path = out / f"{table}.csv"
        try:
            rows.with_columns(joined).sink_csv(path)
        except (OSError, pl.exceptions.ComputeError) as error:
            raise OutputError(f"cannot be written: {error}", where=path) from None
        written.append(path)
    return written
