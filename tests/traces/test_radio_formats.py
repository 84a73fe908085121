"""Mahimahi, ns-3's fading traces, DeepMIMO and Sionna RT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from netsim.errors import DataError
from netsim.radio.replay import Driver
from netsim.traces import open_trace, read_channel, read_mobility, read_throughput
from netsim.traces.fading import fading_matrix
from netsim.traces.fading_series import fading_trace
from netsim.traces.mat5 import read_matrix
from netsim.traces.series import rate_series


def test_opportunities_have_passed_at_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.up").write_text("0\n2\n2\n5\n9\n")
    trace = open_trace(tmp_path / "a.up")
    series = rate_series(trace)
    rate = series.at(0, np.arange(27) / 1e3 + 5e-4)  # mean of each millisecond
    packets = np.cumsum(rate) * 1e-3 / 12e3
    assert packets[[0, 1, 4, 8]].round(9).tolist() == [0, 2, 3, 5]  # through at 1, 2, 5 and 9 ms
    assert np.allclose(rate[9:18], rate[:9])
    assert np.allclose(rate[18:], rate[:9])
    assert trace.metadata["period_s"] == "0.009"
    assert read_throughput(tmp_path / "a.up").collect()["node"].unique().to_list() == ["a"]


def test_fading_traces(tmp_path: Path) -> None:
    (tmp_path / "a.fad").write_text("0 10 20\n-10 0 -20\n")
    assert fading_matrix(tmp_path / "a.fad").tolist() == [[0, 10, 20], [-10, 0, -20]]
    table = read_channel(tmp_path / "a.fad").collect()
    assert table["resource_block"].to_list() == [0, 0, 0, 1, 1, 1]
    assert table["time_s"].to_list() == [0, 0.001, 0.002] * 2
    seen = fading_trace(open_trace(tmp_path / "a.fad")).at(
        np.array([0.0, 0.001, 0.0025]), np.array([0, 2])
    )
    mean = [(1 + 0.1) / 2, (10 + 1) / 2, (100 + 0.01) / 2]
    assert seen == pytest.approx(np.array([mean, [mean[2], mean[0], mean[1]]]))


def test_fading_of_other_steps_and_a_later_begin(tmp_path: Path) -> None:
    """Not every table of fading has ns-3's milliseconds."""
    (tmp_path / "t.csv").write_text("time_s,resource_block,gain_db\n5,0,0\n5.5,0,10\n6,0,20\n")
    trace = fading_trace(open_trace(tmp_path / "t.csv"))
    first = trace.begin_s
    times_s = first + np.array([0, 0.4, 0.5, 1.2, 1.5])
    assert trace.at(times_s, np.array([0])).tolist() == [[1, 1, 10, 100, 1]]
    driver = Driver("fading", trace, row={}, ues=frozenset([0]), begin_s=first)
    assert driver.changes_s(0.2, 1.6).tolist() == [0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ("0,0,0\n1,0,0\n0,1,0\n2,1,0\n", "at the same times, in equal steps"),
        ("0,0,0\n1,0,0\n3,0,0\n", "at the same times, in equal steps"),
        ("0,0,0\n1,0,0\n0,1,0\n", "at the same times, in equal steps"),
        ("0,0,0\n0,0,0\n", "at the same times, in equal steps"),
        ("0,0,\n1,0,\n", "has no sample to replay"),
    ],
)
def test_fading_that_cannot_be_replayed(rows: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"time_s,resource_block,gain_db\n{rows}")
    for fill in ("error", "hold", "interpolate"):
        with pytest.raises(DataError, match=rule):
            fading_trace(open_trace(tmp_path / "t.csv"), fill=fill)


def test_a_shape_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.fad").write_text("1\n2\n3\n4\n5\n6\n")
    assert fading_matrix(tmp_path / "a.fad", "2x3").tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(DataError, match="must have R x C = 6"):
        fading_matrix(tmp_path / "a.fad", "2x4")
    (tmp_path / "b.fad").write_text("0\n" * 1_000_000)
    assert fading_matrix(tmp_path / "b.fad").shape == (100, 10_000)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1"])
def test_matrices_are_those_that_scipy_wrote(dtype: str, packed: bool, tmp_path: Path) -> None:
    for shape in ((3, 5), (1, 1), (2, 3, 2), (0, 4)):
        matrix = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        savemat(tmp_path / "a.mat", {"m": matrix}, do_compression=packed)
        assert read_matrix(tmp_path / "a.mat").tolist() == matrix.tolist()
    savemat(tmp_path / "a.mat", {"m": np.array([[1j]])}, do_compression=packed)
    with pytest.raises(DataError, match="must hold real numbers"):
        read_matrix(tmp_path / "a.mat")
    savemat(tmp_path / "a.mat", {"m": np.eye(2), "n": np.eye(2)}, do_compression=packed)
    with pytest.raises(DataError, match="must hold one matrix"):
        read_matrix(tmp_path / "a.mat")


def test_deepmimo_sums_the_powers_of_paths(tmp_path: Path) -> None:
    power = np.array([[-90.0, -90.0, np.nan], [-100.0, np.nan, np.nan], [np.nan] * 3])
    for tx in ("t001_tx000", "t001_tx001"):
        savemat(tmp_path / f"power_{tx}_r000.mat", {"power": power.astype(np.float32)})
        savemat(tmp_path / f"rx_pos_{tx}_r000.mat", {"rx_pos": np.arange(9.0).reshape(3, 3)})
    for path in (tmp_path, tmp_path / "power_t001_tx000_r000.mat"):
        table = read_channel(path).collect()
        assert table.select("ue", "gnb").rows() == [
            ("r000_0", "t001_tx000"),
            ("r000_1", "t001_tx000"),
            ("r000_0", "t001_tx001"),
            ("r000_1", "t001_tx001"),
        ]
        assert table["gain"].to_list() == pytest.approx([2e-9, 1e-10] * 2)
    assert read_mobility(tmp_path).collect().rows()[1] == (0.0, "r000_1", 3.0, 4.0, 5.0)
    assert open_trace(tmp_path).notes == {"links without a path, left out": 2}


def test_sionna_sums_paths_and_averages_antennas(tmp_path: Path) -> None:
    a = np.zeros((2, 2, 1, 1, 3, 2), dtype=np.complex64)
    a[0, 0, 0, 0, :, 0] = [1, 1j, 0]
    a[0, 1, 0, 0, 0, 0] = 2
    a[0, :, 0, 0, 0, 1] = 1
    a[1] = 0.5
    np.savez(
        tmp_path / "a.npz", a=a, tau=np.zeros(3), rx_pos=np.eye(2, 3), sampling_frequency=100.0
    )
    table = read_channel(tmp_path / "a.npz").collect()
    assert table.select("time_s", "ue", "gnb", "gain").rows() == [
        (0.0, "0", "0", 3.0),
        (0.0, "1", "0", 0.75),
        (0.01, "0", "0", 1.0),
        (0.01, "1", "0", 0.75),
    ]
    assert read_mobility(tmp_path / "a.npz").collect()["time_s"].to_list() == [0.0, 0.0, 0.01, 0.01]
    np.savez(tmp_path / "b.npz", a_real=a.real, a_imag=a.imag)
    with pytest.raises(
        DataError, match="needs time_s, sampling_frequency or --format sionna:STEP_S"
    ):
        open_trace(tmp_path / "b.npz")
    other = open_trace(tmp_path / "b.npz", "sionna:0.01").table("channel").collect()
    assert other.equals(table)
