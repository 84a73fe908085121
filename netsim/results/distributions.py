"""Percentiles and distribution functions of a column, for frames of any length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from polars import col

PERCENTILES = (5, 50, 95)


def percentiles(
    frame: pl.LazyFrame,
    column: str,
    *,
    levels: Sequence[float] = PERCENTILES,
    by: str | None = None,
) -> pl.LazyFrame:
    """Percentiles of a column, interpolated: one row (per value of `by`), columns p5, p50, ..."""
    value = col(column)
    wanted = [value.quantile(level / 100, "linear").alias(f"p{level:g}") for level in levels]
    if by is None:
        return frame.select(wanted)
    return frame.group_by(by).agg(wanted).sort(by)


def cdf(
    frame: pl.LazyFrame,
    column: str,
    *,
    points: int = 101,
    by: str | None = None,
) -> pl.LazyFrame:
    """Distribution of a column at evenly spaced probabilities: columns (by,) probability, value.

    Lazy; only the column (and `by`) are in memory. No rows if the column has none.
    """
    keys = [] if by is None else [by]
    wanted = frame.select(*keys, column).drop_nulls(column)
    known = wanted.collect_schema()
    schema = pl.Schema({key: known[key] for key in keys})
    schema["probability"] = pl.Float64()
    schema["value"] = pl.Float64()
    levels = np.linspace(0.0, 1.0, points)

    def quantiles(rows: pl.DataFrame) -> pl.DataFrame:
        pieces = [pl.DataFrame(schema=schema)]
        for group in _groups(rows, by):
            columns = {
                key: pl.repeat(
                    group[key][0],
                    points,
                    eager=True,
                )
                for key in keys
            }
            columns["probability"] = pl.Series(levels)
            columns["value"] = pl.Series(np.quantile(group[column].to_numpy(), levels))
            pieces.append(pl.DataFrame(columns, schema_overrides=schema))
        return pl.concat(pieces)

    return wanted.map_batches(quantiles, schema=schema)


def _groups(rows: pl.DataFrame, by: str | None) -> list[pl.DataFrame]:
    if by is not None:
        return rows.sort(by).partition_by(by, maintain_order=True)
    return [rows] if len(rows) else []
