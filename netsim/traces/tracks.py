"""Samples grouped by node, in order of time, as plain arrays: what replay and some writers need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.traces.files import reading
from netsim.units import FARTHEST_M, FARTHEST_S, FloatArray, IntArray

_PIECE = 2**17


@dataclass(frozen=True)
class Tracks:
    """K nodes with M samples in all; those of node k are first[k]..first[k + 1] - 1.

    Times of a node do not decrease. Two samples of a node at one time are a jump.
    """

    nodes: tuple[str, ...]  # K, in order of first appearance in the table
    first: IntArray  # [K + 1]
    time_s: FloatArray  # [M]
    places_m: FloatArray  # [M, 2], or [M, 3] with z


def tracks_of(frame: pl.LazyFrame, path: Path) -> Tracks:
    """The tracks of a mobility table; a z that is not given is 0. `path` is for messages.

    Raises DataError if the table is empty, or has a place on no map or a time in no calendar.
    """
    axes = ["x_m", "y_m"]
    node = pl.col("node").cast(pl.Categorical)
    with reading(path):
        if "z_m" in frame.collect_schema():
            axes.append("z_m")
            frame = frame.with_columns(pl.col("z_m").fill_null(0.0))
        table = frame.select("time_s", node, *axes).collect()
    if not len(table):
        raise DataError("has no positions", where=path)
    _check_range(table, "time_s", FARTHEST_S, path)
    for axis in axes:
        _check_range(table, axis, FARTHEST_M, path)
    names, code = _codes(table["node"])
    first = _first_rows(code, len(names))
    time_s, places_m = _grouped(code, first, table.select("time_s", *axes))
    for part in _unsorted(first, time_s):
        order = np.argsort(time_s[part], kind="stable")  # ties stay in the order of the table
        time_s[part] = time_s[part][order]
        places_m[part] = places_m[part][order]
    return Tracks(names, first, time_s, places_m)


def _check_range(table: pl.DataFrame, column: str, limit: float, path: Path) -> None:
    """Raises DataError for the first number that is too large to calculate with."""
    far = table.filter(pl.col(column).abs() > limit).head(1)
    if len(far):
        time_s, node, value = far.select("time_s", "node", pl.col(column).alias("value")).row(0)
        rule = f"{column} of {node} at {time_s:g} s must be in {-limit:g}..{limit:g}"
        raise DataError(rule, where=path, value=value)


def usual_step_s(tracks: Tracks) -> float:
    """The median time between samples of a node; infinite if none has two at different times."""
    step_s = np.diff(tracks.time_s)
    of_one_node = np.ones(len(step_s), dtype=bool)
    of_one_node[tracks.first[1:-1] - 1] = False
    step_s = step_s[of_one_node & (step_s > 0)]
    return float(np.median(step_s)) if len(step_s) else np.inf


def _first_rows(code: IntArray, nodes: int) -> IntArray:
    """Where each node's rows begin once they are grouped, and where the last ends. [K + 1]."""
    sizes = np.zeros(nodes, dtype=np.int64)
    for start in range(0, len(code), _PIECE):
        piece = code[start : start + _PIECE]
        sizes += np.bincount(piece, minlength=nodes)
    ends = np.cumsum(sizes)
    return np.append(0, ends).astype(np.int64)


def _unsorted(first: IntArray, time_s: FloatArray) -> list[slice]:
    """Rows of the nodes whose times go backwards somewhere."""
    is_earlier = time_s[1:] < time_s[:-1]
    backwards = np.flatnonzero(is_earlier) + 1
    is_first = np.isin(backwards, first)
    within = backwards[~is_first]
    node = np.searchsorted(first, within, side="right") - 1
    parts = []
    for number in np.unique(node).tolist():
        begin, end = first[number : number + 2]
        parts.append(slice(begin, end))
    return parts


def _grouped(
    code: IntArray,
    first: IntArray,
    table: pl.DataFrame,
) -> tuple[FloatArray, FloatArray]:
    """Times [M] and places [M, D] ordered by node, rows of a node in the order they had.

    Done in pieces that fit in the cache and are not copied before: at ten million rows, a third of
    the time of one large gather.
    """
    times = np.empty(len(code))
    places = np.empty((len(code), table.width - 1))
    free = first[:-1].copy()  # where each node's next row goes
    for start in range(0, len(code), _PIECE):
        piece = code[start : start + _PIECE]
        counts = np.bincount(piece, minlength=len(free))
        order = np.argsort(piece, kind="stable")
        begin = free - (np.cumsum(counts) - counts)
        goal = np.empty_like(order)
        goal[order] = np.arange(len(order)) + np.repeat(begin, counts)
        columns = table.slice(start, _PIECE).get_columns()
        for column, values in zip(
            (times, *places.T),
            columns,
            strict=True,
        ):
            column[goal] = values.to_numpy()
        free += counts
    return times, places


def _codes(node: pl.Series) -> tuple[tuple[str, ...], IntArray]:
    """Names, and the number of the node of each row; numbered by first appearance."""
    physical = node.to_physical().to_numpy()
    row = np.sort(node.arg_unique().to_numpy())  # where each node is first
    small = len(row) <= 2**16  # a radix sort can be used then
    number = np.zeros(
        int(physical.max()) + 1,
        dtype=np.uint16 if small else np.int64,
    )
    number[physical[row]] = np.arange(len(row))
    names = node.gather(row).cast(pl.String).to_list()
    return tuple(names), number[physical]
