"""Which column is what, by its name: `Vehicle ID` names nodes, `RATE(MBit/s)` is a rate.

A header is an alias of a role, with or without a unit behind it: in brackets, or after a separator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netsim.traces.tables.units import unit_factor


@dataclass(frozen=True)
class Role:
    """What a column can be."""

    native: str  # column of the native tables that it becomes, or a step on the way there
    kind: str  # of its unit, "" where it has none
    aliases: tuple[str, ...]  # best first; lower case, words joined by _
    unit: str = ""  # where none is said; "" of a kind: it must be said
    units: Mapping[str, str] = field(default_factory=dict)  # alias -> the unit that it implies
    with_unit: tuple[str, ...] = ()  # aliases that name it only with a unit of its kind


ROLES = {
    "time": Role(
        "time_s",
        "time",
        (
            "time",
            "t",
            "timestamp",
            "time_stamp",
            "timestep",
            "timestep_time",
            "seconds",
            "sec",
            "datetime",
            "date_time",
            "unix",
            "unix_time",
            "epoch",
            "ts",
            "tracked_at",
            "recorded_at",
            "device_time",
            "utc",
            "utc_time",
            "gps_time",
            "date",
        ),
        "s",
    ),
    "date": Role("date", "", ("date", "gps_date", "log_date")),
    "node": Role(
        "node",
        "",
        (
            "node",
            "node_id",
            "nodeid",
            "id",
            "vehicle_id",
            "vehicle",
            "veh_id",
            "vehid",
            "person_id",
            "ped_id",
            "pedestrian_id",
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
            "device_serial_number",
            "agent",
            "agent_id",
            "object_id",
            "mmsi",
            "imsi",
            "run",
            "run_num",
            "ue",
            "ue_id",
        ),
    ),
    "x": Role(
        "x_m",
        "length",
        ("x", "pos_x", "posx", "position_x", "local_x", "easting", "x_pos", "vehicle_x"),
        "m",
    ),
    "y": Role(
        "y_m",
        "length",
        ("y", "pos_y", "posy", "position_y", "local_y", "northing", "y_pos", "vehicle_y"),
        "m",
    ),
    "z": Role(
        "z_m",
        "length",
        ("z", "altitude", "alt", "elevation", "ele", "height", "vehicle_z"),
        "m",
    ),
    "lat": Role(
        "lat",
        "degrees",
        ("lat", "latitude", "gps_lat", "gps_latitude"),
        "deg",
    ),
    "lon": Role(
        "lon",
        "degrees",
        ("lon", "lng", "long", "longitude", "gps_lon", "gps_long", "gps_longitude"),
        "deg",
    ),
    "point": Role("point", "", ("point",)),
    "speed": Role(
        "speed_m_s",
        "speed",
        ("speed", "velocity", "kmh", "vehicle_speed"),
        "m/s",
        {"kmh": "km/h"},
    ),
    "ue": Role("ue", "", ("ue", "ue_id", "imsi", "node", "node_id", "user", "user_id")),
    "gnb": Role(
        "gnb",
        "",
        (
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
            "eci",
            "nci",
            "pci",
        ),
    ),
    "gain_db": Role(
        "gain_db",
        "decibels",
        ("gain_db", "channel_gain_db", "path_gain_db"),
        "dB",
        with_unit=("gain", "channel_gain", "path_gain"),
    ),
    "pathloss": Role(
        "pathloss_db",
        "decibels",
        ("pathloss", "path_loss"),
        "dB",
    ),
    "gain": Role("gain", "plain", ("gain", "channel_gain", "path_gain"), "1"),
    "snr": Role("snr_db", "decibels", ("snr", "sinr"), "dB"),
    "rate": Role("rate_bps", "rate", ("rate", "throughput", "bitrate", "data_rate")),
    "downlink": Role(
        "downlink_bps",
        "rate",
        ("dl_bitrate", "dl_rate", "dl_throughput", "downlink", "downlink_rate"),
    ),
    "uplink": Role(
        "uplink_bps",
        "rate",
        ("ul_bitrate", "ul_rate", "ul_throughput", "uplink", "uplink_rate"),
    ),
    "bytes": Role("amount_bits", "amount", (), "byte"),
    "duration": Role("duration_s", "time", (), "s"),
    "resource_block": Role("resource_block", "", ("resource_block", "rb")),
    "attempt": Role("attempt", "", ("attempt",)),
    "interference": Role("interference_w", "power", ("interference",), "W"),
}
"""Roles by the names that the user gives them."""

_IN_BRACKETS = re.compile(r"(.+?)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]\s*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class SourceColumn:
    """A column of the file in a role, and the factor to the native unit."""

    name: str
    factor: float = 1.0
    unit: str = ""  # as it is said, in the header or by the user; "" where it is assumed


@dataclass(frozen=True)
class Recognised:
    """Columns by role, and those that have a role but no unit that is understood."""

    columns: dict[str, SourceColumn] = field(default_factory=dict)
    without_unit: dict[str, str] = field(default_factory=dict)  # role -> column


def recognise(names: Sequence[str]) -> Recognised:
    """The roles of columns by their names; the first alias of a role counts."""
    found = Recognised()
    headers = [_Header.of(name) for name in names]
    for role_name, role in ROLES.items():
        for alias in (*role.aliases, *role.with_unit):
            matches = [header.in_role(role, alias) for header in headers]
            good = [column for column in matches if column is not None]
            if not good:
                continue
            if good[0].factor > 0:
                found.columns[role_name] = good[0]
                break
            found.without_unit.setdefault(role_name, good[0].name)
    known = {column.name for column in found.columns.values()}
    for role_name, name in list(found.without_unit.items()):
        if role_name in found.columns or name in known:
            del found.without_unit[role_name]
    return found


def alias_columns(role: str, names: Sequence[str]) -> list[str]:
    """All columns that could have a role, best first."""
    headers = [_Header.of(name) for name in names]
    found = []
    for alias in ROLES[role].aliases:
        found += [header.name for header in headers if header.in_role(ROLES[role], alias)]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class _Header:
    """A name taken apart."""

    name: str
    plain: tuple[str, ...]  # in lower case with words joined by _: as it is, and humps as words
    unit: str  # in brackets

    @staticmethod
    def of(name: str) -> _Header:
        bracketed = _IN_BRACKETS.fullmatch(name)
        base = bracketed[1] if bracketed else name
        unit = bracketed[2] if bracketed else ""
        plain = (_joined(base), _joined(_HUMP.sub("_", base)))
        return _Header(name, plain, unit)

    def in_role(self, role: Role, alias: str) -> SourceColumn | None:
        """The column in this role, if the header is its alias; factor 0 if the unit is unclear."""
        for plain in self.plain:
            if plain == alias and (alias not in role.with_unit or self._names_unit(role)):
                return self._with_unit(role, self.unit or role.units.get(alias, ""))
            suffix = plain.removeprefix(f"{alias}_")
            if role.kind and suffix != plain:
                factor = unit_factor(role.kind, suffix)
                if factor is not None:
                    return SourceColumn(self.name, factor, suffix)
        return None

    def _names_unit(self, role: Role) -> bool:
        return bool(self.unit) and unit_factor(role.kind, self.unit) is not None

    def _with_unit(self, role: Role, unit: str) -> SourceColumn:
        if not role.kind:
            return SourceColumn(self.name)
        factor = unit_factor(role.kind, unit or role.unit)
        if factor is None and role.kind == "time" and unit.lower() in ("utc", "gmt", "local"):
            return SourceColumn(self.name)
        return SourceColumn(self.name, factor or 0.0, unit)


def _joined(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
