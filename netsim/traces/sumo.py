"""SUMO floating-car data in XML: `<timestep time><vehicle id x y angle type speed
.../></timestep>`.

Read as a stream. Positions are those of the front bumper. With `--fcd-output.geo`, x and y are
longitude and
latitude and nothing in the rows says so: it is told by the configuration that SUMO writes above the
rows, else by the distance moved beside the speed; the details `geo` and `metres` force it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import head
from netsim.traces.trace import Trace, origin_metadata, projected
from netsim.traces.xml import stream

ROWS = 200_000  # of a batch
PEEK = 5_000
_MOVERS = {"vehicle", "person", "container"}


def read_fcd_xml(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """The mobility table of an FCD XML file, read anew, as a stream, at each collection."""
    first = pl.DataFrame(schema=_RAW)
    for batch in _batches(path, rows=PEEK):
        first = batch
        break
    if not len(first):
        raise DataError("has no vehicle, person or container with a position", where=path)
    notes: dict[str, int] = {}
    geo = _is_geo(path, first, detail, notes)
    optional = [c for c in ("z_m", "speed_m_s") if first[c].null_count() < len(first)]
    places = ["lon", "lat"] if geo else ["x_m", "y_m"]
    columns = ["time_s", "node", *places, *optional]
    limit = {"lon": 180.0, "lat": 90.0} if geo else {}

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for batch in _batches(path, rows=min(ROWS, n_rows or ROWS), notes=notes, limit=limit):
            batch.columns = [_GEO.get(c, c) if geo else c for c in batch.columns]
            frame = batch.select(columns if with_columns is None else with_columns)
            if left is not None:
                frame = frame.head(left)
                left -= len(frame)
            yield frame if predicate is None else frame.filter(predicate)
            if left == 0:
                return

    schema = {c: pl.String if c == "node" else pl.Float64 for c in columns}
    frame = register_io_source(source, schema=schema, validate_schema=False)
    if not geo:
        return Trace(path, "sumo", {"mobility": frame}, notes=notes)
    origin = origin or Origin(round(first["y_m"][0], 6), round(first["x_m"][0], 6))
    frame = projected(frame, origin).select("time_s", "node", "x_m", "y_m", *optional, "lat", "lon")
    return Trace(path, "sumo", {"mobility": frame}, origin_metadata(origin), notes)


_RAW = {
    c: pl.String if c == "node" else pl.Float64
    for c in ("time_s", "node", "x_m", "y_m", "z_m", "speed_m_s")
}
_GEO = {"x_m": "lon", "y_m": "lat"}


def _batches(
    path: Path,
    *,
    rows: int,
    notes: dict[str, int] | None = None,
    limit: dict[str, float] | None = None,
) -> Iterator[pl.DataFrame]:
    """Frames of about `rows` rows and the columns of _RAW. Raises DataError at the first bad
    value.
    """
    times: list[float] = []
    node: list[str] = []
    texts: list[list[str | None]] = [[], [], [], []]  # x, y, z, speed
    x, y, z, speed = texts
    now = None
    steps = empty = persons = 0
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal now, steps, empty, persons, count
        if name in _MOVERS:
            try:
                node.append(attributes["id"])
                x.append(attributes["x"])
                y.append(attributes["y"])
            except KeyError as missing:
                raise DataError(
                    f"{name} has no attribute {missing}; positions need id, x and y",
                    value=attributes,
                ) from None
            if now is None:
                raise DataError(f"{name} outside of a timestep", value=attributes["id"])
            z.append(attributes.get("z"))
            speed.append(attributes.get("speed"))
            times.append(now)
            count += 1
            persons += name != "vehicle"
        elif name == "timestep":
            empty += steps > 0 and count == 0
            time = _seconds(attributes.get("time"))
            if now is not None and time < now:
                raise DataError(
                    f"time must not go backwards; {now:g} s lies before", value=attributes["time"]
                )
            now, count = time, 0
            steps += 1

    for _ in stream(path, start=start):
        if len(node) >= rows:
            yield _frame(path, times, node, texts, limit or {})
    empty += steps > 0 and count == 0
    if node:
        yield _frame(path, times, node, texts, limit or {})
    if notes is not None:
        notes |= {"timesteps without vehicles": empty} if empty else {}
        notes |= {"samples of persons and containers, taken as nodes": persons} if persons else {}


def _frame(
    path: Path,
    times: list[float],
    node: list[str],
    texts: list[list[str | None]],
    limit: dict[str, float],
) -> pl.DataFrame:
    """What the handlers gathered, as numbers; their lists are emptied."""
    frame = pl.DataFrame(
        {"time_s": times, "node": node}, schema={c: _RAW[c] for c in ("time_s", "node")}
    )
    for name, values in zip(list(_RAW)[2:], texts, strict=True):
        text = pl.Series(name, values, dtype=pl.String)
        number = text.cast(pl.Float64, strict=False)
        needed = name in _GEO
        bad = ~number.is_finite().fill_null(value=False) & (text.is_not_null() | needed)
        if needed and limit:
            bad |= number.abs() > limit[_GEO[name]]
        if bad.any():
            row = int(bad.arg_max() or 0)
            rule = "must be a finite number"
            if needed and limit:
                rule = f"must be degrees in -{limit[_GEO[name]]:g}..{limit[_GEO[name]]:g}"
            raise DataError(
                rule,
                where=f"{path}, time {times[row]:g}, {node[row]}, {name.split('_')[0]}",
                value=values[row],
            )
        frame = frame.with_columns(number)
    times.clear()
    node.clear()
    for values in texts:
        values.clear()
    return frame


def _seconds(text: str | None) -> float:
    """Seconds of `12.00` or, as with --human-readable-time, of `[days:]hh:mm:ss`."""
    try:
        value = float(text or "")
    except ValueError:
        scale = (1.0, 60.0, 3600.0, 86400.0)
        parts = (text or "").split(":")
        numbers = zip(scale, reversed(parts), strict=False)
        try:
            value = (
                sum(s * float(part) for s, part in numbers) if len(parts) <= len(scale) else np.nan
            )
        except ValueError:
            value = np.nan
    if not math.isfinite(value):
        raise DataError("time of a timestep must be a finite number of seconds", value=text)
    return value


def _is_geo(path: Path, first: pl.DataFrame, detail: str, notes: dict[str, int]) -> bool:
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
    """What the user says about x and y."""
    if detail not in ("geo", "metres"):
        raise DataError("sumo: must be sumo:geo or sumo:metres", where=path, value=detail)
    return detail == "geo"


def looks_like_degrees(first: pl.DataFrame) -> bool:
    """Whether `x_m` and `y_m` of a trace's first rows are longitude and latitude.

    They are if in range, and vehicles seem to move a thousand times slower than their speed says.
    Where
    nothing moves: if they have more than the two decimals that SUMO gives to metres.
    """
    # type: ignore[operator]
    if not len(first) or not (first["x_m"].abs().max() <= 180 and first["y_m"].abs().max() <= 90):
        return False
    moves = first.sort("node", "time_s", maintain_order=True).select(
        moved=(pl.col("x_m").diff() ** 2 + pl.col("y_m").diff() ** 2).sqrt(),
        expected=pl.col("speed_m_s") * pl.col("time_s").diff(),
        same=pl.col("node") == pl.col("node").shift(),
    )
    moved, expected = moves.filter("same").select("moved", "expected").drop_nulls().sum().row(0)
    if expected > 10:
        return bool(moved < expected / 1000)
    cents = first.select(pl.col("x_m", "y_m") * 100).to_numpy()
    return bool((np.abs(cents - np.rint(cents)) > 1e-6).any())


def write_fcd_xml(frame: pl.DataFrame, *, geo: bool) -> Iterator[bytes]:
    """FCD XML of a mobility table, a timestep for each time, in blocks. Numbers keep all digits."""
    frame = frame.sort("time_s", maintain_order=True)
    x, y = ("lon", "lat") if geo else ("x_m", "y_m")
    columns = {"x": x, "y": y, "z": "z_m", "speed": "speed_m_s"}
    parts: list[pl.Expr] = [pl.lit('        <vehicle id="'), _escaped("node"), pl.lit('"')]
    for name, column in columns.items():
        if column in frame.columns:
            value = pl.format(f' {name}="{{}}"', pl.col(column))
            parts.append(value.fill_null(""))
    opening = pl.format('    <timestep time="{}">\n', pl.col("time_s"))
    is_first = (pl.col("time_s") != pl.col("time_s").shift()).fill_null(value=True)
    is_last = (pl.col("time_s") != pl.col("time_s").shift(-1)).fill_null(value=True)
    line = pl.concat_str(
        pl.when(is_first).then(opening).otherwise(pl.lit("")),
        *parts,
        pl.lit("/>\n"),
        pl.when(is_last).then(pl.lit("    </timestep>\n")).otherwise(pl.lit("")),
    )
    setting = f'<!-- <fcd-output.geo value="{str(geo).lower()}"/> -->\n'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n\n{setting}<fcd-export>\n'.encode()
    text = frame.select(line.alias("line"))["line"]
    for start in range(0, len(text), ROWS):
        yield "".join(text[start : start + ROWS].to_list()).encode()
    yield b"</fcd-export>\n"


def _escaped(column: str) -> pl.Expr:
    text = pl.col(column)
    for plain, entity in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("\n", "&#10;"),
        ("\t", "&#9;"),
    ):
        text = text.str.replace_all(plain, entity, literal=True)
    return text
