"""Tables that are known as a whole, by the names of their columns or by `--format`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netsim.traces.sumo_samples import FCD_COLUMNS
from netsim.traces.tables.roles import SourceColumn

FEET = 0.3048


@dataclass(frozen=True)
class TablePreset:
    """What a table is: its columns by role, and what a header would say where it has none."""

    name: str
    columns: Mapping[str, SourceColumn]
    header: tuple[str, ...] = ()  # names of the columns where the file has none
    signature: frozenset[str] = frozenset()  # it is recognised by these names
    separator: str = ""  # seen from the file if ""
    skip_lines: int = 0  # above the table
    time_is_date: bool | None = None  # None: seen from the values
    maybe_geo: bool = False  # x and y may be degrees
    nulls: tuple[str, ...] = ()  # besides NULLS
    radio_mode: tuple[str, str] | None = None  # (column, value) of the rows whose radio counts
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_header(self) -> bool:
        """The file names its columns."""
        return not self.header


def _named(**names: str | SourceColumn) -> dict[str, SourceColumn]:
    """Columns by role; a plain name is in the native unit."""
    columns = {}
    for role, column in names.items():
        columns[role] = SourceColumn(column) if isinstance(column, str) else column
    return columns


KBIT = 1e3
KM_H = 1 / 3.6

SUMO = TablePreset(
    "sumo",
    _named(
        time=FCD_COLUMNS["time_s"],
        node=FCD_COLUMNS["node"],
        x=FCD_COLUMNS["x_m"],
        y=FCD_COLUMNS["y_m"],
        z=FCD_COLUMNS["z_m"],
        speed=FCD_COLUMNS["speed_m_s"],
    ),
    signature=frozenset({"timestep_time", "vehicle_id"}),
    separator=";",
    time_is_date=False,
    maybe_geo=True,
)
_MEASURED = _named(
    time="Timestamp",
    lat="Latitude",
    lon="Longitude",
    speed=SourceColumn("Speed", KM_H, "km/h"),
    gnb="CellID",
    snr=SourceColumn("SNR", 1.0, "dB"),
    downlink=SourceColumn("DL_bitrate", KBIT, "kbit/s"),
    uplink=SourceColumn("UL_bitrate", KBIT, "kbit/s"),
)
IRISH = TablePreset(
    "irish5g",
    _MEASURED,
    signature=frozenset({"Timestamp", "NetworkMode", "DL_bitrate"}),
    time_is_date=True,
    radio_mode=("NetworkMode", "5G"),
)
GNETTRACK = TablePreset(
    "gnettrack",
    _MEASURED,
    signature=frozenset({"Timestamp", "Operatorname", "DL_bitrate"}),
    time_is_date=True,
)
LUMOS = TablePreset(
    "lumos5g",
    _named(
        time="seq_num",
        node="run_num",
        lat="latitude",
        lon="longitude",
        speed="movingSpeed",
        gnb="tower_id",
        snr="nr_ssSinr",
        rate=SourceColumn("Throughput", 1e6, "Mbit/s"),
    ),
    signature=frozenset({"seq_num", "run_num", "latitude"}),
    time_is_date=False,
)
CABSPOTTING = TablePreset(
    "cabspotting",
    _named(lat="lat", lon="lon", time="unix"),
    header=("lat", "lon", "occupied", "unix"),
    separator=" ",
)
ROMA = TablePreset(
    "roma",
    _named(node="id", time="timestamp", point="point"),
    header=("id", "timestamp", "point"),
    separator=";",
    time_is_date=True,
)
TDRIVE = TablePreset(
    "tdrive",
    _named(node="id", time="time", lat="lat", lon="lon"),
    header=("id", "time", "lon", "lat"),
    separator=",",
    time_is_date=True,
)
GEOLIFE = TablePreset(
    "geolife",
    _named(
        lat="lat",
        lon="lon",
        z=SourceColumn("altitude", FEET, "ft"),
        date="date",
        time="time",
    ),
    header=("lat", "lon", "zero", "altitude", "days", "date", "time"),
    separator=",",
    skip_lines=6,
    time_is_date=True,
    nulls=("-777",),
)
PENSIEVE = TablePreset(
    "pensieve",
    _named(time=SourceColumn("time", 1.0, "s"), rate=SourceColumn("rate", 1e6, "Mbit/s")),
    header=("time", "rate"),
    time_is_date=False,
)
HSDPA = TablePreset(
    "hsdpa",
    _named(
        time="unix",
        lat="lat",
        lon="lon",
        bytes=SourceColumn("bytes", 8.0, "byte"),
        duration=SourceColumn("elapsed", 1e-3, "ms"),
    ),
    header=("unix", "since_start", "lat", "lon", "bytes", "elapsed"),
    separator=" ",
)
FCC = TablePreset(
    "fcc",
    _named(
        node="unit_id",
        time="dtime",
        rate=SourceColumn("bytes_sec", 8.0, "byte/s"),
    ),
    signature=frozenset({"unit_id", "dtime", "bytes_sec"}),
)
ETH_UCY = TablePreset(
    "ethucy",
    _named(time=SourceColumn("frame", 1 / 25, ""), node="pedestrian", x="x", y="y"),
    header=("frame", "pedestrian", "x", "y"),
    time_is_date=False,
    notes={"frames taken for 25 a second": 0},
)
ETH_OBSMAT = TablePreset(
    "obsmat",
    _named(time=SourceColumn("frame", 1 / 15, ""), node="pedestrian", x="x", y="y"),
    header=("frame", "pedestrian", "x", "z", "y", "vx", "vz", "vy"),
    separator=" ",
    time_is_date=False,
    notes={"frames taken for 15 a second": 0},
)
INTERVAL = TablePreset(
    "interval",
    _named(node="node", time=SourceColumn("time", 1.0, "s"), x="x", y="y"),
    header=("node", "time", "x", "y"),
    separator=" ",
    time_is_date=False,
)
TRACKINTEL = TablePreset(
    "trackintel",
    _named(
        node="user_id",
        time="tracked_at",
        lat="latitude",
        lon="longitude",
        z="elevation",
    ),
    signature=frozenset({"user_id", "tracked_at", "latitude", "longitude"}),
    time_is_date=True,
)

PRESETS = {
    preset.name: preset
    for preset in (
        SUMO,
        IRISH,
        GNETTRACK,
        LUMOS,
        CABSPOTTING,
        ROMA,
        TDRIVE,
        GEOLIFE,
        PENSIEVE,
        HSDPA,
        FCC,
        ETH_UCY,
        ETH_OBSMAT,
        INTERVAL,
        TRACKINTEL,
    )
}


def preset_of(names: Sequence[str]) -> TablePreset | None:
    """The preset that a header shows, if any."""
    for preset in PRESETS.values():
        if preset.signature and preset.signature <= set(names):
            return preset
    return None
