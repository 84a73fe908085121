"""CSV tables of sites, or of OpenCelliD's cells."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import polars as pl

from netsim.errors import DataError
from netsim.topology.opencellid import (
    COLUMNS,
    LINE,
    RADIOS,
    USED,
    CellChoice,
    is_cell_table,
    sites_of_cells,
)
from netsim.topology.site_places import REPEATED, Columns, place_columns
from netsim.traces.files import head
from netsim.traces.tables.cells import CellReader, has_decimal_comma
from netsim.traces.tables.choice import ColumnChoice
from netsim.traces.tables.formulas import found_name
from netsim.traces.tables.presets import TablePreset
from netsim.traces.tables.reading import chosen_columns
from netsim.traces.tables.roles import alias_columns
from netsim.traces.tables.scan import RawTable, names_text, scan_table

MOST_ROWS = 500_000
_NAME_COLUMNS = ("site", "site_id", "id", "name", "station", "node", "label")
_BARE_CELLS = TablePreset("opencellid", {}, header=COLUMNS, separator=",")


def graph_of_table(
    path: Path,
    choice: CellChoice,
    columns: ColumnChoice,
    notes: dict[str, int],
) -> tuple[nx.Graph, Columns]:
    """The sites of a CSV file with its columns as text, and which of them are the places.

    Raises DataError.
    """
    without_header = head(path).startswith(tuple(f"{radio},".encode() for radio in RADIOS))
    raw = scan_table(path, _BARE_CELLS if without_header else None, columns)
    notes |= raw.notes
    if is_cell_table(raw.names) or is_cell_table([name.strip().lower() for name in raw.names]):
        first_line = 1 if without_header else 2
        cells = _cells(raw, choice)
        graph = sites_of_cells(cells, path, choice, first_line, notes)
        return graph, place_columns(["lat", "lon"])
    places = _place_columns(raw, columns)
    _check_count(raw, raw.frame, "sites")
    table = _text_of(raw, places, columns)
    if not places:
        rule = "has no columns of places: x_m and y_m, in metres, or lat and lon, in degrees"
        raise DataError(f"{rule}; its columns are {names_text(raw.names)}", where=path)
    return _graph_of_rows(table, path, columns), places


def _cells(raw: RawTable, choice: CellChoice) -> dict[str, list[str | None]]:
    """The columns of OpenCelliD that are used, of the rows that are chosen. Raises DataError."""
    text = CellReader(raw)
    named = {name.strip().lower(): name for name in reversed(raw.names)}
    wanted = [text.text(named[name]).alias(name) for name in USED if name in named]
    line = pl.int_range(pl.len()).cast(pl.String).alias(LINE)
    frame = raw.frame.select(line, *wanted)
    if choice.radio in RADIOS:
        frame = frame.filter(pl.col("radio") == choice.radio)
    if choice.operator is not None:
        operator = pl.concat_str("mcc", "net", separator="-")
        frame = frame.filter(operator == choice.operator)
    _check_count(raw, frame, "cells; choose some by radio and operator")
    table = raw.collect(frame)
    if not len(table):  # sites_of_cells says what there is none of
        return {name: [] for name in (LINE, *USED)}
    blank = pl.all_horizontal(pl.exclude(LINE).is_null())
    return {column.name: column.to_list() for column in table.filter(~blank).get_columns()}


def _check_count(
    raw: RawTable,
    frame: pl.LazyFrame,
    what: str,
) -> None:
    rows = raw.collect(frame.select(pl.len())).item()
    if rows > MOST_ROWS:
        raise DataError(f"may have at most {MOST_ROWS} {what}", where=raw.path, value=rows)


def _place_columns(raw: RawTable, columns: ColumnChoice) -> Columns:
    """The columns of places: the user's, else by their names."""
    given = chosen_columns(raw, columns)
    places = {role: column for role, column in given.items() if role in ("x", "y", "lat", "lon")}
    if places:
        return places
    found = place_columns(list(raw.names))
    for role in found:
        several = alias_columns(role, raw.names)
        if len(several) > 1:
            rule = f"{' and '.join(several)} could both be the {role}"
            raise DataError(f"{rule}; say --columns {role}={several[0]}", where=raw.path)
    return found


def _text_of(
    raw: RawTable,
    places: Columns,
    columns: ColumnChoice,
) -> pl.DataFrame:
    """The table as text, null where a cell is missing; numbers of places with a decimal point."""
    numeric = [column.name for column in places.values()]
    chosen = {*numeric, *columns.columns.values()}
    comma = has_decimal_comma(raw, numeric, columns.dialect.get("decimal"))
    cells = CellReader(raw)
    texts = []
    for name in raw.names:
        text = cells.name(name)
        if comma and name in numeric:
            text = text.str.replace(",", ".", literal=True)
        texts.append(text.alias(name if name in chosen else found_name(name)))
    table = raw.collect(raw.frame.select(texts))
    return table.filter(~pl.all_horizontal(pl.all().is_null()))


def _graph_of_rows(
    table: pl.DataFrame,
    path: Path,
    columns: ColumnChoice,
) -> nx.Graph:
    """A node per row, named by its column of names or by its number.

    Rows of one name are sectors of one site, which is seen when they are merged by place.
    """
    named_by = columns.columns.get("node") or _name_column(table.columns)
    graph = nx.Graph()
    for number, row in enumerate(table.iter_rows(named=True)):
        name = row.pop(named_by) if named_by else None
        name = name or number
        given = {column: value for column, value in row.items() if value is not None}
        if name in graph:
            given[REPEATED] = name
            name = f"{name}, line {number + 2}"
        graph.add_node(name, **given)
    return graph


def _name_column(names: list[str]) -> str | None:
    plain = {name.strip().lower(): name for name in reversed(names)}
    return next((plain[alias] for alias in _NAME_COLUMNS if alias in plain), None)
