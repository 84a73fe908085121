"""Queries done part by part: memory for one part of the tables, whatever the length of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from netsim.results.reader import Run


def part_by_part(run: Run, query: Callable[[Run], pl.LazyFrame]) -> pl.LazyFrame:
    """The rows of `query(part)` for each part of the run, one after the other; lazy.

    For queries that join or group by upload: parts hold whole rounds, so nothing they need is in
    another part, and no more than one part is in memory.
    """
    pieces = run.parts()
    if not pieces:
        return query(run)
    schema = query(pieces[0]).collect_schema()

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        for piece in pieces:
            lazy = query(piece)
            if predicate is not None:
                lazy = lazy.filter(predicate)
            frame = lazy.collect() if columns is None else lazy.select(columns).collect()
            if rows is not None:
                frame = frame.head(rows)
                rows -= len(frame)
            yield frame
            if rows == 0:
                return

    return register_io_source(source, schema=schema)
