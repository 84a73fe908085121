"""Other people's files, where they are: every one inspects and replays, pairs agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netsim.mobility.replay import Replay
from netsim.traces import open_trace, read_mobility
from netsim.traces.convert import write_trace
from netsim.traces.series import rate_series, snr_series
from netsim.traces.summary import summarise

EXPECTED = {
    "bonnmotion_rwp_10.movements.gz": ("bonnmotion", 10, 600.0),
    "bonnmotion_rwp_10.ns_movements": ("ns2", 10, 600.0),
    "bonnmotion_rwp_10.params": ("bonnmotion", 10, 600.0),
    "gpx_walk.gpx": ("gpx", 1, 2061.0),
    "irish5g_download_driving.csv": ("irish5g", 1, 2949.0),
    "irish5g_download_static.csv": ("irish5g", 1, 3497.0),
    "mahimahi_att_lte_driving.up": ("mahimahi", 1, 120.001),
    "mahimahi_verizon_lte.up": ("mahimahi", 1, 139.999),
    "ns2_setdest_bonnmotion.ns_movements": ("ns2", 1, 1000.0),
    "ns2_setdest_default.ns_movements": ("ns2", 2, 100.0),
    "sumo_fcd_26veh.xml": ("sumo", 26, 59.0),
    "sumo_fcd_46veh.xml": ("sumo", 46, 388.0),
}


def test_every_file_inspects_and_replays(real: Path) -> None:
    found = {}
    for path in sorted(real.iterdir()):
        trace = open_trace(path)
        facts = next(iter(summarise(trace).values()))
        found[path.name] = (trace.format, len(facts.keys), round(facts.end - facts.begin, 3))
        if "mobility" in trace.tables:
            motion = Replay(str(path)).recorded()
            places = motion.positions(np.linspace(*motion.span_s, 50))
            assert (~np.isnan(places)).any(axis=(1, 2)).sum() >= 0.5 * len(motion.nodes)
            assert np.isnan(motion.positions(np.array([motion.span_s[1] + 1]))).all()
        if "throughput" in trace.tables:
            rate = rate_series(trace, fill="hold").at(0, np.linspace(0, 100, 1000))
            assert rate.min() >= 0
            assert rate.max() > 1e6
    assert found == EXPECTED


def test_the_bonnmotion_pair_is_one_walk(real: Path) -> None:
    """The ns-2 file is the same walk 10 m further up and to the right."""
    times = np.linspace(0, 600, 4001)
    a, b = (
        Replay(str(real / f"bonnmotion_rwp_10.{end}")).recorded()
        for end in ("movements.gz", "ns_movements")
    )
    assert a.nodes == b.nodes
    assert np.abs(a.positions(times) + 10 - b.positions(times)).max() < 1e-6


def test_measured_snr_and_rate(real: Path) -> None:
    trace = open_trace(real / "irish5g_download_driving.csv")
    assert snr_series(trace, fill="hold").at(0, np.array([0.0])) == pytest.approx([10**-1.1])
    assert rate_series(trace).at(0, np.array([0.0, 3.5])).tolist() == [
        98e3,
        36e3,
    ]  # the later of one second
    assert trace.table("mobility").collect()["speed_m_s"].max() == pytest.approx(48 / 3.6, rel=1)


@pytest.mark.parametrize(
    "name",
    [
        "sumo_fcd_26veh.xml",
        "ns2_setdest_default.ns_movements",
        "bonnmotion_rwp_10.movements.gz",
        "gpx_walk.gpx",
    ],
)
def test_real_positions_survive_a_round_trip(name: str, real: Path, tmp_path: Path) -> None:
    write_trace(open_trace(real / name), tmp_path / "n.parquet")
    write_trace(open_trace(tmp_path / "n.parquet"), tmp_path / name)
    before, after = Replay(str(real / name)).recorded(), Replay(str(tmp_path / name)).recorded()
    samples = read_mobility(real / name).collect()["time_s"].unique().to_numpy()
    gap = np.abs(before.positions(samples) - after.positions(samples))
    assert np.nanmax(gap) < 1e-6
    assert np.isnan(gap).mean() < 0.999


def test_a_real_scenario_of_opportunities_is_kept_to_the_byte(real: Path, tmp_path: Path) -> None:
    for name in ("mahimahi_att_lte_driving.up", "mahimahi_verizon_lte.up"):
        write_trace(open_trace(real / name), tmp_path / "b.parquet")
        write_trace(open_trace(tmp_path / "b.parquet"), tmp_path / "b.up")
        own, back = ((folder).read_text().split() for folder in (real / name, tmp_path / "b.up"))
        assert [t for t in own if t != "0"] == back[: len(back) if own[0] != "0" else -1]
