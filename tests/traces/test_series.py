"""Values sampled by time: held, repeated, and gaps that are errors unless a rule fills them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from netsim.errors import DataError
from netsim.traces import open_trace
from netsim.traces.fading_series import fading_trace
from netsim.traces.series import (
    TraceSeries,
    gain_series,
    rate_series,
    recorded_series,
    snr_series,
)
from netsim.traces.trace import Trace

GAINS = "time_s,ue,gnb,gain_db,gain\n0,a,0,-10,0.1\n1,a,0,-20,0.01\n0,b,0,-30,0.5\n2,a,0,-30,0.001\n9,a,0,-40,0.0001\n"


@pytest.fixture
def gains(tmp_path: Path) -> Path:
    (tmp_path / "g.csv").write_text(GAINS)
    return tmp_path / "g.csv"


def test_a_value_holds_to_the_next_and_linear_gain_is_preferred(gains: Path) -> None:
    series = gain_series(open_trace(gains))
    assert series.keys == (("a", "0"), ("b", "0"))
    assert series.at(0, np.array([0, 0.999, 1, 2.5, 9])).tolist() == [0.1, 0.1, 0.01, 0.001, 0.0001]
    row = series.row("b", "0")
    assert row == 1
    assert series.at(row, np.array([3.0])).tolist() == [0.5]
    assert series.row("c", "0") is None


def test_a_gap_is_an_error_unless_filled(gains: Path) -> None:
    trace = open_trace(gains)
    for time in (-1.0, 6.0, 13.0):
        with pytest.raises(
            DataError, match=rf"gap at {time:g} s of a - 0, .* 0 to 9 s; set a fill rule"
        ):
            gain_series(trace).at(0, np.array([0.0, time]))
    assert gain_series(trace, fill="hold").at(0, np.array([-1, 6.0, 13])).tolist() == [
        0.1,
        0.001,
        0.0001,
    ]
    filled = gain_series(trace, fill="interpolate").at(0, np.array([2.0, 5.5, 13.0]))
    assert filled == pytest.approx([0.001, (0.001 + 0.0001) / 2, 0.0001])
    with pytest.raises(DataError, match="fill must be one of"):
        gain_series(trace, fill="guess")


def test_missing_values_are_gaps(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("time_s,ue,gnb,snr_db\n0,a,1,10\n1,a,1,\n2,a,2,20\n")
    trace = open_trace(tmp_path / "s.csv")
    with pytest.raises(DataError, match=r"gap at 1.5 s of a, "):
        snr_series(trace).at(0, np.array([1.5]))
    assert snr_series(trace, fill="hold").at(0, np.array([0, 1.5, 2])).tolist() == [10, 10, 100]
    with pytest.raises(DataError, match="holds no gains"):
        gain_series(trace)


def test_a_period_repeats(samples: Path) -> None:
    trace = open_trace(samples / "walkers.rates.csv")
    series = rate_series(trace)
    times = np.linspace(0, 59.99, 500)
    for row in range(4):
        assert series.at(row, times + 120).tolist() == pytest.approx(series.at(row, times).tolist())


def test_the_recorded_sample(samples: Path) -> None:
    trace = open_trace(samples / "grid.channel.parquet")
    for column in ("gain", "interference_w"):
        series = recorded_series(trace, column)
        for row in trace.table("channel").collect().gather_every(97).rows(named=True):
            key = series.row(row["ue"], row["gnb"], "1")
            assert key is not None
            assert series.at(key, np.array([row["time_s"]])).tolist() == [row[column]]


def test_a_table_without_rows_cannot_be_replayed(tmp_path: Path) -> None:
    (tmp_path / "lumos.csv").write_text(
        "run_num,seq_num,latitude,longitude,nr_ssSinr,Throughput\n1,1,44.9,-93.2,12,\n"
    )
    trace = open_trace(tmp_path / "lumos.csv")
    assert snr_series(trace).keys == (("1",),)
    with pytest.raises(DataError, match=r"lumos\.csv: has no sample to replay"):
        rate_series(trace)


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("time_s,ue,gnb,gain_db\n0,a,0,-90\n1,a,0,301\n", gain_series),
        ("time_s,ue,gnb,gain_db\n0,a,0,1e308\n", gain_series),
        ("time_s,ue,gnb,gain_db,gain\n0,a,0,-90,1e31\n", gain_series),
        ("time_s,ue,gnb,snr_db\n0,a,0,400\n", snr_series),
        ("time_s,node,rate_bps\n0,a,1e31\n", rate_series),
        ("time_s,resource_block,gain_db\n0,0,0\n0.001,0,3000\n", fading_trace),
    ],
)
def test_numbers_too_large_to_calculate_with_are_refused(
    text: str, series: Callable[[Trace], object], tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=r"t\.csv: gains and ratios must be at most 300 dB"):
        series(open_trace(tmp_path / "t.csv"))


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("time_s,ue,gnb,gain_db\n0,a,0,-9e18\n1,a,0,\n2,a,0,-10\n", gain_series),
        ("time_s,ue,gnb,gain_db,gain\n0,a,0,-90,1e-40\n1,a,0,,\n2,a,0,-10,0.1\n", gain_series),
        ("time_s,ue,gnb,snr_db\n0,a,0,-400\n1,a,0,\n2,a,0,-10\n", snr_series),
    ],
)
def test_nothing_received_is_little_enough(
    text: str, series: Callable[[Trace], TraceSeries], tmp_path: Path
) -> None:
    """A ratio of 0 would be minus infinity in dB; a missing one stays missing."""
    (tmp_path / "t.csv").write_text(text)
    value = series(open_trace(tmp_path / "t.csv")).value
    assert value[[0, 2]].tolist() == [1e-30, 0.1]
    assert np.isnan(value[1])


def test_no_rate_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("time_s,node,rate_bps\n0,a,0\n1,a,5\n")
    assert rate_series(open_trace(tmp_path / "t.csv")).value.tolist() == [0, 5]


def test_missing_values_are_not_too_large(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("time_s,ue,gnb,gain_db\n0,a,0,300\n1,a,0,\n")
    assert gain_series(open_trace(tmp_path / "t.csv"), fill="hold").value[0] == 1e30
