"""All formats that are read, and how a file of any of them is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.bonnmotion import read_bonnmotion
from netsim.traces.deepmimo import read_deepmimo
from netsim.traces.fading import read_fad
from netsim.traces.files import head, present
from netsim.traces.gpx import read_gpx
from netsim.traces.gtfs import read_gtfs
from netsim.traces.mahimahi import read_mahimahi
from netsim.traces.ns2 import read_ns2
from netsim.traces.porto import read_porto
from netsim.traces.recognise import is_xml, recognised_format
from netsim.traces.sionna import read_sionna
from netsim.traces.sumo import read_fcd_xml
from netsim.traces.tables.choice import parse_columns
from netsim.traces.tables.presets import PRESETS, SUMO
from netsim.traces.tables.reader import read_table
from netsim.traces.trace import Reader, Trace, format_option

TABLE = "table"
READERS: dict[str, Reader] = {
    "sumo": read_fcd_xml,
    "ns2": read_ns2,
    "bonnmotion": read_bonnmotion,
    "gpx": read_gpx,
    "mahimahi": read_mahimahi,
    "fad": read_fad,
    "gtfs": read_gtfs,
    "porto": read_porto,
    "deepmimo": read_deepmimo,
    "sionna": read_sionna,
}
"""Formats with a reader of their own; `sumo` for its XML."""
FORMATS = (*READERS, TABLE, *(name for name in PRESETS if name not in READERS))
DETAILS = {"sumo", "bonnmotion", "fad", "sionna", "deepmimo", "gtfs"}
"""Formats with a detail after a colon: sumo:geo, bonnmotion:3, fad:100x10000, sionna:0.001, ..."""


def open_trace(
    path: Path | str,
    format: str | None = None,
    *,
    columns: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The native tables of a trace file. Nothing of a streamed or lazy file is loaded yet.

    `format` is one of FORMATS, with a detail after a colon where it has one; None: recognised.
    `columns` says what the columns of a table are (see `netsim.traces.tables.choice`). Degrees are
    projected around `origin`, else around the middle of the file. Raises DataError.
    """
    path = present(Path(path))
    choice = parse_columns(columns, f"{path}: columns")
    usual = TABLE if choice else None
    name, _, detail = (format or usual or recognised_format(path)).partition(":")
    if name not in FORMATS:
        raise DataError(
            f"format must be one of {', '.join(FORMATS)}",
            where=path,
            value=name,
        )
    if detail and name not in DETAILS:
        raise DataError(f"format {name} has no detail", where=path, value=format)
    if name == TABLE or (name in PRESETS and not (name == SUMO.name and _holds_xml(path))):
        return read_table(
            path,
            PRESETS.get(name),
            choice,
            detail,
            origin,
        )
    if choice:
        rule = f"columns can be named of tables, CSV and Parquet, not of {name}"
        raise DataError(rule, where=path, value=columns)
    trace = READERS[name](path, detail, origin)
    return replace(trace, reading=trace.reading or format_option(name, detail))


def _holds_xml(path: Path) -> bool:
    return path.is_file() and is_xml(head(path))
