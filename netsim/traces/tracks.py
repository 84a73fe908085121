"""Samples grouped by node, in order of time, as plain arrays: what replay and some writers need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.traces.files import reading
from netsim.units import FloatArray, IntArray


@dataclass(frozen=True)
class Tracks:
    """K nodes with M samples in all; those of node k are first[k]..first[k + 1], times not decreasing.

    Two samples of a node at one time are a jump.
    """

    nodes: tuple[str, ...]  # K, in order of first appearance in time, then in the table
    first: IntArray  # [K + 1]
    time_s: FloatArray  # [M]
    x_m: FloatArray  # [M]
    y_m: FloatArray  # [M]
    z_m: FloatArray | None = None  # [M]


def tracks(frame: pl.LazyFrame, path: Path) -> Tracks:
    """The tracks of a mobility table. `path` is for messages."""
    has_z = "z_m" in frame.collect_schema()
    with reading(path):
        table = frame.select(
            pl.col("time_s"),
            pl.col("node").cast(pl.String).cast(pl.Categorical),
            pl.col("x_m", "y_m", *(["z_m"] if has_z else [])),
        ).collect()
    if not len(table):
        raise DataError("has no positions", where=path)
    time = table["time_s"].to_numpy()
    names, code = _codes(table["node"], time)
    if len(time) > 1 and (np.diff(time) < 0).any():
        order = np.lexsort((time, code))  # stable: ties stay in the order of the table
    else:
        order = np.argsort(code, kind="stable")
    counts = np.bincount(code, minlength=len(names))
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns = [table[c].to_numpy()[order] for c in ("x_m", "y_m")]
    z = table["z_m"].fill_null(0.0).to_numpy()[order] if has_z else None
    return Tracks(names, first, time[order], columns[0], columns[1], z)


def _codes(node: pl.Series, time: FloatArray) -> tuple[tuple[str, ...], IntArray]:
    """Names, and the number of the node of each row; numbered by first appearance."""
    physical = node.to_physical().to_numpy().astype(np.int64)
    size = int(physical.max()) + 1
    begins = np.full(size, np.inf)
    np.minimum.at(begins, physical, time)
    row = np.full(size, len(physical), dtype=np.int64)
    row[physical[::-1]] = np.arange(len(physical) - 1, -1, -1)
    present = np.flatnonzero(row < len(physical))
    ranked = present[np.lexsort((row[present], begins[present]))]
    number = np.zeros(size, dtype=np.int64)
    number[ranked] = np.arange(len(ranked))
    names = tuple(node.gather(row[ranked]).cast(pl.String).to_list())
    code = number[physical]
    return names, code.astype(np.uint16) if len(ranked) <= 2**16 else code  # radix sort
