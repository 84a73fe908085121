"""Columns of places: degrees among them, and fixes that are none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from netsim.errors import DataError
from netsim.traces.sumo_degrees import GEO, METRES, PEEK, forced_geo, looks_like_degrees
from netsim.traces.sumo_samples import INVALID
from netsim.traces.tables.cells import CellReader
from netsim.traces.tables.checks import CheckedColumn, rule_of, zero_fix
from netsim.traces.tables.clock import RowTimes
from netsim.traces.tables.reading import TableReading
from netsim.traces.tables.scan import RawTable

Columns = dict[str, CheckedColumn]
"""Columns with numbers, by role."""


@dataclass(frozen=True)
class Places:
    """What is asked about the columns of places of one table."""

    raw: RawTable
    reading: TableReading
    cells: CellReader
    times: RowTimes

    def with_degrees(self, columns: Columns, detail: str) -> Columns:
        """The columns, x and y that are degrees as lon and lat.

        `detail` is what the user says of SUMO's: geo or metres. Raises DataError where x and y of
        another table look like degrees and nothing says what they are.
        """
        if not {"x", "y"} <= set(columns):
            return columns
        preset = self.reading.preset
        if preset is None or not preset.maybe_geo:
            self._refuse_degrees(columns)
            return columns
        geo = forced_geo(self.raw.path, detail) if detail else self._is_geo(columns)
        self.reading.detail = GEO if geo else METRES
        if not geo:
            return columns
        renamed = dict(columns)
        for planar, angular in (("x", "lon"), ("y", "lat")):
            column = renamed.pop(planar)
            renamed[angular] = replace(column, role=angular, rule=rule_of(angular))
        return renamed

    def _is_geo(self, columns: Columns) -> bool:
        geo = looks_like_degrees(self._first_rows(columns))
        if geo:
            self.reading.notes[
                "x and y taken for longitude and latitude; force with sumo:metres"
            ] = 0
        return geo

    def _refuse_degrees(self, columns: Columns) -> None:
        x, y = self.reading.columns["x"], self.reading.columns["y"]
        if x.unit or y.unit or "lat" in columns:
            return
        first = self._first_rows(columns)
        extent = first.select((pl.col("x_m", "y_m").max() - pl.col("x_m", "y_m").min()).abs())
        if len(first) > 1 and max(extent.row(0)) < 1 and looks_like_degrees(first):
            rule = f"{x.name} and {y.name} look like degrees: say --columns "
            rule += f"lon={x.name},lat={y.name} or x={x.name}:m,y={y.name}:m"
            raise DataError(rule, where=self.raw.path)

    def _first_rows(self, columns: Columns) -> pl.DataFrame:
        """The first rows with a place, in the columns that `looks_like_degrees` asks for."""
        node = self.reading.columns.get("node")
        speed = columns.get("speed")
        first = self.raw.frame.head(PEEK).select(
            time_s=self.times.seconds,
            node=self.cells.text(node.name) if node else pl.lit(""),
            x_m=columns["x"].value,
            y_m=columns["y"].value,
            speed_m_s=speed.value if speed else pl.lit(None, dtype=pl.Float64),
        )
        return self.raw.collect(first.drop_nulls(["x_m", "y_m"]))

    def without_zero_fixes(self, columns: Columns) -> Columns:
        """The columns; places that stand for no fix are missing."""
        kept = dict(columns)
        for pair in (("lat", "lon"), ("x", "y")):
            if not set(pair) <= set(columns):
                continue
            first, second = (columns[role].value for role in pair)
            if pair == ("lat", "lon"):
                none = zero_fix(self.raw, first, second)
            else:
                none = (first == INVALID) | (second == INVALID)
            if none is None:
                continue
            for role in pair:
                kept[role] = _missing_where(columns[role], none)
        return kept


def _missing_where(column: CheckedColumn, none: pl.Expr) -> CheckedColumn:
    missing = column.missing | none.fill_null(value=False)
    value = pl.when(missing).then(None).otherwise(column.value)
    return replace(column, value=value, missing=missing)


def no_fixes(columns: Columns) -> list[pl.Expr]:
    """Whether some places may stand for no fix."""
    found = []
    if {"lat", "lon"} <= set(columns):
        lat, lon = columns["lat"].value, columns["lon"].value
        found.append(((lat == 0) & (lon == 0)).any())
    if {"x", "y"} <= set(columns):
        x, y = columns["x"].value, columns["y"].value
        found.append(((x == INVALID) | (y == INVALID)).any())
    return found


def place_missing(columns: Columns) -> pl.Expr:
    """Where a row has no place; nowhere in a table without places."""
    for x, y in (("x", "y"), ("lat", "lon")):
        if {x, y} <= set(columns):
            return columns[x].missing | columns[y].missing
    return pl.lit(value=False)
