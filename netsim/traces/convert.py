"""Writes traces: native tables as Parquet or CSV, and formats of other tools.

The name of the file says the format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.traces.bonnmotion import params_of, write_bonnmotion
from netsim.traces.fading import STEP_S, write_fad
from netsim.traces.files import reading, replacing
from netsim.traces.gpx import write_gpx
from netsim.traces.mahimahi import write_mahimahi
from netsim.traces.ns2_writer import write_ns2
from netsim.traces.sumo_samples import FCD_COLUMNS
from netsim.traces.sumo_writer import write_fcd_xml
from netsim.traces.tables.formulas import hidden_formulas, hidden_in_line
from netsim.traces.trace import Trace
from netsim.traces.tracks import tracks_of

ANY_TABLE = ("mobility", "channel", "throughput")
EPOCH = "1970-01-01T00:00:00+00:00"


def write_trace(
    trace: Trace,
    path: Path,
    table: str | None = None,
) -> str:
    """Write one table of a trace to `path`, whose name says the format; the name of the table.

    `table` is for traces that hold several; the first that the format takes if None. Raises
    DataError and OutputError.
    """
    target = _target_of(path)
    chosen = table
    if chosen is None:
        chosen = next(
            (name for name in trace.tables if name in target.tables),
            target.tables[0],
        )
    if chosen not in target.tables:
        rule = f"a file of this name holds a {' or '.join(target.tables)} table"
        raise DataError(rule, where=path, value=chosen)
    target.write(trace, path, chosen)
    return chosen


def write_native(
    frame: pl.LazyFrame,
    path: Path,
    metadata: dict[str, str],
) -> None:
    """Stream a native table to Parquet, or to CSV with its metadata as comments above."""
    with replacing(path) as file:
        if path.name.lower().endswith(".parquet"):
            frame.sink_parquet(file, metadata=metadata, compression="zstd")
            return
        comments = [f"# {key}={hidden_in_line(value)}\n" for key, value in metadata.items()]
        names = ",".join(frame.collect_schema().names())
        file.write(f"{''.join(comments)}{names}\n".encode())
        for batch in hidden_formulas(frame).collect_batches(maintain_order=True):
            file.write(batch.write_csv(include_header=False).encode())


def _write_native_table(
    trace: Trace,
    path: Path,
    table: str,
) -> None:
    metadata = {**trace.metadata, "source_format": trace.format}
    frame = trace.table(table)
    with reading(trace.path):
        write_native(frame, path, metadata)


def _write_fcd_table(
    trace: Trace,
    path: Path,
    table: str,
) -> None:
    """SUMO's CSV or Parquet."""
    names = trace.columns(table)
    kept = [
        pl.col(native).alias(column) for native, column in FCD_COLUMNS.items() if native in names
    ]
    frame = trace.table(table).select(kept)
    with reading(trace.path), replacing(path) as file:
        if path.name.lower().endswith(".parquet"):
            frame.sink_parquet(file)
        else:
            file.write(hidden_formulas(frame).collect().write_csv(separator=";").encode())


def _in_blocks(
    write: Callable[[Trace, str], Iterator[bytes]],
) -> Callable[[Trace, Path, str], None]:
    """A writer of blocks of bytes as a writer of files."""

    def to_file(
        trace: Trace,
        path: Path,
        table: str,
    ) -> None:
        parts = write(trace, table)
        with replacing(path) as file:
            file.writelines(parts)

    return to_file


def _frame(trace: Trace, table: str) -> pl.DataFrame:
    frame = trace.table(table)
    with reading(trace.path):
        return frame.collect()


def _fcd_xml(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table)
    return write_fcd_xml(frame, geo="lat" in frame.columns)


def _ns2(trace: Trace, table: str) -> Iterator[bytes]:
    tracks = tracks_of(trace.table(table), trace.path)
    begin_s = float(tracks.time_s[0])
    if begin_s < 0:
        raise DataError("ns-2 has no negative times", where=trace.path, value=begin_s)
    return write_ns2(tracks)


def _write_bonnmotion_pair(
    trace: Trace,
    path: Path,
    table: str,
) -> None:
    """The .movements, and the .params beside it."""
    tracks = tracks_of(trace.table(table), trace.path)
    with replacing(path) as file:
        file.writelines(write_bonnmotion(tracks))
    stem = path.name.removesuffix(".gz").removesuffix(".movements")
    with replacing(path.with_name(f"{stem}.params")) as file:
        file.write(params_of(tracks))


def _gpx(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table)
    if "lat" not in frame.columns:
        if trace.origin is None:
            rule = "GPX is in degrees: the trace needs lat, lon or an origin"
            raise DataError(rule, where=trace.path)
        places_m = frame.select("x_m", "y_m").to_numpy()
        lat, lon = trace.origin.to_degrees(places_m).T
        frame = frame.with_columns(lat=lat, lon=lon)
    begin = datetime.fromisoformat(trace.metadata.get("time_origin", EPOCH))
    return write_gpx(frame, begin.astimezone(UTC), trace.path)


def _mahimahi(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table).sort("time_s", maintain_order=True)
    nodes = frame["node"].n_unique()
    if nodes != 1:
        raise DataError("Mahimahi has one node", where=trace.path, value=f"{nodes} nodes")
    time_s = frame["time_s"].to_numpy()
    rate_bps = frame["rate_bps"].to_numpy()
    if "period_s" in trace.metadata:
        return write_mahimahi(time_s, rate_bps, float(trace.metadata["period_s"]))
    step_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    from_zero_s = time_s - time_s[0]
    return write_mahimahi(
        from_zero_s,
        rate_bps,
        time_s[-1] + step_s - time_s[0],
    )


def _fad(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table)
    if "resource_block" not in frame.columns:
        raise DataError(".fad needs a gain per resource_block", where=trace.path)
    frame = frame.sort("resource_block", "time_s")
    blocks = frame["resource_block"].n_unique()
    steps = frame["time_s"].n_unique()
    time_s = frame["time_s"].to_numpy()
    grid_s = np.tile(np.arange(steps) * STEP_S, blocks)
    if len(time_s) != len(grid_s) or np.abs(time_s - time_s[0] - grid_s).max() > 1e-6:
        raise DataError(".fad needs a gain per resource_block and millisecond", where=trace.path)
    gain_db = frame["gain_db"].to_numpy().reshape(blocks, steps)
    return write_fad(gain_db)


class _Target(NamedTuple):
    """A format that can be written."""

    suffixes: tuple[str, ...]
    tables: tuple[str, ...]
    write: Callable[[Trace, Path, str], None]


_TARGETS = (
    _Target((".fcd.csv", ".fcd.parquet"), ("mobility",), _write_fcd_table),
    _Target((".parquet", ".csv"), ANY_TABLE, _write_native_table),
    _Target((".xml",), ("mobility",), _in_blocks(_fcd_xml)),
    _Target((".ns_movements", ".tcl"), ("mobility",), _in_blocks(_ns2)),
    _Target((".movements",), ("mobility",), _write_bonnmotion_pair),
    _Target((".gpx",), ("mobility",), _in_blocks(_gpx)),
    _Target((".up", ".down"), ("throughput",), _in_blocks(_mahimahi)),
    _Target((".fad",), ("channel",), _in_blocks(_fad)),
)


def _target_of(path: Path) -> _Target:
    name = path.name.lower().removesuffix(".gz")
    for target in _TARGETS:
        if name.endswith(target.suffixes):
            return target
    known = ", ".join(suffix for target in _TARGETS for suffix in target.suffixes)
    raise DataError(
        f"the name must end with one of {known} (and .gz)",
        where=path,
        value=path.name,
    )
