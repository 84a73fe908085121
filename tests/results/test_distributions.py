"""Percentiles and distribution functions, beside NumPy's."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from netsim.results.distributions import cdf, percentiles

DRAWN = np.random.default_rng(3).exponential(size=501)
FRAME = pl.LazyFrame({"x": [None, *DRAWN], "kind": ["a"] * 100 + ["b"] * 402})


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_percentiles_are_numpys(engine: str) -> None:
    # type: ignore[call-overload]
    row = percentiles(FRAME, "x", levels=(5, 99.5)).collect(engine=engine)
    assert row.columns == ["p5", "p99.5"]
    assert row.row(0) == pytest.approx(tuple(np.quantile(DRAWN, [0.05, 0.995])))
    # type: ignore[call-overload]
    by = percentiles(FRAME, "x", levels=(50,), by="kind").collect(engine=engine)
    assert by["p50"].to_list() == pytest.approx([np.median(DRAWN[:99]), np.median(DRAWN[99:])])


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_cdf_is_the_quantile_function(engine: str) -> None:
    rows = cdf(FRAME, "x", points=11).collect(engine=engine)  # type: ignore[call-overload]
    assert rows["value"].to_list() == pytest.approx(
        np.quantile(DRAWN, np.linspace(0, 1, 11)).tolist()
    )
    by = cdf(FRAME, "x", points=5, by="kind").collect(engine=engine)  # type: ignore[call-overload]
    assert by["kind"].to_list() == ["a"] * 5 + ["b"] * 5
    assert by["value"][5:].to_list() == pytest.approx(
        np.quantile(DRAWN[99:], np.linspace(0, 1, 5)).tolist()
    )


def test_cdf_of_nothing_is_empty() -> None:
    nothing = cdf(FRAME.filter(pl.col("x") < 0), "x", by="kind")
    assert nothing.collect_schema() == nothing.collect().schema
    assert len(nothing.collect()) == 0
