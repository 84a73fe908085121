"""CSV tables of sites, or of OpenCelliD's cells."""

from __future__ import annotations

import io
from pathlib import Path

import networkx as nx
import polars as pl

from netsim.errors import DataError
from netsim.topology.opencellid import (
    COLUMNS,
    RADIOS,
    CellChoice,
    is_cell_table,
    sites_of_cells,
)

_ALIASES = {"latitude": "lat", "longitude": "lon", "lng": "lon", "long": "lon"}
_NAME_COLUMNS = ("site", "id", "name")


def graph_of_table(
    content: bytes,
    path: Path,
    choice: CellChoice,
) -> nx.Graph:
    """The sites of a CSV file; nodes carry its columns as text. Raises DataError."""
    without_header = content.startswith(tuple(f"{radio},".encode() for radio in RADIOS))
    table = _read(content, path, without_header)
    if is_cell_table(table.columns):
        cells = {name: table[name].to_list() for name in table.columns}
        return sites_of_cells(cells, path, choice, first_line=1 if without_header else 2)
    _check_placed(table.columns, path)
    return _graph_of_rows(table, path)


def _read(
    content: bytes,
    path: Path,
    without_header: bool,
) -> pl.DataFrame:
    """The table as text, with the names of its columns made alike.

    OpenCelliD's files by country have no header.
    """
    try:
        table = pl.read_csv(
            io.BytesIO(content),
            infer_schema=False,
            has_header=not without_header,
            truncate_ragged_lines=without_header,
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"not a readable CSV file: {error}", where=path) from None
    if without_header:
        table = table.rename(dict(zip(table.columns, COLUMNS, strict=False)))
    names = [_ALIASES.get(name.strip().lower(), name.strip()) for name in table.columns]
    if len(set(names)) < len(names):
        raise DataError("column names must differ", where=path, value=table.columns)
    table.columns = names
    return table


def _check_placed(names: list[str], path: Path) -> None:
    has = set(names)
    in_metres, in_degrees = {"x_m", "y_m"}, {"lat", "lon"}
    if in_metres <= has or in_degrees <= has:
        return
    meant = in_degrees if in_degrees & has else in_metres
    missing = " and ".join(sorted(meant - has))
    raise DataError(
        f"column {missing} is missing; a site file has x_m and y_m, in metres, or lat and lon, "
        "in degrees",
        where=path,
        value=names,
    )


def _graph_of_rows(table: pl.DataFrame, path: Path) -> nx.Graph:
    """A node per row, named by its column of names or by its number."""
    named_by = next((name for name in _NAME_COLUMNS if name in table.columns), None)
    graph = nx.Graph()
    for number, row in enumerate(table.iter_rows(named=True)):
        name = row.pop(named_by) if named_by else None
        name = name or number
        if name in graph:
            raise DataError(
                "site names must differ", where=f"{path}, line {number + 2}", value=name
            )
        given = {column: value for column, value in row.items() if value is not None}
        graph.add_node(name, **given)
    return graph
