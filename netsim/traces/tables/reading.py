"""What a table is read as: its columns by role, chosen, known, recognised or plausible."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from netsim.errors import DataError
from netsim.traces.missing import NULLS
from netsim.traces.tables.choice import ColumnChoice, chosen_column
from netsim.traces.tables.numbers_only import (
    is_time_and_rate,
    number_rows,
    plausible_readings,
)
from netsim.traces.tables.presets import TablePreset, preset_of
from netsim.traces.tables.roles import ROLES, Recognised, SourceColumn, recognise
from netsim.traces.tables.scan import RawTable, names_text
from netsim.traces.tables.units import example_unit, unit_factor
from netsim.traces.trace import format_option

NAMES = ("node", "ue", "gnb")
"""Roles whose values are text."""
PLACES = ({"x", "y"}, {"lat", "lon"}, {"point"})
_SHARED = ("ue", "node", "date")
"""Roles that a column may have beside another."""
RADIO = {"gain_db", "gain", "pathloss", "snr", "rate", "downlink", "uplink", "bytes"}


@dataclass
class TableReading:
    """Columns by role, and what else is known of the table."""

    format: str
    columns: dict[str, SourceColumn]
    preset: TablePreset | None = None
    detail: str = ""  # of the preset, as --format says it
    choice: ColumnChoice = field(default_factory=ColumnChoice)
    node_is_chosen: bool = False
    said_unused: set[str] = field(default_factory=set)
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def nulls(self) -> tuple[str, ...]:
        """Cells that hold no value."""
        if self.preset is None:
            return NULLS
        return NULLS + self.preset.nulls

    @property
    def roles(self) -> set[str]:
        """Roles that have a column."""
        return set(self.columns)

    @property
    def has_places(self) -> bool:
        """It says where nodes are."""
        return any(place <= self.roles for place in PLACES)

    @property
    def has_radio(self) -> bool:
        """It says what their channels or rates are."""
        return bool(RADIO & self.roles)

    def option(self) -> str:
        """The line that fixes this reading, for the command line."""
        if self.preset and not self.choice:
            return format_option(self.format, self.detail)
        entries = [_entry(role, column) for role, column in self.columns.items()]
        entries += [f"{key}={value}" for key, value in self.choice.dialect.items()]
        if self.choice.step_s is not None:
            entries.append(f"step={self.choice.step_s:g}")
        quoted = [f'"{entry}"' if "," in entry else entry for entry in entries]
        return f"--columns {shlex.quote(','.join(quoted))}"


def _entry(role: str, column: SourceColumn) -> str:
    unit = column.unit
    if role != "time":
        unit = unit or ROLES[role].unit
    return f"{role}={column.name}:{unit}" if unit else f"{role}={column.name}"


def reading_of(
    raw: RawTable,
    preset: TablePreset | None,
    choice: ColumnChoice,
) -> TableReading:
    """How a table is read. Raises DataError that says which role is missing."""
    preset = preset or preset_of(raw.names)
    notes = dict(raw.notes)
    if preset:
        notes |= preset.notes
        found = Recognised(_present(preset.columns, raw.names))
    elif raw.has_header or choice.columns:
        found = recognise(raw.names)
    else:
        found = Recognised(_plausible(raw, notes))
    columns = _with_choice(raw, found, choice)
    reading = TableReading(
        preset.name if preset else "table",
        columns,
        preset=preset,
        choice=choice,
        node_is_chosen=bool(preset) or "node" in choice.columns,
        notes=notes,
    )
    _check_complete(raw, reading, found)
    if raw.dialect is None:
        _check_types(raw, reading)
    return reading


def _check_types(raw: RawTable, reading: TableReading) -> None:
    """Raises DataError where a column of Parquet holds what its role cannot be."""
    schema = raw.frame.collect_schema()
    for role, column in reading.columns.items():
        kind = schema[column.name]
        good = kind.is_numeric() or kind in (pl.String, pl.Null)
        if role in NAMES:
            good |= kind in (pl.Categorical, pl.Enum, pl.Boolean)
        if role in ("time", "date"):
            good |= kind.is_temporal()
        if not good:
            rule = f"cannot be the {role}: it holds {kind}"
            raise DataError(rule, where=f"{raw.path}, {column.name}")


def _present(
    columns: Mapping[str, SourceColumn], names: tuple[str, ...]
) -> dict[str, SourceColumn]:
    return {role: column for role, column in columns.items() if column.name in names}


def _with_choice(
    raw: RawTable,
    found: Recognised,
    choice: ColumnChoice,
) -> dict[str, SourceColumn]:
    """Columns by role: the user's, then those recognised in other columns. Raises DataError."""
    merged: dict[str, SourceColumn] = {}
    for role, text in choice.columns.items():
        column = _chosen(raw, found, role, text)
        in_db = role == "gain" and column.unit.lower() == "db"
        merged["gain_db" if in_db else role] = column
    taken = {column.name for column in merged.values()}
    for role, column in found.columns.items():
        if role not in merged and (column.name not in taken or role in _SHARED):
            merged[role] = column
    if "date" in merged and "time" in merged and merged["date"].name == merged["time"].name:
        del merged["date"]
    return {role: merged[role] for role in ROLES if role in merged}


def chosen_columns(raw: RawTable, choice: ColumnChoice) -> dict[str, SourceColumn]:
    """The columns that the user names, by role. Raises DataError."""
    found = recognise(raw.names)
    return {role: _chosen(raw, found, role, text) for role, text in choice.columns.items()}


def _chosen(
    raw: RawTable,
    found: Recognised,
    role: str,
    text: str,
) -> SourceColumn:
    """The column that the user gives to a role. Raises DataError."""
    where = f"{raw.path}: --columns"
    said = chosen_column(
        role,
        text,
        list(raw.names),
        where,
    )
    known = found.columns.get(role)
    name = said.name or found.without_unit.get(role, "")
    unit = said.unit
    if known and not said.name:
        name = known.name
    if known and known.name == name and not unit:
        unit = known.unit
    if not name:
        rule = f"{role}={text} is a unit, and no column is seen to be the {role}"
        raise DataError(f"{rule}; say {role}=COLUMN:{text}", where=where)
    return _source(role, name, unit, where)


def _source(
    role: str,
    name: str,
    unit: str,
    where: str,
) -> SourceColumn:
    kind = ROLES[role].kind
    if not kind or unit in ("day_first", "month_first"):
        return SourceColumn(name, 1.0, unit)
    in_db = role == "gain" and unit.lower() == "db"
    factor = 1.0 if in_db else unit_factor(kind, unit or ROLES[role].unit)
    if factor is None:
        rule = f"the unit of {role} must be said, as {role}={name}:{example_unit(kind)}"
        raise DataError(rule, where=where, value=unit or None)
    return SourceColumn(name, factor, unit)


def _plausible(raw: RawTable, notes: dict[str, int]) -> dict[str, SourceColumn]:
    """The columns of a table without a header, if one reading alone is plausible."""
    rows = number_rows(raw.dialect.first_rows) if raw.dialect else None
    found = [] if rows is None else plausible_readings(rows)
    if len(found) == 1:
        reading = found[0]
        notes[f"columns have no names; taken as {reading.option}"] = 0
        named = zip(reading.roles, raw.names, strict=True)
        return {role: SourceColumn(name) for role, name in named}
    options = [reading.option for reading in found]
    if rows is not None and is_time_and_rate(rows):
        options.append("--columns time=1,rate=2:Mbit/s (or another unit)")
    raise without_header(raw, options)


def without_header(raw: RawTable, options: list[str]) -> DataError:
    """The error of a table whose columns have no names, and of which no reading is certain."""
    first = " ".join(raw.dialect.first_rows[0][:8]) if raw.dialect else ""
    if options:
        rule = f"columns have no names and could be several things; say {' or '.join(options)}"
    else:
        rule = "columns have no names; say what they are, as --columns time=1,x=2,y=3"
    return DataError(rule, where=raw.path, value=first)


def _check_complete(
    raw: RawTable,
    reading: TableReading,
    found: Recognised,
) -> None:
    """Raises DataError where the time is missing, or both places and radio are."""
    missing = ""
    if "time" not in reading.roles and reading.choice.step_s is None:
        missing = "no column is seen to be the time; say --columns time=COLUMN"
    elif not reading.has_places and not reading.has_radio:
        missing = (
            "no columns are seen to be places (x and y, or lat and lon), a gain, an SNR or a rate; "
            "say --columns x=COLUMN,y=COLUMN or rate=COLUMN:UNIT"
        )
        for role, name in found.without_unit.items():
            unit = example_unit(ROLES[role].kind)
            missing = f"the unit of {name} is not known; say --columns {role}={name}:{unit}"
    if missing:
        rule = f"{missing}; its columns are {names_text(raw.names)}"
        raise DataError(rule, where=raw.path)
    for role, name in found.without_unit.items():
        if role not in reading.roles:
            note = f"{name} is not used: its unit is not known (--columns {role}={name}:UNIT)"
            reading.notes[note] = 0
            reading.said_unused.add(name)
