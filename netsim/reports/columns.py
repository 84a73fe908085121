"""Frames as the plain lists that a page can carry, and fair samples of what is too long for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import polars as pl
import polars.selectors as cs

T = TypeVar("T")


@dataclass(frozen=True)
class PageBudget:
    """How much of one run a page may carry. What is longer is thinned out, and the page says so."""

    spans: int = 12_000
    map_points: int = 40_000
    cells: int = 48_000
    rounds: int = 300
    ues: int = 200
    rows: int = 120  # UEs in one timeline
    timelines: tuple[int, ...] | None = None  # rounds whose timelines are asked for

    def shared_by(self, runs: int) -> PageBudget:
        """The part of each run when several share a page."""
        return replace(
            self,
            spans=self.spans // runs,
            map_points=self.map_points // runs,
            cells=self.cells // runs,
        )


def as_lists(frame: pl.DataFrame, digits: int = 5) -> dict[str, list[Any]]:
    """Columns as lists, floats to `digits` significant digits, NaN and infinities as None."""
    floats = cs.float()
    finite = pl.when(floats.is_finite()).then(floats)
    tidy = frame.with_columns(finite.round_sig_figs(digits))
    return tidy.to_dict(as_series=False)


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of the items, evenly spaced, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    if count < 2:
        return [items[0]]
    last = len(items) - 1
    return [items[round(i * last / (count - 1))] for i in range(count)]


def collect(frame: pl.LazyFrame) -> pl.DataFrame:
    """The rows, with memory for one batch at a time where the query allows."""
    return frame.collect(engine="streaming")
