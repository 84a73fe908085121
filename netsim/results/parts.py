"""Queries done part by part: memory for one part of the tables, whatever the length of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl
from polars.io.plugins import register_io_source

from netsim.results.tables import RunTables

PartQuery = Callable[[RunTables], pl.LazyFrame]


def part_by_part(run: RunTables, query: PartQuery) -> pl.LazyFrame:
    """The rows of `query(part)` for each part of the run, one after the other; lazy.

    For queries that join or group by upload: parts hold whole rounds, so nothing they need is in
    another part, and no more than one part is in memory.
    """
    pieces = run.parts()
    if not pieces:
        return query(run)
    schema = query(pieces[0]).collect_schema()

    def source(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        rows: int | None,
        _batch: int | None,
    ) -> Iterator[pl.DataFrame]:
        for piece in pieces:
            frame = _collected(
                query(piece),
                columns,
                predicate,
            )
            if rows is not None:
                frame = frame.head(rows)
                rows -= len(frame)
            yield frame
            if rows == 0:
                return

    return register_io_source(source, schema=schema)


def _collected(
    rows: pl.LazyFrame,
    columns: list[str] | None,
    predicate: pl.Expr | None,
) -> pl.DataFrame:
    if predicate is not None:
        rows = rows.filter(predicate)
    if columns is not None:
        rows = rows.select(columns)
    return rows.collect()
