"""The columns of a table that hold numbers, on their way to be checked."""

from __future__ import annotations

import polars as pl

from netsim.traces.tables.cells import CellReader
from netsim.traces.tables.checks import CheckedColumn, rule_of
from netsim.traces.tables.places import Columns
from netsim.traces.tables.reading import NAMES, TableReading

_NO_NUMBERS = (*NAMES, "time", "date", "point")
_POINT = r"^POINT\s*\(\s*(\S+)\s+(\S+?)\s*\)$"


def number_columns(reading: TableReading, cells: CellReader) -> Columns:
    """Columns with numbers, by role."""
    found: Columns = {}
    for role, source in reading.columns.items():
        if role == "point":
            found |= _of_point(cells, source.name)
        elif role not in _NO_NUMBERS:
            found[role] = CheckedColumn(
                role,
                source.name,
                value=cells.number(source),
                missing=cells.missing(source.name),
                rule=rule_of(role),
            )
    return found


def _of_point(cells: CellReader, name: str) -> Columns:
    """Latitude and longitude of POINT(lat lon)."""
    parts = cells.text(name).str.extract_groups(_POINT)
    missing = cells.missing(name)
    found = {}
    for number, role in enumerate(("lat", "lon"), start=1):
        value = parts.struct.field(str(number)).cast(pl.Float64, strict=False)
        found[role] = CheckedColumn(
            role,
            name,
            value,
            missing,
            rule=rule_of(role),
        )
    return found
