"""Percentiles and distribution functions of a column, for frames of any length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl


def percentiles(
    frame: pl.LazyFrame,
    column: str,
    *,
    levels: Sequence[float] = (5, 50, 95),
    by: str | None = None,
) -> pl.LazyFrame:
    """Percentiles of a column, interpolated: one row (per value of `by`), columns p5, p50, ..."""
    wanted = [
        pl.col(column).quantile(level / 100, "linear").alias(f"p{level:g}") for level in levels
    ]
    return frame.select(wanted) if by is None else frame.group_by(by).agg(wanted).sort(by)


def cdf(
    frame: pl.LazyFrame, column: str, *, points: int = 101, by: str | None = None
) -> pl.LazyFrame:
    """Distribution of a column at evenly spaced probabilities: columns (by,) probability, value.

    Lazy; only the column (and `by`) are in memory. No rows if the column has none.
    """
    keys = [] if by is None else [by]
    wanted = frame.select(*keys, column).drop_nulls(column)
    levels = np.linspace(0.0, 1.0, points)
    known = wanted.collect_schema()
    schema = pl.Schema(
        {**{k: known[k] for k in keys}, "probability": pl.Float64(), "value": pl.Float64()}
    )

    def quantiles(rows: pl.DataFrame) -> pl.DataFrame:
        groups = (
            rows.sort(by).partition_by(by, maintain_order=True)
            if by
            else [rows]
            if len(rows)
            else []
        )
        pieces = [
            pl.DataFrame(
                {
                    **{k: pl.repeat(group[k][0], points, dtype=known[k], eager=True) for k in keys},
                    "probability": levels,
                    "value": np.quantile(group[column].to_numpy(), levels),
                },
                schema=schema,
            )
            for group in groups
        ]
        return pl.concat(pieces) if pieces else pl.DataFrame(schema=schema)

    return wanted.map_batches(quantiles, schema=schema)
