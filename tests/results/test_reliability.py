"""Outcomes, outage by distance, fairness, staleness, handovers: against counts by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from scipy.stats import binomtest

from netsim.results.reader import Run
from netsim.results.reliability import fairness
from netsim.results.writer import ParquetSink, write_parquet


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, synthetic: Callable[..., Run]) -> Run:
    return synthetic(tmp_path_factory.mktemp("reliability") / "run", parts=3, rounds=4, ues=700)


def test_outcomes_count_every_upload(made: Run) -> None:
    uploads = made.uploads.collect()
    for by in ("round", "gnb", "ue"):
        found = made.outcomes(by).collect()
        assert found["uploads"].sum() == len(uploads)
        assert found["outage"].sum() == (uploads["outcome"] == "outage").sum() > 0
        ended = found.select(pl.sum_horizontal("on_time", "late", "outage", "aborted")).to_series()
        assert (ended == found["uploads"]).all()


def test_outage_intervals_are_wilsons(made: Run) -> None:
    uploads = made.uploads.collect()
    found = made.outage_by_distance(50.0).collect()
    assert found["uploads"].sum() == len(uploads)
    for row in found.iter_rows(named=True):
        inside = uploads.filter((pl.col("distance_m") - row["distance_m"]).abs() < 25.0 + 1e-9)
        inside = inside.filter(pl.col("distance_m") < row["distance_m"] + 25.0)
        lost = int((inside["outcome"] == "outage").sum())
        interval = binomtest(lost, len(inside)).proportion_ci(method="wilson")
        assert row["outage"] == pytest.approx(lost / len(inside))
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_participation_names_who_never_took_part(made: Run, tmp_path: Path) -> None:
    on_time = made.uploads.filter(pl.col("outcome") == "on_time").collect()
    found = made.participation().collect()
    assert found["on_time"].sum() == len(on_time)
    assert found["share"].sum() == pytest.approx(1.0)
    x = found["on_time"].cast(pl.Float64)
    assert fairness(made) == pytest.approx(x.sum() ** 2 / (len(x) * (x**2).sum()))
    one = Run(tmp_path)
    write_parquet(made.ues.head(4).collect(), tmp_path / "ues" / "part-000000.parquet")
    write_parquet(
        made.uploads.filter((pl.col("ue") == 2) & (pl.col("outcome") == "on_time")).collect(),
        tmp_path / "uploads" / "part-000000.parquet",
    )
    assert fairness(one) == pytest.approx(1 / 4)
    assert one.participation().collect()["uploads"].to_list()[3] == 0


def test_fairness_of_nothing_is_not_a_number(tmp_path: Path) -> None:
    assert fairness(Run(tmp_path)) != fairness(Run(tmp_path))


def test_staleness_counts_what_was_aggregated(made: Run) -> None:
    on_time = made.uploads.filter(pl.col("outcome") == "on_time").collect()
    assert made.staleness().collect().rows() == [(0, len(on_time))]


def test_ping_pongs_return_to_the_cell_they_left(tmp_path: Path) -> None:
    sink = ParquetSink(tmp_path, 1)
    sink.write(
        "handovers",
        {
            "time_s": [1.0, 3.0, 20.0, 21.0, 30.0],
            "ue": [5, 5, 5, 6, 5],
            "from_gnb": [0, 1, 0, 0, 1],
            "to_gnb": [1, 0, 1, 1, 0],
            "during": "uplink",
            "bits_lost": [1.0, 2.0, 0.0, 4.0, 8.0],
        },
    )
    sink.close_round(0)
    sink.close()
    found = Run(tmp_path).handover_counts(ping_pong_s=5.0).collect()
    assert found.rows() == [(5, 4, 1, 11.0), (6, 1, 0, 4.0)]
    assert Run(tmp_path).handover_counts(ping_pong_s=20.0).collect()["ping_pongs"].to_list() == [
        3,
        0,
    ]
