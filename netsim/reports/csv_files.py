"""A run's tables as CSV."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars import col

from netsim.errors import OutputError
from netsim.records import TABLES
from netsim.reports.folders import export_folder
from netsim.results.damage import naming_damage
from netsim.results.reader import Run
from netsim.table_columns import TableColumn
from netsim.traces.tables.formulas import hidden_formulas

OWN = re.compile(rf"({'|'.join(TABLES)})\.csv")


def write_csv(run: Run, out: Path) -> list[Path]:
    """One file per table that has rows, streamed; nulls are empty, lists are joined by spaces.

    Text that a spreadsheet would take for a formula is put behind an apostrophe. Raises OutputError
    if `out` is taken or cannot be written.
    """
    written = []
    with export_folder(out, OWN), naming_damage(run):
        for table, columns in TABLES.items():
            rows = run.table(table)
            if rows.head(1).collect().height:
                path = out / f"{table}.csv"
                _write(_as_text(rows, columns), path)
                written.append(path)
    return written


def _as_text(rows: pl.LazyFrame, columns: Sequence[TableColumn]) -> pl.LazyFrame:
    """Lists as words, and no text that begins a formula."""
    lists = [column.name for column in columns if column.kind == "list"]
    words = col(lists).cast(pl.List(pl.String)).list.join(" ")
    return hidden_formulas(rows).with_columns(words)


def _write(rows: pl.LazyFrame, path: Path) -> None:
    try:
        rows.sink_csv(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error}", where=path) from None
