"""Which column means what: tables of SUMO, the Irish 5G and Lumos5G sets, taxis, and any other by
name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Column:
    """A source column and the factor to the native unit."""

    name: str
    factor: float = 1.0


@dataclass(frozen=True)
class Layout:
    """Native column -> source column. `x_m`, `y_m` of SUMO may be degrees; `point` is POINT(lat
    lon).
    """

    format: str
    columns: dict[str, Column]
    header: tuple[str, ...] = ()  # names of the columns where the file has none
    separator: str = ","
    time_is_date: bool | None = None  # None: seen from the values
    maybe_geo: bool = False
    nulls: tuple[str, ...] = ("",)
    keep: tuple[str, str] | None = None  # (column, value) of the rows with radio
    missing_place_ok: bool = False  # rows without a place are left out and counted
    notes: dict[str, int] = field(default_factory=dict)


def _of(**names: str | Column) -> dict[str, Column]:
    return {k.rstrip("_"): v if isinstance(v, Column) else Column(v) for k, v in names.items()}


_SUMO = {
    "time_s": "timestep_time",
    "node": "vehicle_id",
    "x_m": "vehicle_x",
    "y_m": "vehicle_y",
    "z_m": "vehicle_z",
    "speed_m_s": "vehicle_speed",
}
IRISH = Layout(
    "irish5g",
    _of(
        time_s="Timestamp",
        lat="Latitude",
        lon="Longitude",
        speed_m_s=Column("Speed", 1 / 3.6),
        gnb="CellID",
        snr_db="SNR",
        downlink_bps=Column("DL_bitrate", 1e3),
        uplink_bps=Column("UL_bitrate", 1e3),
    ),
    time_is_date=True,
    nulls=("", "-"),
    keep=("NetworkMode", "5G"),
    missing_place_ok=True,
)
LUMOS = Layout(
    "lumos5g",
    _of(
        time_s="seq_num",
        node="run_num",
        lat="latitude",
        lon="longitude",
        speed_m_s="movingSpeed",
        gnb="tower_id",
        snr_db="nr_ssSinr",
        rate_bps=Column("Throughput", 1e6),
    ),
    time_is_date=False,
    nulls=("", "NA", "nan", "NaN"),
    missing_place_ok=True,
)
CABSPOTTING = Layout(
    "cabspotting", _of(lat="lat", lon="lon", time_s="unix"), ("lat", "lon", "occupied", "unix"), " "
)
ROMA = Layout(
    "roma",
    _of(node="id", time_s="timestamp", point="point"),
    ("id", "timestamp", "point"),
    ";",
    True,
)
TDRIVE = Layout(
    "tdrive",
    _of(node="id", time_s="time", lat="lat", lon="lon"),
    ("id", "time", "lon", "lat"),
    ",",
    True,
)

_NAMES: dict[str, tuple[str, ...]] = {
    "time_s": (
        "time_s",
        "time",
        "t",
        "timestamp",
        "timestep",
        "timestep_time",
        "seconds",
        "sec",
        "datetime",
        "date_time",
        "date",
        "unix",
        "unix_time",
        "epoch",
        "ts",
        "time_ms",
        "timestamp_ms",
    ),
    "node": (
        "node",
        "node_id",
        "nodeid",
        "id",
        "vehicle_id",
        "vehicle",
        "veh_id",
        "vehid",
        "person_id",
        "user",
        "user_id",
        "uid",
        "name",
        "taxi_id",
        "taxi",
        "track_id",
        "trackid",
        "trip_id",
        "device",
        "device_id",
        "agent",
        "agent_id",
        "object_id",
        "mmsi",
        "imsi",
        "ue",
        "ue_id",
    ),
    "x_m": ("x_m", "x", "pos_x", "posx", "position_x", "local_x", "easting", "x_km"),
    "y_m": ("y_m", "y", "pos_y", "posy", "position_y", "local_y", "northing", "y_km"),
    "z_m": ("z_m", "z", "altitude", "alt", "elevation", "ele", "height"),
    "lat": ("lat", "latitude", "gps_lat"),
    "lon": ("lon", "lng", "long", "longitude", "gps_lon", "gps_long"),
    "speed_m_s": ("speed_m_s", "speed", "speed_mps", "velocity", "speed_kmh", "speed_km_h", "kmh"),
    "ue": ("ue", "ue_id", "imsi", "node", "node_id", "user", "user_id"),
    "gnb": (
        "gnb",
        "gnb_id",
        "cell",
        "cell_id",
        "cellid",
        "enb",
        "enb_id",
        "bs",
        "bs_id",
        "site",
        "pci",
    ),
    "gain_db": ("gain_db", "channel_gain_db", "path_gain_db", "pathloss_db", "path_loss_db"),
    "gain": ("gain", "channel_gain", "path_gain"),
    "snr_db": ("snr_db", "sinr_db", "snr", "sinr"),
    "rate_bps": (
        "rate_bps",
        "throughput_bps",
        "bitrate_bps",
        "rate_kbps",
        "throughput_kbps",
        "bitrate_kbps",
        "rate_mbps",
        "throughput_mbps",
        "bitrate_mbps",
    ),
    "resource_block": ("resource_block", "rb"),
    "attempt": ("attempt",),
    "interference_w": ("interference_w",),
}
_FACTORS = {
    "x_km": 1e3,
    "y_km": 1e3,
    "time_ms": 1e-3,
    "timestamp_ms": 1e-3,
    "speed_kmh": 1 / 3.6,
    "speed_km_h": 1 / 3.6,
    "kmh": 1 / 3.6,
    "pathloss_db": -1.0,
    "path_loss_db": -1.0,
    "rate_kbps": 1e3,
    "throughput_kbps": 1e3,
    "bitrate_kbps": 1e3,
    "rate_mbps": 1e6,
    "throughput_mbps": 1e6,
    "bitrate_mbps": 1e6,
}


def layout_of(columns: Sequence[str]) -> Layout | None:
    """The layout of a table with these columns; None if it has neither places nor radio with a
    time.
    """
    names = set(columns)
    if {"timestep_time", "vehicle_id"} <= names:
        present = {k: Column(v) for k, v in _SUMO.items() if v in names}
        return Layout("sumo", present, separator=";", time_is_date=False, maybe_geo=True)
    if {"Timestamp", "NetworkMode", "DL_bitrate"} <= names:
        return _restricted(IRISH, names)
    if {"seq_num", "run_num", "latitude"} <= names:
        return _restricted(LUMOS, names)
    found: dict[str, Column] = {}
    plain = {re.sub(r"[^a-z0-9]+", "_", c.lower()).strip("_"): c for c in reversed(columns)}
    for native, candidates in _NAMES.items():
        for candidate in candidates:
            if candidate in plain:
                found[native] = Column(plain[candidate], _FACTORS.get(candidate, 1.0))
                break
    if "time_s" not in found:
        return None
    located = {"x_m", "y_m"} <= set(found) or {"lat", "lon"} <= set(found)
    radio = {"gain_db", "gain", "snr_db", "rate_bps"} & set(found)
    if not located and not radio:
        return None
    is_native = found["time_s"].name == "time_s"
    return Layout(
        "table", found, time_is_date=False if is_native else None, nulls=("", "null", "NA")
    )


def _restricted(layout: Layout, names: set[str]) -> Layout:
    present = {k: c for k, c in layout.columns.items() if c.name in names}
    keep = layout.keep if layout.keep and layout.keep[0] in names else None
    return replace(layout, columns=present, keep=keep)
