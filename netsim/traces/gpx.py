"""GPX tracks: `<trk><trkseg><trkpt lat lon><ele/><time/>`. Each track is a node, named by its
`<name>`.

Streamed by the parser that refuses entities (gpxpy builds the whole tree, entities expanded). Time
0 is the first point of the file. Points without a time are left out and counted, points out of
order are sorted, and of several points at one time the last counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin, central_origin
from netsim.traces.trace import Trace, origin_metadata, projected
from netsim.traces.xml import stream

NO_ALTITUDE_M = -90_000.0  # loggers write -99999 where they know none


def read_gpx(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """The mobility table of all tracks, with lat and lon."""
    points = _Points()
    for _ in stream(path, start=points.start, end=points.end, text=points.text):
        pass
    if not points.rows:
        raise DataError("has no track points with a time", where=path)
    names = _names(points.tracks)
    schema = dict.fromkeys(("time_s", "track", "lat", "lon", "z_m"), pl.Float64) | {
        "track": pl.Int64
    }
    table = pl.DataFrame(points.rows, schema=schema, orient="row")
    notes = dict(points.notes)
    kept = table.unique(["track", "time_s"], keep="last", maintain_order=True)
    if len(kept) < len(table):
        notes["points at the time of another of their track, left out"] = len(table) - len(kept)
    if (kept.select((pl.col("time_s").diff().over("track") < 0).sum()).item()) > 0:
        notes["points out of order of time, sorted"] = 0
        kept = kept.sort("track", "time_s", maintain_order=True)
    begin = float(kept["time_s"].min())  # type: ignore[arg-type]
    frame = kept.with_columns(
        pl.col("time_s") - begin,
        node=pl.col("track").replace_strict(dict(enumerate(names)), return_dtype=pl.String),
    )
    if frame["z_m"].null_count() == len(frame):
        frame = frame.drop("z_m")
    origin = origin or central_origin(frame["lat"].to_numpy(), frame["lon"].to_numpy())
    order = [
        "time_s",
        "node",
        "x_m",
        "y_m",
        *(["z_m"] if "z_m" in frame.columns else []),
        "lat",
        "lon",
    ]
    mobility = projected(frame.lazy(), origin).select(order)
    metadata = origin_metadata(origin) | {
        "time_origin": datetime.fromtimestamp(begin, UTC).isoformat()
    }
    return Trace(path, "gpx", {"mobility": mobility}, metadata, notes)


class _Points:
    """Gathers track points while the file is parsed."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, int, float, float, float | None]] = []
        self.tracks: list[str] = []
        self.notes: dict[str, int] = {}
        self._path: list[str] = []
        self._chunks: list[str] = []
        self._place: tuple[float, float] = (0.0, 0.0)
        self._time: float | None = None
        self._altitude: float | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._path.append(name)
        self._chunks.clear()
        if name == "trk":
            self.tracks.append("")
        elif name == "trkpt":
            if not self.tracks:
                raise DataError("trkpt outside of a trk")
            self._place = (_degrees(attributes, "lat", 90.0), _degrees(attributes, "lon", 180.0))
            self._time = self._altitude = None

    def text(self, text: str) -> None:
        self._chunks.append(text)

    def end(self, name: str) -> None:
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        name = name.rpartition(":")[2]
        if parent == "trkpt" and name == "time":
            self._time = _epoch("".join(self._chunks).strip())
        elif parent == "trkpt" and name == "ele":
            self._altitude = _altitude("".join(self._chunks))
        elif parent == "trk" and name == "name":
            self.tracks[-1] = "".join(self._chunks).strip()
        elif name == "trkpt":
            if self._time is None:
                self._note("points without a time, left out")
            else:
                self.rows.append((self._time, len(self.tracks) - 1, *self._place, self._altitude))
        elif name in ("rtept", "wpt"):
            self._note("points of routes and waypoints, passed over")
        self._chunks.clear()

    def _note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1


def _degrees(attributes: dict[str, str], name: str, limit: float) -> float:
    text = attributes.get(name)
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not abs(value) <= limit:
        raise DataError(f"{name} of a trkpt must be degrees in -{limit:g}..{limit:g}", value=text)
    return value


def _epoch(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise DataError("time of a trkpt must be ISO 8601", value=text) from None


def _altitude(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if NO_ALTITUDE_M < value < -NO_ALTITUDE_M else None


def _names(tracks: list[str]) -> list[str]:
    """Names of the tracks; 0, 1, ... where they have none or the same."""
    named = all(tracks) and len(set(tracks)) == len(tracks)
    return tracks if named else [str(number) for number in range(len(tracks))]


def write_gpx(frame: pl.DataFrame, begin: datetime) -> Iterator[bytes]:
    """GPX of a mobility table with lat and lon; times in microseconds from `begin`."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="netsim" xmlns="http://www.topografix.com/GPX/1/1">\n'
    has_z = "z_m" in frame.columns
    for (name,), rows in frame.group_by("node", maintain_order=True):
        text = [f"<trk><name>{escape(str(name))}</name><trkseg>\n"]
        for time, lat, lon, z in rows.select(
            "time_s",
            "lat",
            "lon",
            pl.col("z_m") if has_z else pl.lit(None, dtype=pl.Float64).alias("z_m"),
        ).iter_rows():
            moment = (
                datetime.fromtimestamp(begin.timestamp() + time, UTC)
                .isoformat()
                .replace("+00:00", "Z")
            )
            ele = "" if z is None else f"<ele>{z!r}</ele>"
            text.append(f'<trkpt lat="{lat!r}" lon="{lon!r}">{ele}<time>{moment}</time></trkpt>\n')
        text.append("</trkseg></trk>\n")
        yield "".join(text).encode()
    yield b"</gpx>\n"
