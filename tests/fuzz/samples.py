"""Small sound inputs of every kind, which the campaign spoils. All of them made up here."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.io import savemat

TRACES: dict[str, str] = {
    "a.xml": (
        '<fcd-export>\n<timestep time="0.00">\n<vehicle id="a" x="1.0" y="2.0" speed="3.0"/>\n</timestep>\n'
        '<timestep time="1.00">\n<vehicle id="a" x="4.0" y="2.0" speed="3.0"/>\n'
        '<person id="p" x="1" y="1" speed="1"/>\n</timestep>\n</fcd-export>\n'
    ),
    "geo.xml": (
        '<fcd-export>\n<timestep time="0">\n<vehicle id="a" x="7.10" y="50.10" speed="3.0"/>\n</timestep>\n'
        '<timestep time="1">\n<vehicle id="a" x="7.11" y="50.10" speed="3.0"/>\n</timestep>\n</fcd-export>\n'
    ),
    "a.gpx": (
        '<gpx version="1.1"><trk><name>w</name><trkseg>\n'
        '<trkpt lat="50.1" lon="7.2"><ele>3</ele><time>2024-05-01T10:00:00Z</time></trkpt>\n'
        '<trkpt lat="50.2" lon="7.3"><time>2024-05-01T10:00:09Z</time></trkpt></trkseg></trk></gpx>\n'
    ),
    "a.tcl": (
        "$node_(0) set X_ 1.0\n$node_(0) set Y_ 2.0\n"
        '$ns_ at 1.0 "$node_(0) setdest 9.0 9.0 2.5"\n$ns_ at 2.0 "$node_(0) set X_ 5.0"\n'
    ),
    "a.movements": "0 1 2 5 3 4\n0 5 6 7 8 9\n",
    "a.if": "0 1 0.0 10.0\n0 2 5.0 7.0\n",
    "a.fcd.csv": "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_speed\n0;a;1;2;3\n1;a;4;2;3\n",
    "a.csv": "time_s,node,x_m,y_m,speed_m_s\n0,a,1,2,\n1,a,2,3,1\n",
    "geo.csv": "timestamp,id,lat,lon\n2024-05-01 10:00:00,a,50.1,7.2\n2024-05-01 10:00:01,a,50.2,7.2\n",
    "gain.csv": "# gain_kind=total\ntime_s,ue,gnb,gain_db\n0,a,0,-90\n1,a,0,-91\n",
    "rate.csv": "time_s,node,rate_mbps\n0,a,10\n1,a,11\n",
    "irish.csv": (
        "Timestamp,Longitude,Latitude,Speed,CellID,NetworkMode,SNR,DL_bitrate,UL_bitrate\n"
        "2019.12.16_14.23.32,-8.39,51.88,0,11,5G,-11.0,100,66\n"
        "2019.12.16_14.23.33,-8.38,51.89,36,12,LTE,-,98,36\n"
    ),
    "lumos.csv": (
        "run_num,seq_num,latitude,longitude,movingSpeed,nr_ssSinr,Throughput\n"
        "1,1,44.9,-93.2,1.2,12,320\n1,2,44.91,-93.2,1.1,,0\n"
    ),
    "new_taxi.txt": "37.75134 -122.39488 0 1213084687\n37.75136 -122.39527 0 1213084659\n",
    "roma.txt": (
        "156;2014-02-01 00:00:00.739166+01;POINT(41.88 12.48)\n187;2014-02-01 00:00:01+01;POINT(41.9 12.4)\n"
    ),
    "1131.txt": "1131,2008-02-02 13:30:45,116.47871,39.95\n1131,2008-02-02 13:32:03,116.47871,39.94\n",
    "a.up": "1\n5\n5\n9\n",
    "comma.csv": "Time;id;X;Y\n08:00:00;a;1,5;2,25\n08:00:01;a;1,75;-\n08:00:02;a;2,0;2,5\n",
    "quoted.csv": 'time,id,lat,lon\n0,"van, red",51.0,7.0\n1,"van, red",51.0001,7.0\n',
    "a.plt": "Geolife trajectory\n1\n2\n3\n4\n5\n39.9,116.3,0,492,39745.1,2008-10-24,02:09:59\n",
    "train.csv": '"TRIP_ID","TIMESTAMP","POLYLINE"\n"T1","1372636858","[[-8.6,41.1],[-8.5,41.1]]"\n"T2","1","[]"\n',
    "bus.log": "1400000000 5000 51.000000 7.000000 200000 1000\n1400000001 6000 51.0 7.1 2000 1000\n",
    "walk.txt": "0.0 1.0 2.0\n1.0 2.0 -3.0\n2.0 3.0 -5.0\n",
    "a.fad": "1.0 -2.0 0\n-3 4 5\n",
    "fading.csv": "time_s,resource_block,gain_db\n5,0,0\n5.5,0,1\n6,0,-2\n5,1,3\n5.5,1,\n6,1,-6\n",
    "snr.csv": "time_s,ue,snr_db\n0,a,10\n1,a,\n0,b,20\n1,b,30\n",
    "fcc.csv": (
        "unit_id,dtime,target,bytes_total,bytes_sec\n7,2016-06-01 00:00:00,x,9,1000\n7,2016-06-01 00:00:05,x,9,2000\n"
    ),
}  # fmt: skip
TIMETABLE = {
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nA,a,51.00,7.00\nB,b,51.01,7.00\nC,c,51.02,7.00\n",
    "trips.txt": "route_id,service_id,trip_id\n1,weekday,t1\n1,weekday,t2\n1,sunday,t3\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t1,23:59:00,23:59:30,A,1\nt1,,,B,2\nt1,24:05:00,24:05:00,C,3\n"
        "t2,8:00:00,8:00:00,C,1\nt2,8:04:00,8:05:00,B,2\nt3,9:00:00,9:00:00,A,1\nt3,9:09:00,9:09:00,B,2\n"
    ),
}
SITES: dict[str, Any] = {
    "s.csv": "site,x_m,y_m\na,0,0\nb,1000,0\nc,0,1000\nd,900,1100\n",
    "geo.csv": "name;lat;lon;height\na;50,1;7,2;30\nb;50,11;7,2;31\nc;50,1;7,22;32\n",
    "cells.csv": (
        "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n"
        "LTE,262,1,1,1,0,7.2,50.1,1000,5,1,1,1,0\nLTE,262,1,1,2,0,7.2001,50.1,1000,9,1,1,1,0\n"
        "NR,262,2,1,3,0,7.25,50.1,1000,1,1,1,1,0\n"
    ),
    "s.json": json.dumps(
        {
            "directed": False,
            "multigraph": False,
            "graph": {},
            "nodes": [{"id": "a", "x_m": 0.0, "y_m": 0.0}, {"id": "b", "x_m": 500.0, "y_m": 9.0}],
            "edges": [{"source": "a", "target": "b", "rate_bps": 1e9, "hop_delay_s": 1e-4}],
        }
    ),
    "s.geojson": json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "id": "a", "geometry": {"type": "Point", "coordinates": [7.2, 50.1]}, "properties": {}},
                {"type": "Feature", "id": "b", "geometry": {"type": "Point", "coordinates": [7.3, 50.1]}, "properties": {"x": 1}},
                {
                    "type": "Feature",
                    "geometry": {"type": "LineString", "coordinates": [[7.2, 50.1], [7.3, 50.1]]},
                    "properties": {"source": "a", "target": "b", "rate_bps": 1e9},
                },
            ],
        }
    ),
    "s.graphml": (
        '<?xml version="1.0" encoding="utf-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        '<key id="d0" for="node" attr.name="x_m" attr.type="double"/>\n'
        '<key id="d1" for="node" attr.name="y_m" attr.type="double"/>\n'
        '<key id="d2" for="edge" attr.name="rate_bps" attr.type="double"/>\n'
        '<graph edgedefault="undirected">\n<node id="a"><data key="d0">0</data><data key="d1">0</data></node>\n'
        '<node id="b"><data key="d0">500</data><data key="d1">9</data></node>\n'
        '<edge source="a" target="b"><data key="d2">1e9</data></edge>\n</graph>\n</graphml>\n'
    ),
}  # fmt: skip
FLOWER_PROJECT = """\
[project]
name = "app"
version = "1.0.0"
[tool.flwr.app]
publisher = "me"
[tool.flwr.app.components]
serverapp = "json:loads"
clientapp = "json:dumps"
[tool.flwr.app.config]
rounds = 3
lr = 0.1
deep.er.value = "x"
"""
ROWS = [("it is good", 1), ("it is bad", 0), ("very fine indeed", 1), ("not at all", 0)] * 3
DATA: dict[str, str] = {
    "d.tsv": "sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS),
    "d.csv": "text,sentiment\n" + "".join(f'"{text}",{"pos" if label else "neg"}\n' for text, label in ROWS),
    "d.jsonl": "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS),
    "pairs.tsv": "index\tquestion1\tquestion2\tis_duplicate\n"
    + "".join(f"{i}\t{text}\t{text} too\t{label}\n" for i, (text, label) in enumerate(ROWS)),
}  # fmt: skip


def write_trace(folder: Path, name: str) -> Path:
    """A sound trace by name: one of TRACES, or one in a binary format, or a folder."""
    path = folder / name
    if name in TRACES:
        path.write_text(TRACES[name])
    elif name == "feed.zip":
        with zipfile.ZipFile(path, "w") as archive:
            for part, text in TIMETABLE.items():
                archive.writestr(part, text)
    elif name == "feed":
        path.mkdir()
        for part, text in TIMETABLE.items():
            (path / part).write_text(text)
    else:
        _write_binary_trace(folder, name)
    return path


def _write_binary_trace(folder: Path, name: str) -> None:
    if name == "scene":
        (folder / name).mkdir()
        _write_scene(folder / name)
    elif name.endswith(".mat"):
        _write_scene(folder)
    elif name == "paths.npz":
        gains = np.full((2, 2, 1, 1, 3, 2), 1e-5, dtype=np.complex64)
        buffer = io.BytesIO()
        np.savez(buffer, a=gains, tau=np.zeros(3), rx_pos=np.eye(2, 3), sampling_frequency=100.0)
        (folder / name).write_bytes(buffer.getvalue())
    elif name == "moves.parquet":
        frame = pl.DataFrame(
            {
                "time_s": [0.0, 1.0] * 2,
                "node": ["a", "a", "b", "b"],
                "x_m": [0.0, 1.0] * 2,
                "y_m": [1.0] * 4,
            }
        )
        frame.write_parquet(folder / name)
    else:
        frame = pl.DataFrame(
            {"time_s": [0.0, 1.0], "ue": ["0", "0"], "gnb": ["0", "0"], "gain_db": [-90.0, -91.0]}
        )
        frame.write_parquet(folder / name)


def _write_scene(folder: Path) -> None:
    power = np.array([[-90.0, -90.0, np.nan], [-100.0, np.nan, np.nan]], dtype=np.float32)
    savemat(folder / "power_t001_tx000_r000.mat", {"power": power})
    savemat(folder / "rx_pos_t001_tx000_r000.mat", {"rx_pos": np.arange(6.0).reshape(2, 3)})


BINARY_TRACES = (
    "feed.zip",
    "feed",
    "scene",
    "power_t001_tx000_r000.mat",
    "paths.npz",
    "moves.parquet",
    "gains.parquet",
)
TINY_RUN: dict[str, Any] = {
    "network_only": True,
    "rounds": 4,
    "ues.count": 5,
    "topology.window_km": 3,
    "checkpoint_every": 1,
    "data.train_samples": 60,
    "data.test_samples": 10,
    "data.samples_per_ue": 10,
}
TINY_LEARNING = {
    **TINY_RUN,
    "network_only": False,
    "rounds": 1,
    "ues.count": 2,
    "learning.workers": 1,
    "modules": [{"rank": 1}],
}


LEARNED: dict[str, dict[str, Any]] = {
    "learned": {},
    "with-base": {"scheme.kind": "fedex_lora", "scheme.rank": 1},
    "own-parts": {"scheme.kind": "ditto", "scheme.rank": 1},
}
"""Runs that learned and are done: adapters alone, a changed base model, parts of UEs' own."""
CELLS = {"federation": "network", "mobility.step_s": 2}
INTERRUPTED: dict[str, dict[str, Any]] = {
    "run": {**CELLS, "mobility.kind": "random_waypoint"},
    "async": {**CELLS, "scheme.kind": "buffered_async", "scheme.buffer": 2},
    "stale": {
        "round.late_uploads": "stale",
        "round.deadline_s": 1.0,
        "radio.bandwidth_hz": 1e6,
        "round.compute_limit_s": None,
        "round.alloc_start": "arrival",
    },
    "adapting": {
        "radio.rate_model": "nr",
        "radio.fading": "block",
        "device.battery_j": 500.0,
        "downlink.link": "faded",
        "downlink.cache": True,
        "upload.codec": "top_k",
        "privacy.kind": "central",
        "learning.server.optimizer": "fedadam",
    },
    "encoded": {
        **TINY_LEARNING,
        "rounds": 3,
        "upload.codec": "top_k",
        "upload.error_feedback": True,
        "downlink.codec": "qsgd",
        "privacy.kind": "local",
        "learning.server.optimizer": "fedadam",
    },
}
"""Runs that were interrupted after two rounds, with a checkpoint of each."""


def learned(home: Path, name: str) -> Path:
    """A run that learned and is done."""
    import netsim

    folder = home / name
    if not folder.exists():
        netsim.run("quickstart", {**TINY_LEARNING, **LEARNED[name]}, out=folder)
    return folder


def interrupted(home: Path, name: str) -> Path:
    """A run that was interrupted after two rounds."""
    import netsim

    folder = home / name
    if folder.exists():
        return folder
    scenario = netsim.load_scenario("quickstart", {**TINY_RUN, **INTERRUPTED[name]})
    with netsim.Session(scenario, out=folder) as session:
        for _ in range(2):
            session.step(session.scheme.plan(session.observe()))
    return folder


def run_folder(home: Path) -> Path:
    """One of them, whose UEs move between gNBs."""
    return interrupted(home, "run")


def sweep_folder(home: Path) -> Path:
    """A sweep of two runs."""
    import netsim

    folder = home / "sweep"
    if folder.exists():
        return folder
    netsim.sweep(
        "quickstart",
        {"ues.count": [3, 4]},
        out=folder,
        seeds=[1],
        overrides={**TINY_RUN, "rounds": 1},
    )
    return folder


def model_folder(home: Path) -> Path:
    """The built-in model as a folder of its own."""
    from netsim.learning.builtin import model_folder as builtin

    folder = home / "model"
    if folder.exists():
        return folder
    shutil.copytree(builtin(), folder)
    return folder


def make_folders(home: Path, kinds: Sequence[str]) -> None:
    """Make what takes longer than an input may, before the clock runs."""
    if {"run", "checkpoint", "live"} & set(kinds):
        run_folder(home)
    for name in INTERRUPTED if "state" in kinds else ():
        interrupted(home, name)
    for name in LEARNED if "adapters" in kinds else ():
        learned(home, name)
    if "sweep" in kinds:
        sweep_folder(home)
    if "model" in kinds:
        from netsim.learning.model_loading import load_foundation

        load_foundation(str(model_folder(home)), 2)
