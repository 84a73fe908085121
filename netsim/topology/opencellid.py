"""OpenCelliD (and Mozilla Location Service) cells to sites. Columns as in their export:

radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal

The first five identify a cell, lon and lat are an estimate of its mast. A site has several cells
(sectors and carriers) whose estimates differ, so cells nearby are merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

from netsim.errors import DataError
from netsim.projection import central_origin
from netsim.traces.missing import check_missing, count, is_missing, no_fix
from netsim.units import BoolArray, FloatArray

LINE = "line of the file"
"""Column of the rows' numbers, from 0."""
COLUMNS = (
    "radio",
    "mcc",
    "net",
    "area",
    "cell",
    "unit",
    "lon",
    "lat",
    "range",
    "samples",
    "changeable",
    "created",
    "updated",
    "averageSignal",
)
KEY = COLUMNS[:5]
USED = (*KEY, "lon", "lat", "samples")
MOST_SAMPLES = 1e9  # of a cell that count
RADIOS = ("GSM", "CDMA", "UMTS", "LTE", "NR")

TextTable = Mapping[str, Sequence[str | None]]


@dataclass(frozen=True)
class CellChoice:
    """Which cells of a file count, and how far apart those of one site may be."""

    radio: str | None = None  # one of RADIOS
    operator: str | None = None  # "mcc-net"
    merge_m: float = 50.0


def is_cell_table(columns: Sequence[str]) -> bool:
    """Whether a CSV file with these columns is a table of cells."""
    return {*KEY, "lon", "lat"} <= set(columns)


def sites_of_cells(
    table: TextTable,
    path: Path,
    choice: CellChoice,
    first_line: int,
    notes: dict[str, int],
) -> nx.Graph:
    """One node per site with lat, lon, and the number of its cells; `table` holds text columns.

    The cell with the most samples takes in the cells within `choice.merge_m` that no stronger one
    has taken; the site is their mean, weighted by samples. Raises DataError.
    """
    kept = _placed_rows(table, _kept_rows(table, path, choice), path, notes)
    _check_cells_differ(table, kept, path, first_line)
    lat = _degrees(
        table,
        "lat",
        90.0,
        kept=kept,
        path=path,
        first_line=first_line,
    )
    lon = _degrees(
        table,
        "lon",
        180.0,
        kept=kept,
        path=path,
        first_line=first_line,
    )
    fixed = ~no_fix(lat, lon)
    count(notes, "cells without a place, left out", int((~fixed).sum()))
    kept = [row for row, has in zip(kept, fixed.tolist(), strict=True) if has]
    lat, lon = lat[fixed], lon[fixed]
    samples = _samples(table.get("samples"), kept)
    positions_m = central_origin(lat, lon).to_metres(lat, lon)
    graph = nx.Graph()
    for members in _clusters(positions_m, samples, choice.merge_m):
        strongest = kept[members[0]]
        share = samples[members] / samples[members].sum()
        graph.add_node(
            _cell_name(table, strongest),
            lat=float(share @ lat[members]),
            lon=_mean_longitude(lon[members], share),
            cells=len(members),
            samples=int(samples[members].sum()),
        )
    return graph


def _kept_rows(
    table: TextTable,
    path: Path,
    choice: CellChoice,
) -> list[int]:
    """Rows of the chosen radio and operator."""
    radio, operator = choice.radio, choice.operator
    if radio is not None and radio not in RADIOS:
        raise DataError(
            f"radio must be one of {', '.join(RADIOS)}",
            where=path,
            value=radio,
        )
    kept = []
    for row, row_radio in enumerate(table["radio"]):
        row_operator = f"{table['mcc'][row]}-{table['net'][row]}"
        if radio in (None, row_radio) and operator in (None, row_operator):
            kept.append(row)
    if not kept:
        of_radio = f" of radio {radio}" if radio else ""
        of_operator = f" of {operator}" if operator else ""
        raise DataError(f"has no cells{of_radio}{of_operator}", where=path)
    return kept


def _placed_rows(
    table: TextTable,
    rows: list[int],
    path: Path,
    notes: dict[str, int],
) -> list[int]:
    """The rows with a place; the others are counted. Raises DataError where too many have none."""
    placed = []
    for row in rows:
        if not is_missing(table["lat"][row]) and not is_missing(table["lon"][row]):
            placed.append(row)
    placeless = len(rows) - len(placed)
    check_missing(path, "a place", placeless, rows=len(rows))
    count(notes, "cells without a place, left out", placeless)
    return placed


def _check_cells_differ(
    table: TextTable,
    kept: Sequence[int],
    path: Path,
    first_line: int,
) -> None:
    seen: dict[str, int] = {}
    for row in kept:
        name = _cell_name(table, row)
        if name in seen:
            raise DataError(
                "a cell (radio, mcc, net, area, cell) must occur once; it is also in "
                f"line {_line(table, seen[name], first_line)}",
                where=f"{path}, line {_line(table, row, first_line)}",
                value=name,
            )
        seen[name] = row


def _line(
    table: TextTable,
    row: int,
    first_line: int,
) -> int:
    return int(table[LINE][row] or 0) + first_line


def _cell_name(table: TextTable, row: int) -> str:
    return "-".join(str(table[column][row]) for column in KEY)


def _mean_longitude(lon: FloatArray, share: FloatArray) -> float:
    """Weighted mean of longitudes that lie together, also across the date line, degrees."""
    turned = (lon - lon[0] + 180) % 360 - 180
    mean = lon[0] + float(share @ turned)
    return float((mean + 180) % 360 - 180)


def _clusters(
    positions_m: FloatArray,
    samples: FloatArray,
    merge_m: float,
) -> list[list[int]]:
    """Groups of cells, the strongest of each first."""
    tree = cKDTree(positions_m)
    taken: BoolArray = np.zeros(len(positions_m), dtype=bool)
    groups = []
    for cell in np.argsort(-samples, kind="stable").tolist():
        if taken[cell]:
            continue
        near = sorted(tree.query_ball_point(positions_m[cell], merge_m))
        free = [other for other in near if other != cell and not taken[other]]
        members = [cell, *free]
        taken[members] = True
        groups.append(members)
    return groups


def _degrees(
    table: TextTable,
    name: str,
    limit: float,
    *,
    kept: Sequence[int],
    path: Path,
    first_line: int,
) -> FloatArray:
    """The kept cells' latitudes or longitudes."""
    values = np.empty(len(kept))
    for index, row in enumerate(kept):
        text = table[name][row]
        try:
            values[index] = float(text or "")
        except ValueError:
            values[index] = np.nan
        if not abs(values[index]) <= limit:
            raise DataError(
                f"must be degrees in -{limit:g}..{limit:g}",
                where=f"{path}, line {_line(table, row, first_line)}, {name}",
                value=text,
            )
    return values


def _samples(column: Sequence[str | None] | None, kept: Sequence[int]) -> FloatArray:
    """Measurements behind each cell, at least 1; unknown counts as 1."""
    if column is None:
        return np.ones(len(kept))
    texts = [column[row] or "" for row in kept]
    counts = [float(text) if text.isdecimal() else 1.0 for text in texts]
    return np.asarray(np.clip(counts, 1.0, MOST_SAMPLES))
