"""GTFS timetables: vehicles that go from stop to stop. A zip file, or a folder with its tables.

A trip is a node. It is at a stop from its arrival to its departure, and goes straight to the next.
Times count from noon less 12 hours of the service day and may exceed 24 h (GTFS reference,
stop_times.txt). A feed holds many service days: one service counts, that with the most trips, or
`gtfs:SERVICE_ID`.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import polars as pl

from netsim.errors import DataError
from netsim.plain import why_unreadable
from netsim.projection import Origin, central_origin
from netsim.traces.files import READ_FAILURES
from netsim.traces.missing import check_missing, count, no_fix
from netsim.traces.trace import Trace, origin_metadata, projected

MAX_BYTES = 2 * 2**30
STOP_TIMES = "stop_times.txt"
_TABLES = {
    "stops.txt": ("stop_id", "stop_lat", "stop_lon"),
    "trips.txt": ("trip_id", "service_id"),
    STOP_TIMES: ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"),
}
_FREQUENCIES = "frequencies.txt"
_CLOCK = r"^\s*([0-9]{1,3}):([0-9]{2}):([0-9]{2})\s*$"  # \d takes the digits of all scripts


def is_gtfs(path: Path) -> bool:
    """Whether a folder or a zip file holds a timetable."""
    return _has(path, STOP_TIMES)


def _has(path: Path, name: str) -> bool:
    if path.is_dir():
        return (path / name).is_file()
    try:
        with zipfile.ZipFile(path) as archive:
            return name in archive.namelist()
    except Exception:  # zipfile raises what it stumbles over
        return False


def read_gtfs(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The mobility table of one service, with lat and lon. Raises DataError."""
    stops, trips, stop_times = (_table(path, name) for name in _TABLES)
    notes: dict[str, int] = {}
    if _has(path, _FREQUENCIES):
        notes[f"{_FREQUENCIES} is not used: a trip that it repeats goes once"] = 0
    chosen = _of_service(trips, detail, path, notes)
    every = stop_times.join(chosen, on="trip_id", how="semi")
    visits = every.join(_places(stops), on="stop_id", maintain_order="left")
    placeless = len(every) - len(visits)
    check_missing(path, "a place", placeless, rows=len(every))
    count(notes, "stops without a place, passed without stopping", placeless)
    timed = _with_times(visits, notes)
    samples = _samples(timed)
    if not len(samples):
        raise DataError("has no stop with a time and a place", where=path)
    idle = len(chosen) - samples["node"].n_unique()
    count(notes, "trips without a stop that has a time and a place, left out", idle)
    origin = origin or central_origin(samples["lat"].to_numpy(), samples["lon"].to_numpy())
    mobility = projected(samples.lazy(), origin)
    order = ["time_s", "node", "x_m", "y_m", "lat", "lon"]
    return Trace(
        path,
        "gtfs",
        {"mobility": mobility.select(order)},
        origin_metadata(origin),
        notes,
    )


def _table(path: Path, name: str) -> pl.DataFrame:
    """The columns of a table that are needed, as text. Raises DataError."""
    where = f"{path}, {name}"
    try:
        frame = pl.read_csv(
            _content(path, name),
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except READ_FAILURES:
        raise DataError("cannot be read as a table", where=where) from None
    frame = frame.rename({column: column.strip() for column in frame.columns})
    missing = [column for column in _TABLES[name] if column not in frame.columns]
    if missing:
        known = ", ".join(frame.columns)
        raise DataError(f"has no column {missing[0]}; it has {known}", where=where)
    return frame.select(pl.col(_TABLES[name]).str.strip_chars())


def _content(path: Path, name: str) -> io.BytesIO:
    """The bytes of a table, up to MAX_BYTES. Raises DataError."""
    where = f"{path}, {name}"
    try:
        if path.is_dir():
            return io.BytesIO((path / name).read_bytes())
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(name).file_size
            if size > MAX_BYTES:
                rule = f"may unpack to at most {MAX_BYTES} bytes"
                raise DataError(rule, where=where, value=size)
            return io.BytesIO(archive.read(name))
    except KeyError:
        raise DataError("is missing from the timetable", where=where) from None
    except DataError:
        raise
    except Exception as error:  # zipfile raises what it stumbles over
        raise DataError(why_unreadable(path, error), where=where) from None


def _of_service(
    trips: pl.DataFrame,
    service: str,
    path: Path,
    notes: dict[str, int],
) -> pl.DataFrame:
    """The trips of the service that is named, or of that with the most trips."""
    counts = (
        trips.group_by("service_id")
        .len()
        .sort(
            "len",
            "service_id",
            descending=[True, False],
        )
    )
    if not len(counts):
        raise DataError("has no trips", where=path)
    chosen = service or str(counts["service_id"][0])
    kept = trips.filter(pl.col("service_id") == chosen)
    if not len(kept):
        some = ", ".join(map(str, counts["service_id"].head(8)))
        rule = f"gtfs:SERVICE_ID must name a service of the timetable ({some})"
        raise DataError(rule, where=path, value=service)
    left_out = len(trips) - len(kept)
    if left_out:
        notes[f"trips of service {chosen} only (gtfs:SERVICE_ID chooses); others"] = left_out
    return kept


def _places(stops: pl.DataFrame) -> pl.DataFrame:
    """Stops with their place in degrees; those out of range have none."""
    lat = pl.col("stop_lat").cast(pl.Float64, strict=False)
    lon = pl.col("stop_lon").cast(pl.Float64, strict=False)
    placed = stops.select("stop_id", lat=lat, lon=lon)
    good = placed.filter((pl.col("lat").abs() <= 90) & (pl.col("lon").abs() <= 180))
    return good.filter(~no_fix(good["lat"].to_numpy(), good["lon"].to_numpy()))


def _with_times(visits: pl.DataFrame, notes: dict[str, int]) -> pl.DataFrame:
    """Visits of stops with arrival and departure in seconds; the others are counted.

    Timetables may give the times of a few stops only (`timepoint`).
    """
    timed = visits.with_columns(
        arrival_s=_seconds("arrival_time"),
        departure_s=_seconds("departure_time"),
    )
    arrival_s = pl.coalesce("arrival_s", "departure_s")
    departure_s = pl.coalesce("departure_s", "arrival_s")
    timed = timed.with_columns(arrival_s=arrival_s, departure_s=departure_s)
    kept = timed.drop_nulls("arrival_s")
    untimed = len(timed) - len(kept)
    if untimed:
        notes["stops without a time, passed without stopping"] = untimed
    return kept


def _seconds(column: str) -> pl.Expr:
    """Seconds of `hh:mm:ss`, whose hours may exceed 24; null where it is something else."""
    parts = pl.col(column).str.extract_groups(_CLOCK)
    hours, minutes, seconds = (
        parts.struct.field(str(number)).cast(pl.Float64) for number in (1, 2, 3)
    )
    return 3600 * hours + 60 * minutes + seconds


def _samples(visits: pl.DataFrame) -> pl.DataFrame:
    """Where each trip is when it arrives and when it leaves, in order."""
    sequence = pl.col("stop_sequence").cast(pl.Int64, strict=False)
    ordered = visits.with_columns(sequence.alias("stop_sequence"))
    ends = []
    for order, column in enumerate(("arrival_s", "departure_s")):
        at = ordered.select(
            "stop_sequence",
            "lat",
            "lon",
            node="trip_id",
            time_s=column,
            end=pl.lit(order),
        )
        ends.append(at)
    joined = pl.concat(ends).sort("node", "stop_sequence", "end", maintain_order=True)
    return joined.unique(["node", "time_s", "lat", "lon"], keep="first", maintain_order=True)
