"""Runs of a sweep compared: which values, which pairs, and the difference with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import polars as pl
from polars import col

from netsim.results.intervals import Method, coupling_gain, mean_interval

Row = dict[str, Any]


def groups(frame: pl.DataFrame, by: list[str]) -> Iterator[tuple[Row, pl.DataFrame]]:
    """Rows that agree in the keys `by`, with the values of the keys."""
    if not by:
        yield {}, frame
        return
    for values, group in frame.group_by(by, maintain_order=True):
        yield (
            dict(
                zip(
                    by,
                    values,
                    strict=True,
                )
            ),
            group,
        )


def steps_between(values: list[Any], against: Any) -> list[tuple[Any, Any]]:
    """Which values are compared with which: neighbours, or all with `against`."""
    if against is None:
        return list(pairwise(values))
    return [(against, value) for value in values if value != against]


def pairs_of_seeds(
    group: pl.DataFrame,
    key: str,
    before: Any,
    after: Any,
) -> pl.DataFrame:
    """Runs of the same seed: seed, `before` and `after` the values of the metric."""
    left = group.filter(col(key) == before).select("seed", before="value")
    right = group.filter(col(key) == after).select("seed", after="value")
    return left.join(right, on="seed").sort("seed")


def difference_row(
    pairs: pl.DataFrame,
    level: float,
    method: Method,
) -> Row:
    known = pairs.drop_nulls()
    before = known["before"].to_numpy()
    after = known["after"].to_numpy()
    interval = mean_interval(
        after - before,
        level=level,
        method=method,
    )
    return {
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "pairs": len(known),
        "missing": len(pairs) - len(known),
        "gain": coupling_gain(before, after),
        "interval": f"{100 * level:g}% {method}",
    }
