"""OpenCelliD (and Mozilla Location Service) cells to sites. Columns as in their export:

radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal

The first five identify a cell, lon and lat are an estimate of its mast. A site has several cells
(sectors and carriers) whose estimates differ, so cells nearby are merged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

from netsim.errors import DataError
from netsim.projection import central_origin
from netsim.units import BoolArray, FloatArray

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
RADIOS = ("GSM", "CDMA", "UMTS", "LTE", "NR")


def is_cell_table(columns: Sequence[str]) -> bool:
    """Whether a CSV file with these columns is a table of cells."""
    return {*KEY, "lon", "lat"} <= set(columns)


def sites_of_cells(
    table: Mapping[str, Sequence[str | None]],
    path: Path,
    *,
    radio: str | None,
    operator: str | None,
    merge_m: float,
    first_line: int,
) -> nx.Graph:
    """One node per site with lat, lon, and the number of its cells; `table` holds text columns.

    `radio` keeps one of RADIOS, `operator` one "mcc-net". The cell with the most samples takes in
    the cells within `merge_m` that no stronger one has taken; the site is their mean, weighted by
    samples.
    """
    if radio is not None and radio not in RADIOS:
        raise DataError(f"radio must be one of {', '.join(RADIOS)}", where=path, value=radio)
    kept = [
        row
        for row in range(len(table["radio"]))
        if (radio is None or table["radio"][row] == radio)
        and (operator is None or f"{table['mcc'][row]}-{table['net'][row]}" == operator)
    ]
    if not kept:
        raise DataError(
            "has no cells"
            + (f" of radio {radio}" if radio else "")
            + (f" of {operator}" if operator else ""),
            where=path,
        )
    seen: dict[tuple[str | None, ...], int] = {}
    for row in kept:
        key = tuple(table[column][row] for column in KEY)
        if key in seen:
            raise DataError(
                f"a cell (radio, mcc, net, area, cell) must occur once; it is also in "
                f"line {seen[key] + first_line}",
                where=f"{path}, line {row + first_line}",
                value="-".join(str(part) for part in key),
            )
        seen[key] = row
    lines = [row + first_line for row in kept]
    lat = _degrees(table["lat"], kept, lines, "lat", path)
    lon = _degrees(table["lon"], kept, lines, "lon", path)
    samples = _samples(table.get("samples"), kept)
    graph = nx.Graph()
    position = central_origin(lat, lon).to_metres(lat, lon)
    for members in _clusters(position, samples, merge_m):
        strongest = kept[int(members[0])]
        share = samples[members] / samples[members].sum()
        turned = lon[members] - lon[members[0]]  # near 0, also across the date line
        mean_lon = lon[members[0]] + float(share @ ((turned + 180) % 360 - 180))
        graph.add_node(
            "-".join(str(table[column][strongest]) for column in KEY),
            lat=float(share @ lat[members]),
            lon=(mean_lon + 180) % 360 - 180,
            cells=len(members),
            samples=int(samples[members].sum()),
        )
    return graph


def _clusters(position_m: FloatArray, samples: FloatArray, merge_m: float) -> list[list[int]]:
    """Groups of cells, the strongest of each first."""
    tree = cKDTree(position_m)
    taken: BoolArray = np.zeros(len(position_m), dtype=bool)
    groups = []
    for cell in np.argsort(-samples, kind="stable").tolist():
        if taken[cell]:
            continue
        near = sorted(tree.query_ball_point(position_m[cell], merge_m))
        members = [cell] + [other for other in near if other != cell and not taken[other]]
        taken[members] = True
        groups.append(members)
    return groups


def _degrees(
    column: Sequence[str | None], kept: Sequence[int], lines: Sequence[int], name: str, path: Path
) -> FloatArray:
    limit = 90.0 if name == "lat" else 180.0
    values = np.empty(len(kept))
    for index, row in enumerate(kept):
        try:
            values[index] = float(column[row] or "")
        except ValueError:
            values[index] = np.nan
        if not abs(values[index]) <= limit:
            raise DataError(
                f"must be degrees in -{limit:g}..{limit:g}",
                where=f"{path}, line {lines[index]}, {name}",
                value=column[row],
            )
    return values


def _samples(column: Sequence[str | None] | None, kept: Sequence[int]) -> FloatArray:
    """Measurements behind each cell, at least 1; unknown counts as 1."""
    if column is None:
        return np.ones(len(kept))
    text = [column[row] or "" for row in kept]
    return np.array([max(float(t), 1.0) if t.isdigit() else 1.0 for t in text])
