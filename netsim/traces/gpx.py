"""GPX: `<trk><trkseg><trkpt lat lon><ele/><time/>`. A track is a node, named by its `<name>`.

Streamed by the parser that refuses entities (gpxpy builds the whole tree, entities expanded). Time
0 is the first point of the file. Points without a time are left out and counted, points out of
order are sorted, and of several points at one time the last counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin, central_origin
from netsim.traces.missing import check_missing, count, is_missing, no_fix
from netsim.traces.trace import Trace, origin_metadata, projected
from netsim.traces.xml import check_depth, stream

MAX_TEXT = 2**16
MAX_TRACKS = 1_000_000
ROWS = 100_000  # of a table that is made of the points so far
NO_ALTITUDE_M = -90_000.0  # loggers write -99999 where they know none
_POINT = {
    "time_s": pl.Float64,
    "track": pl.Int64,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "z_m": pl.Float64,
}


def read_gpx(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The mobility table of all tracks, with lat and lon. Raises DataError."""
    points = _points_of(path)
    notes = points.notes
    table = _in_order(_with_a_fix(points), notes)
    begin = float(table["time_s"].min())  # type: ignore[arg-type]
    names = _node_names(points.tracks)
    named = table.with_columns(
        pl.col("time_s") - begin,
        node=pl.col("track").replace_strict(names, return_dtype=pl.String),
    )
    origin = origin or central_origin(named["lat"].to_numpy(), named["lon"].to_numpy())
    has_altitude = named["z_m"].null_count() < len(named)
    altitude = ["z_m"] if has_altitude else []
    order = ["time_s", "node", "x_m", "y_m", *altitude, "lat", "lon"]
    mobility = projected(named.lazy(), origin).select(order)
    metadata = origin_metadata(origin)
    if points.dated:
        metadata["time_origin"] = datetime.fromtimestamp(begin, UTC).isoformat()
    return Trace(path, "gpx", {"mobility": mobility}, metadata, notes)


def _points_of(path: Path) -> _Points:
    """The points of a file. Raises DataError."""
    points = _Points()
    for _ in stream(
        path,
        start=points.start,
        end=points.end,
        text=points.text,
    ):
        pass
    points.table_rows()
    found = sum(map(len, points.tables))
    if not found:
        raise DataError("has no track points with a time and a place", where=path)
    for what, note in (("a place", _PLACELESS), ("a time", _TIMELESS)):
        without = points.notes.get(note, 0)
        check_missing(
            path,
            what,
            without,
            without + found,
        )
    return points


def _with_a_fix(points: _Points) -> pl.DataFrame:
    """The points but for those at (0, 0), where that is no place of the trace."""
    every = pl.concat(points.tables)
    none = no_fix(every["lat"].to_numpy(), every["lon"].to_numpy())
    count(points.notes, _PLACELESS, int(none.sum()))
    return every.filter(~none)


def _in_order(points: pl.DataFrame, notes: dict[str, int]) -> pl.DataFrame:
    """One point per track and time, in order of time within a track."""
    kept = points.unique(["track", "time_s"], keep="last", maintain_order=True)
    if len(kept) < len(points):
        left_out = len(points) - len(kept)
        notes["points at the time of another of their track, left out"] = left_out
    step = pl.col("time_s").diff().over("track")
    if kept.select((step < 0).any()).item():
        notes["points out of order of time, sorted"] = 0
        kept = kept.sort("track", "time_s", maintain_order=True)
    return kept


_PLACELESS = "points without a place, left out"
_TIMELESS = "points without a time, left out"
_DATED_S = 1e8  # later times count from 1970; SUMO's traceExporter writes seconds of its own clock


class _Points:
    """Gathers track points while the file is parsed."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, int, float, float, float | None]] = []
        self.tables: list[pl.DataFrame] = []  # of rows before
        self.tracks: list[str] = []  # their names
        self.notes: dict[str, int] = {}
        self._path: list[str] = []
        self._chunks: list[str] = []
        self.dated = False
        self._place: tuple[float, float] | None = None
        self._time: float | None = None
        self._altitude: float | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = name.rpartition(":")[2]
        self._path.append(name)
        check_depth(len(self._path))
        self._chunks.clear()
        if name == "trk":
            self.tracks.append("")
            if len(self.tracks) > MAX_TRACKS:
                raise DataError(f"has more than {MAX_TRACKS} tracks")
        elif name == "trkpt":
            if not self.tracks:
                raise DataError("trkpt outside of a trk")
            self._place = _place(attributes)
            self._time = None
            self._altitude = None

    def text(self, text: str) -> None:
        """Text of the innermost element, in pieces. Raises DataError where it is too long."""
        self._chunks.append(text)
        if len(self._chunks) * len(text) > MAX_TEXT and sum(map(len, self._chunks)) > MAX_TEXT:
            rule = f"the text of an element may have at most {MAX_TEXT} characters"
            raise DataError(rule, value=self._chunks[0][:40])

    def end(self, name: str) -> None:
        """An element ends."""
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        name = name.rpartition(":")[2]
        text = "".join(self._chunks).strip()
        self._chunks.clear()
        if parent == "trkpt":
            self._end_of_detail(name, text)
        elif parent == "trk" and name == "name":
            self.tracks[-1] = text
        elif name == "trkpt":
            self._end_of_point()
        elif name in ("rtept", "wpt"):
            self._note("points of routes and waypoints, passed over")

    def _end_of_detail(self, name: str, text: str) -> None:
        if name == "time" and not is_missing(text):
            self._time = _epoch(text)
        elif name == "ele":
            self._altitude = _altitude(text)

    def _end_of_point(self) -> None:
        if self._time is None:
            self._note(_TIMELESS)
            return
        if self._place is None:
            self._note(_PLACELESS)
            return
        self.dated |= self._time >= _DATED_S
        track = len(self.tracks) - 1
        lat, lon = self._place
        self.rows.append(
            (
                self._time,
                track,
                lat,
                lon,
                self._altitude,
            )
        )
        if len(self.rows) == ROWS:
            self.table_rows()

    def table_rows(self) -> None:
        """Move the rows into a table, where they take a tenth of the memory."""
        self.tables.append(pl.DataFrame(self.rows, schema=_POINT, orient="row"))
        self.rows.clear()

    def _note(self, text: str) -> None:
        count(self.notes, text)


def _place(attributes: dict[str, str]) -> tuple[float, float] | None:
    """Latitude and longitude; None if one is missing. Raises DataError."""
    lat = attributes.get("lat")
    lon = attributes.get("lon")
    if is_missing(lat) or is_missing(lon):
        return None
    return _degrees("lat", str(lat), 90.0), _degrees("lon", str(lon), 180.0)


def _degrees(
    name: str,
    text: str,
    limit: float,
) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= limit:
        raise DataError(f"{name} of a trkpt must be degrees in -{limit:g}..{limit:g}", value=text)
    return value


def _epoch(text: str) -> float:
    """Seconds since 1970 of a date and time, UTC where it says nothing; or of a plain number."""
    with suppress(ValueError):
        if math.isfinite(float(text)):
            return float(text)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise DataError("time of a trkpt must be ISO 8601 or seconds", value=text) from None


def _altitude(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if NO_ALTITUDE_M < value < -NO_ALTITUDE_M else None


def _node_names(tracks: list[str]) -> dict[int, str]:
    """Names of the tracks; 0, 1, ... where one has none or two have the same."""
    differ = len(set(tracks)) == len(tracks)
    if differ and all(tracks):
        return dict(enumerate(tracks))
    numbers = range(len(tracks))
    return {number: str(number) for number in numbers}


def write_gpx(
    frame: pl.DataFrame,
    begin: datetime,
    where: str | Path = "",
) -> Iterator[bytes]:
    """GPX of a mobility table with lat and lon; times in microseconds from `begin`.

    Raises DataError, which names `where`, for a time that GPX cannot hold.
    """
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    yield b'<gpx version="1.1" creator="netsim" xmlns="http://www.topografix.com/GPX/1/1">\n'
    if "z_m" not in frame.columns:
        frame = frame.with_columns(z_m=pl.lit(None, dtype=pl.Float64))
    for (name,), rows in frame.group_by("node", maintain_order=True):
        points = rows.select("time_s", "lat", "lon", "z_m").iter_rows()
        text = [f"<trk><name>{escape(str(name))}</name><trkseg>\n"]
        text += [_point_text(begin, *point, where=where) for point in points]
        text.append("</trkseg></trk>\n")
        yield "".join(text).encode()
    yield b"</gpx>\n"


def _point_text(
    begin: datetime,
    time_s: float,
    lat: float,
    lon: float,
    z: float | None,
    *,
    where: str | Path,
) -> str:
    try:
        moment = datetime.fromtimestamp(begin.timestamp() + time_s, UTC)
    except (OverflowError, OSError, ValueError):
        rule = "times of GPX lie in the years 1 to 9999"
        raise DataError(rule, where=where, value=time_s) from None
    time = moment.isoformat().replace("+00:00", "Z")
    altitude = "" if z is None else f"<ele>{z!r}</ele>"
    return f'<trkpt lat="{lat!r}" lon="{lon!r}">{altitude}<time>{time}</time></trkpt>\n'
