"""SUMO floating-car data in XML: `<timestep time><vehicle id x y speed .../></timestep>`.

Read as a stream. Positions are those of the front bumper. With `--fcd-output.geo`, x and y are
longitude and latitude and nothing in the rows says so: it is told by the configuration that SUMO
writes above the rows, else by the distance moved beside the speed; the details `geo` and `metres`
force it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import head
from netsim.traces.trace import Trace, origin_metadata, projected
from netsim.traces.xml import stream

FCD_COLUMNS = {
    "time_s": "timestep_time",
    "node": "vehicle_id",
    "x_m": "vehicle_x",
    "y_m": "vehicle_y",
    "z_m": "vehicle_z",
    "speed_m_s": "vehicle_speed",
}
"""Native column -> column of SUMO's CSV and Parquet."""
INVALID = -1073741824.0
"""A coordinate of a vehicle that is not on the road (SUMO's INVALID_DOUBLE_VALUE)."""
ROWS = 200_000  # of a batch
PEEK = 5_000
_MOVERS = ("vehicle", "person", "container")
_RAW = {name: pl.String if name == "node" else pl.Float64 for name in FCD_COLUMNS}
_DEGREES = {"x_m": "lon", "y_m": "lat"}
_LIMITS = {"x_m": 180.0, "y_m": 90.0}
_SECONDS_PER_PART = (1.0, 60.0, 3600.0, 86400.0)  # of [days:]hours:minutes:seconds, from the right


def read_fcd_xml(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The mobility table of an FCD XML file, read anew, as a stream, at each collection.

    Raises DataError, for what lies further down in the file when it is collected.
    """
    first = next(_batches(path, rows=PEEK, notes={}), pl.DataFrame(schema=_RAW))
    if not len(first):
        raise DataError("has no vehicle, person or container with a position", where=path)
    notes: dict[str, int] = {}
    geo = _is_geo(path, first, detail, notes)
    optional = [name for name in ("z_m", "speed_m_s") if first[name].null_count() < len(first)]
    if not geo:
        frame = _scan(
            path,
            ["time_s", "node", "x_m", "y_m", *optional],
            notes,
            geo=False,
        )
        return Trace(path, "sumo", {"mobility": frame}, notes=notes)
    frame = _scan(
        path,
        ["time_s", "node", "lon", "lat", *optional],
        notes,
        geo=True,
    )
    origin = origin or Origin(
        round(first["y_m"][0], 6),
        round(first["x_m"][0], 6),
    )
    placed = projected(frame, origin)
    order = ["time_s", "node", "x_m", "y_m", *optional, "lat", "lon"]
    frame = placed.select(order)
    return Trace(
        path,
        "sumo",
        {"mobility": frame},
        origin_metadata(origin),
        notes,
    )


def _scan(
    path: Path,
    columns: list[str],
    notes: dict[str, int],
    *,
    geo: bool,
) -> pl.LazyFrame:
    """The rows of the file as a lazy frame with `columns`."""

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        wanted = columns if with_columns is None else with_columns
        left = math.inf if n_rows is None else n_rows
        for batch in _batches(
            path,
            rows=int(min(ROWS, left or ROWS)),
            notes=notes,
            geo=geo,
        ):
            renamed = batch.rename(_DEGREES) if geo else batch
            frame = renamed.select(wanted)
            if left < len(frame):
                frame = frame.head(int(left))
            left -= len(frame)
            yield frame if predicate is None else frame.filter(predicate)
            if left <= 0:
                return

    schema = {name: pl.String if name == "node" else pl.Float64 for name in columns}
    return register_io_source(source, schema=schema, validate_schema=False)


def _batches(
    path: Path, *, rows: int, notes: dict[str, int], geo: bool = False
) -> Iterator[pl.DataFrame]:
    """Frames of about `rows` rows and the columns of _RAW. Raises DataError at a bad value.

    What was odd is added to `notes` at the end.
    """
    gatherer = _Gatherer()
    for _ in stream(path, start=gatherer.start):
        if len(gatherer.node) >= rows:
            yield _frame(path, gatherer, geo=geo)
            gatherer.clear()
    if gatherer.node:
        yield _frame(path, gatherer, geo=geo)
    empty = gatherer.empty_steps + gatherer.is_empty
    if empty:
        notes["timesteps without vehicles"] = empty
    if gatherer.persons:
        notes["samples of persons and containers, taken as nodes"] = gatherer.persons


@dataclass
class _Gatherer:
    """Samples of the elements parsed since the last batch, as text."""

    time_s: list[float] = field(default_factory=list)
    node: list[str] = field(default_factory=list)
    x_m: list[str | None] = field(default_factory=list)
    y_m: list[str | None] = field(default_factory=list)
    z_m: list[str | None] = field(default_factory=list)
    speed_m_s: list[str | None] = field(default_factory=list)
    persons: int = 0
    empty_steps: int = 0  # without the current one
    is_empty: bool = False  # the current one, so far
    _now: float | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if name in _MOVERS:
            self._add(name, attributes)
        elif name == "timestep":
            time = _seconds(attributes.get("time"))
            if self._now is not None and time < self._now:
                rule = f"time must not go backwards; {self._now:g} s lies before"
                raise DataError(rule, value=attributes["time"])
            self.empty_steps += self.is_empty
            self.is_empty = True
            self._now = time

    def _add(self, name: str, attributes: dict[str, str]) -> None:
        try:
            node, x, y = attributes["id"], attributes["x"], attributes["y"]
        except KeyError as missing:
            rule = f"{name} has no attribute {missing}; positions need id, x and y"
            raise DataError(rule, value=attributes) from None
        if self._now is None:
            raise DataError(f"{name} outside of a timestep", value=node)
        self.time_s.append(self._now)
        self.node.append(node)
        self.x_m.append(x)
        self.y_m.append(y)
        self.z_m.append(attributes.get("z"))
        self.speed_m_s.append(attributes.get("speed"))
        self.persons += name != "vehicle"
        self.is_empty = False

    def texts(self) -> dict[str, list[str | None]]:
        """Columns that are still text."""
        return {
            "x_m": self.x_m,
            "y_m": self.y_m,
            "z_m": self.z_m,
            "speed_m_s": self.speed_m_s,
        }

    def clear(self) -> None:
        """Forget the samples."""
        self.time_s.clear()
        self.node.clear()
        for texts in self.texts().values():
            texts.clear()


def _frame(
    path: Path,
    gathered: _Gatherer,
    *,
    geo: bool,
) -> pl.DataFrame:
    """What was gathered, as numbers. Raises DataError at the first bad one."""
    columns = [
        pl.Series("time_s", gathered.time_s, dtype=pl.Float64),
        pl.Series("node", gathered.node, dtype=pl.String),
    ]
    for name, texts in gathered.texts().items():
        limit = _LIMITS.get(name, math.inf) if geo else math.inf
        text = pl.Series(name, texts, dtype=pl.String)
        number = text.cast(pl.Float64, strict=False)
        good = number.is_finite() & (number.abs() <= limit)
        optional = name not in _LIMITS
        bad = ~(good.fill_null(value=False) | (text.is_null() & optional))
        if bad.any():
            row = int(bad.arg_max() or 0)
            rule = "must be a finite number"
            if limit < math.inf:
                rule = f"must be degrees in -{limit:g}..{limit:g}"
            axis = name.partition("_")[0]
            where = f"{path}, time {gathered.time_s[row]:g}, {gathered.node[row]}, {axis}"
            raise DataError(rule, where=where, value=texts[row])
        columns.append(number)
    return pl.DataFrame(columns)


def _seconds(text: str | None) -> float:
    """Seconds of `12.00` or, as with --human-readable-time, of `[days:]hh:mm:ss`."""
    parts = (text or "").split(":")
    value = math.nan
    if len(parts) <= len(_SECONDS_PER_PART):
        scaled = zip(_SECONDS_PER_PART, reversed(parts), strict=False)
        try:
            value = sum(seconds * float(part) for seconds, part in scaled)
        except ValueError:
            value = math.nan
    if not math.isfinite(value):
        raise DataError("time of a timestep must be a finite number of seconds", value=text)
    return value


def _is_geo(
    path: Path,
    first: pl.DataFrame,
    detail: str,
    notes: dict[str, int],
) -> bool:
    """Whether x and y are longitude and latitude; a guess is noted."""
    if detail:
        return forced_geo(path, detail)
    above = head(path).partition(b"<timestep")[0]
    if b"fcd-output.geo" in above:
        return b'fcd-output.geo value="true"' in above or b'fcd-output.geo value="1"' in above
    geo = looks_like_degrees(first)
    if geo:
        notes["x and y taken for longitude and latitude; force with sumo:metres"] = 0
    return geo


def forced_geo(path: Path, detail: str) -> bool:
    """What the user says about x and y. Raises DataError."""
    if detail not in ("geo", "metres"):
        raise DataError("sumo: must be sumo:geo or sumo:metres", where=path, value=detail)
    return detail == "geo"


def looks_like_degrees(first: pl.DataFrame) -> bool:
    """Whether `x_m` and `y_m` of a trace's first rows are longitude and latitude.

    They are if in range, and vehicles seem to move a thousand times slower than their speed says.
    Where nothing moves: if they have more than the two decimals that SUMO gives to metres.
    """
    places = first.select("x_m", "y_m").to_numpy()
    if not len(places) or not (np.abs(places) <= [180, 90]).all():
        return False
    same_node = pl.col("node") == pl.col("node").shift()
    squared = pl.col("x_m").diff() ** 2 + pl.col("y_m").diff() ** 2
    moves = first.sort("node", "time_s", maintain_order=True).select(
        moved=pl.when(same_node).then(squared.sqrt()),
        expected=pl.when(same_node).then(pl.col("speed_m_s") * pl.col("time_s").diff()),
    )
    moved, expected = moves.drop_nulls().sum().row(0)
    if expected > 10:
        return bool(moved < expected / 1000)
    cents = places * 100
    return bool((np.abs(cents - np.rint(cents)) > 1e-6).any())
