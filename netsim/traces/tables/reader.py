"""A table with columns on its way to native tables; lazily, after one pass that checks every value.

Dates and Unix times become seconds from the first sample, degrees become metres around the middle.
A column that is named `time_s` is taken as it is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from netsim.projection import Origin
from netsim.traces.tables.cells import CellReader, has_decimal_comma, odd_number, odd_text
from netsim.traces.tables.checks import (
    ODD,
    CheckedColumn,
    OddCellsError,
    check_rows,
    middle,
    middle_facts,
)
from netsim.traces.tables.choice import ColumnChoice
from netsim.traces.tables.clock import NUMBER_RULE, RowTimes, row_times_of
from netsim.traces.tables.epoch import UNUSUAL, epoch_of
from netsim.traces.tables.missing_rows import note_missing
from netsim.traces.tables.nodes import node_column
from netsim.traces.tables.number_columns import number_columns
from netsim.traces.tables.places import Columns, Places, no_fixes, place_missing
from netsim.traces.tables.presets import SUMO, TablePreset
from netsim.traces.tables.radio import MODE, kept_mode, radio_tables
from netsim.traces.tables.reading import NAMES, TableReading, reading_of
from netsim.traces.tables.roles import ROLES, SourceColumn
from netsim.traces.tables.scan import RawTable, names_text, scan_table
from netsim.traces.tables.speed import note_speed
from netsim.traces.tables.sumo_rows import with_persons
from netsim.traces.trace import UNUSED_COLUMNS, Trace, node_of_file, origin_metadata, projected

_NEVER = pl.lit(value=False)


def read_table(
    path: Path,
    preset: TablePreset | None,
    choice: ColumnChoice,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """Native tables of a CSV or Parquet file. Raises DataError."""
    raw = scan_table(path, preset, choice)
    for plain in (True, False):
        reading = reading_of(raw, preset, choice)
        table = raw
        if reading.preset is SUMO:
            table = with_persons(raw, reading.notes)
        if plain and reading.preset and reading.preset.nulls:
            continue
        with suppress(OddCellsError):
            return _TableReader(table, reading, plain=plain).trace(detail, origin)
    raise AssertionError("only a plain table has odd cells")


class _TableReader:
    """One file on its way to native tables."""

    def __init__(
        self,
        raw: RawTable,
        reading: TableReading,
        *,
        plain: bool,
    ) -> None:
        self.raw = raw
        self.reading = reading
        self.notes = reading.notes
        self.metadata = dict(raw.metadata)
        numeric = [column.name for role, column in reading.columns.items() if role not in NAMES]
        comma = has_decimal_comma(raw, numeric, reading.choice.dialect.get("decimal"))
        self.cells = CellReader(
            raw,
            reading.nulls,
            decimal_comma=comma,
            plain=plain,
        )
        self._choose_node()
        self.times = self._row_times()

    def trace(self, detail: str, origin: Origin | None) -> Trace:
        """All tables of the file."""
        places = Places(
            self.raw,
            self.reading,
            self.cells,
            self.times,
        )
        columns = places.with_degrees(number_columns(self.reading, self.cells), detail)
        if not self.cells.plain:
            columns = places.without_zero_fixes(columns)
        found = self._checked(columns)
        frame = self._frame(columns, self._shifted_time(found))
        tables: dict[str, pl.LazyFrame] = {}
        if self.reading.has_places:
            tables["mobility"] = self._mobility(frame, columns, found, origin)
        radio = frame
        if MODE in frame.collect_schema().names():
            assert self.reading.preset is not None
            radio = kept_mode(
                self.raw,
                frame,
                self.reading.preset,
                self.notes,
            )
        tables |= radio_tables(
            self.raw,
            radio,
            self.metadata,
            self.notes,
        )
        self._note_unused()
        if "mobility" in tables and "speed" in columns:
            note_speed(self.raw, self.reading, tables["mobility"])
        return Trace(
            self.raw.path,
            self.reading.format,
            tables,
            self.metadata,
            self.notes,
            reading=self.reading.option(),
        )

    def _choose_node(self) -> None:
        """Choose the column of the nodes, unless the user or the format says it."""
        chosen_already = self.reading.node_is_chosen or not self.raw.has_header
        if chosen_already or not {"node", "time"} <= self.reading.roles:
            return
        time = self.reading.columns["time"].name
        chosen = node_column(
            self.raw,
            self.cells,
            time,
            self.notes,
        )
        if chosen is None:
            del self.reading.columns["node"]
        else:
            self.reading.columns["node"] = SourceColumn(chosen)

    def _row_times(self) -> RowTimes:
        columns = self.reading.columns
        if "time" not in columns:
            step_s = self.reading.choice.step_s
            assert step_s is not None  # held by the reading
            return RowTimes(
                pl.int_range(pl.len()) * step_s,
                is_date=False,
                rule=NUMBER_RULE,
            )
        preset = self.reading.preset
        times = row_times_of(
            self.cells,
            columns["time"],
            columns.get("date"),
            is_date=preset.time_is_date if preset else None,
        )
        self._see_unit(times.unit)
        return times

    def _checked(self, columns: Columns) -> dict[str, Any]:
        """Facts about all rows. Raises DataError at a bad value, and where too much is missing."""
        time = self._time_column()
        facts = {"begin": time.value.min(), "end": time.value.max()}
        if {"lat", "lon"} <= set(columns):
            facts |= middle_facts(columns["lat"].value, columns["lon"].value)
        checked = [*columns.values(), time]
        if self.cells.plain:
            facts[ODD] = self._odd(columns, time)
            return check_rows(self.raw, checked, facts)
        facts |= {
            "blank": pl.all_horizontal(pl.all().is_null()).sum(),
            "timeless": time.missing.sum(),
            "nameless": self._node_missing().sum(),
            "unplaced": place_missing(columns).sum(),
        }
        found = check_rows(self.raw, checked, facts)
        note_missing(self.raw, self.reading, found)
        return found

    def _odd(self, columns: Columns, time: CheckedColumn) -> pl.Expr:
        """Whether the table is not plain."""
        numbers = [odd_number(column.value) for column in columns.values()]
        names = [self.reading.columns[role].name for role in NAMES if role in self.reading.roles]
        texts = [odd_text(name) for name in names]
        fixes = no_fixes(columns)
        return pl.any_horizontal(
            *numbers,
            *texts,
            *fixes,
            odd_number(time.value),
        )

    def _time_column(self) -> CheckedColumn:
        source = self.reading.columns.get("time")
        return CheckedColumn(
            "time",
            source.name if source else self.raw.names[0],
            value=self.times.seconds,
            missing=self.cells.missing(source.name) if source else _NEVER,
            rule=self.times.rule,
        )

    def _node_missing(self) -> pl.Expr:
        for role in ("node", "ue"):
            if role in self.reading.roles:
                return self.cells.missing(self.reading.columns[role].name)
        return _NEVER

    def _shifted_time(self, found: dict[str, Any]) -> pl.Expr:
        """Times in seconds: of dates and Unix times from the first."""
        source = self.reading.columns.get("time")
        preset = self.reading.preset
        known_clock = preset is not None and preset.time_is_date is False
        if source is None or source.name == "time_s" or known_clock or found["begin"] is None:
            return self.times.seconds
        where = f"{self.raw.path}, {source.name}"
        span = (found["begin"], found["end"])
        epoch = epoch_of(
            self.times,
            span,
            unit_is_said=bool(source.unit),
            where=where,
        )
        if epoch is None:
            return self.times.seconds
        self.metadata["time_origin"] = epoch.origin
        self._see_unit(epoch.unit)
        return epoch.seconds

    def _see_unit(self, unit: str) -> None:
        """Keep the unit of times, or the order of their days, that the file shows."""
        time = self.reading.columns.get("time")
        if time is None or not unit or time.unit:
            return
        self.reading.columns["time"] = replace(time, unit=unit)
        if unit in UNUSUAL:
            self.notes[UNUSUAL[unit]] = 0

    def _frame(self, columns: Columns, time: pl.Expr) -> pl.LazyFrame:
        """The rows with a time and a node, in native columns."""
        raw = self.raw.frame
        if not self.cells.plain:
            raw = raw.filter(~(self._time_column().missing | self._node_missing()))
        native = {"time_s": time}
        for role in NAMES:
            if role in self.reading.roles:
                native[role] = self.cells.name(self.reading.columns[role].name)
        for role, column in columns.items():
            native[ROLES[role].native] = column.value
        preset = self.reading.preset
        if preset and preset.radio_mode and preset.radio_mode[0] in self.raw.names:
            native[MODE] = self.cells.text(preset.radio_mode[0])
        frame = raw.select(**native)
        if "node" not in native:
            name = pl.col("ue") if "ue" in native else pl.lit(node_of_file(self.raw.path))
            frame = frame.with_columns(node=name)
        return frame

    def _mobility(
        self,
        frame: pl.LazyFrame,
        columns: Columns,
        found: dict[str, Any],
        origin: Origin | None,
    ) -> pl.LazyFrame:
        """The rows with a place."""
        has = set(columns)
        optional = [ROLES[role].native for role in ("z", "speed") if role in has]
        places = ["lat", "lon"] if {"lat", "lon"} <= has else ["x_m", "y_m"]
        if found.get("unplaced"):
            frame = frame.drop_nulls(places)
        if places == ["lat", "lon"]:
            optional += places
            if not {"x", "y"} <= has or origin is not None:
                origin = origin or middle(found, self.raw)
                self.metadata |= origin_metadata(origin)
                frame = projected(frame, origin)
        return frame.select("time_s", "node", "x_m", "y_m", *optional)

    def _note_unused(self) -> None:
        """Name the columns that have no role."""
        used = {column.name for column in self.reading.columns.values()}
        used |= self.reading.said_unused
        preset = self.reading.preset
        if preset and preset.radio_mode:
            used.add(preset.radio_mode[0])
        unused = [name for name in self.raw.names if name not in used]
        if unused:
            self.notes[f"{UNUSED_COLUMNS} ({names_text(unused)})"] = len(unused)
