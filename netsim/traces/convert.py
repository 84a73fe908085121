"""Writes traces: native tables as Parquet or CSV, and formats of other tools; by the name of the
file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.traces.bonnmotion import params_of, write_bonnmotion
from netsim.traces.fading import STEP_S, write_fad
from netsim.traces.files import reading, replacing
from netsim.traces.gpx import write_gpx
from netsim.traces.mahimahi import write_mahimahi
from netsim.traces.ns2 import write_ns2
from netsim.traces.sumo import write_fcd_xml
from netsim.traces.trace import Trace
from netsim.traces.tracks import tracks

_SUMO = {
    "time_s": "timestep_time",
    "node": "vehicle_id",
    "x_m": "vehicle_x",
    "y_m": "vehicle_y",
    "z_m": "vehicle_z",
    "speed_m_s": "vehicle_speed",
}


def write_trace(trace: Trace, path: Path, table: str | None = None) -> str:
    """Write one table of a trace to `path`, whose name says the format; the name of the table.

    `table` is for traces that hold several; the first that the format takes if None. Raises
    DataError and OutputError.
    """
    name = path.name.lower().removesuffix(".gz")
    for suffixes, tables, writer in _WRITERS:
        if name.endswith(suffixes):
            chosen = table or next((t for t in trace.tables if t in tables), tables[0])
            if chosen not in tables:
                raise DataError(
                    f"a file of this name holds a {' or '.join(tables)} table",
                    where=path,
                    value=chosen,
                )
            writer(trace, path, chosen)
            return chosen
    known = ", ".join(s for suffixes, _, _ in _WRITERS for s in suffixes)
    raise DataError(f"the name must end with one of {known} (and .gz)", where=path, value=path.name)


def write_native(frame: pl.LazyFrame, path: Path, metadata: dict[str, str]) -> None:
    """Stream a native table to Parquet, or to CSV with its metadata as comments above."""
    with replacing(path) as file:
        if path.name.lower().endswith(".parquet"):
            frame.sink_parquet(file, metadata=metadata, compression="zstd")
            return
        file.write("".join(f"# {key}={value}\n" for key, value in metadata.items()).encode())
        file.write((",".join(frame.collect_schema().names()) + "\n").encode())
        for batch in frame.collect_batches(maintain_order=True):
            file.write(batch.write_csv(include_header=False).encode())


def _native(trace: Trace, path: Path, table: str) -> None:
    metadata = {**trace.metadata, "source_format": trace.format}
    frame = trace.table(table)
    with reading(trace.path):
        write_native(frame, path, metadata)


def _sumo_columns(trace: Trace, path: Path, table: str) -> None:
    names = trace.table(table).collect_schema().names()
    frame = (
        trace.table(table)
        .rename({c: _SUMO[c] for c in names if c in _SUMO})
        .select(*(_SUMO[c] for c in _SUMO if c in names))
    )
    with reading(trace.path), replacing(path) as file:
        if path.name.lower().endswith(".parquet"):
            frame.sink_parquet(file)
        else:
            file.write(frame.collect().write_csv(separator=";").encode())


def _collected(
    write: Callable[[Trace, str], Iterator[bytes]],
) -> Callable[[Trace, Path, str], None]:
    """A writer of blocks of bytes as a writer of files."""

    def to_file(trace: Trace, path: Path, table: str) -> None:
        trace.table(table)
        parts = write(trace, table)
        with replacing(path) as file:
            file.writelines(parts)

    return to_file


def _frame(trace: Trace, table: str) -> pl.DataFrame:
    with reading(trace.path):
        return trace.table(table).collect()


def _fcd(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table)
    return write_fcd_xml(frame, geo="lat" in frame.columns)


def _ns2(trace: Trace, table: str) -> Iterator[bytes]:
    found = tracks(trace.table(table), trace.path)
    if found.time_s[0] < 0:
        raise DataError(
            "ns-2 has no negative times", where=trace.path, value=float(found.time_s[0])
        )
    return write_ns2(found)


def _bonnmotion(trace: Trace, path: Path, table: str) -> None:
    found = tracks(trace.table(table), trace.path)
    with replacing(path) as file:
        file.writelines(write_bonnmotion(found))
    name = path.name.removesuffix(".gz").removesuffix(".movements") + ".params"
    with replacing(path.with_name(name)) as file:
        file.write(params_of(found))


def _gpx(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table)
    if "lat" not in frame.columns:
        origin = trace.origin
        if origin is None:
            raise DataError(
                "GPX is in degrees: the trace needs lat, lon or an origin", where=trace.path
            )
        lat, lon = origin.to_degrees(frame.select("x_m", "y_m").to_numpy()).T
        frame = frame.with_columns(lat=lat, lon=lon)
    begin = trace.metadata.get("time_origin", "1970-01-01T00:00:00+00:00")
    return write_gpx(frame, datetime.fromisoformat(begin).astimezone(UTC))


def _mahimahi(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table).sort("time_s", maintain_order=True)
    if frame["node"].n_unique() != 1:
        raise DataError(
            "Mahimahi has one node", where=trace.path, value=f"{frame['node'].n_unique()} nodes"
        )
    time_s, rate = frame["time_s"].to_numpy(), frame["rate_bps"].to_numpy()
    step = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    end = float(trace.metadata.get("period_s", time_s[-1] + step))
    begin = 0.0 if "period_s" in trace.metadata else time_s[0]
    return write_mahimahi(time_s - begin, rate, end - begin)


def _fad(trace: Trace, table: str) -> Iterator[bytes]:
    frame = _frame(trace, table)
    if "resource_block" not in frame.columns:
        raise DataError(".fad needs a gain per resource_block", where=trace.path)
    frame = frame.sort("resource_block", "time_s")
    blocks, steps = frame["resource_block"].n_unique(), frame["time_s"].n_unique()
    grid = np.tile(np.arange(steps) * STEP_S, blocks)
    if (
        len(frame) != len(grid)
        or np.abs(frame["time_s"].to_numpy() - frame["time_s"][0] - grid).max() > 1e-6
    ):
        raise DataError(".fad needs a gain per resource_block and millisecond", where=trace.path)
    return write_fad(frame["gain_db"].to_numpy().reshape(blocks, steps))


_ANY = ("mobility", "channel", "throughput")
_WRITERS: tuple[
    tuple[tuple[str, ...], tuple[str, ...], Callable[[Trace, Path, str], None]], ...
] = (
    ((".fcd.csv", ".fcd.parquet"), ("mobility",), _sumo_columns),
    ((".parquet", ".csv"), _ANY, _native),
    ((".xml",), ("mobility",), _collected(_fcd)),
    ((".ns_movements", ".tcl"), ("mobility",), _collected(_ns2)),
    ((".movements",), ("mobility",), _bonnmotion),
    ((".gpx",), ("mobility",), _collected(_gpx)),
    ((".up", ".down"), ("throughput",), _collected(_mahimahi)),
    ((".fad",), ("channel",), _collected(_fad)),
)
