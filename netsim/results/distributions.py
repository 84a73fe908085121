"""Percentiles and distribution functions of a column, for frames of any length."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def percentiles(
    frame: pl.LazyFrame, column: str, *, levels: Sequence[float] = (5, 50, 95), by: str | None = None
) -> pl.LazyFrame:
    """Percentiles of a column, interpolated: one row (per value of `by`), columns p5, p50, ..."""
    wanted = [pl.col(column).quantile(level / 100, "linear").alias(f"p{level:g}") for level in levels]
    return frame.select(wanted) if by is None else frame.group_by(by).agg(wanted).sort(by)


def cdf(frame: pl.LazyFrame, column: str, *, points: int = 101, by: str | None = None) -> pl.LazyFrame:
    """Distribution of a column at evenly spaced probabilities: columns (by,) probability, value."""
    levels = [i / (points - 1) for i in range(points)]
    values = pl.concat_list([pl.col(column).quantile(level, "linear") for level in levels]).alias("value")
    wide = frame.select(values) if by is None else frame.group_by(by).agg(values).sort(by)
    return wide.with_columns(pl.lit(levels).alias("probability")).explode("probability", "value")
