"""SUMO floating-car data in XML: `<timestep time><vehicle id x y speed .../></timestep>`.

Read as a stream. Positions are those of the front bumper. With `--fcd-output.geo`, x and y are
longitude and latitude and nothing in the rows says so: it is told by the configuration that SUMO
writes above the rows, else by the distance moved beside the speed; the details `geo` and `metres`
force it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import head
from netsim.traces.missing import NULLS, check_missing
from netsim.traces.sumo_degrees import GEO, METRES, PEEK, forced_geo, looks_like_degrees
from netsim.traces.sumo_samples import FCD_COLUMNS, WIDTH, SampleGatherer
from netsim.traces.trace import Trace, format_option, origin_metadata, projected
from netsim.traces.xml import stream

ROWS = 200_000  # of a batch
_RAW = {name: pl.String if name == "node" else pl.Float64 for name in FCD_COLUMNS}
_DEGREES = {"x_m": "lon", "y_m": "lat"}
_LIMITS = {"x_m": 180.0, "y_m": 90.0}


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
        metres = format_option("sumo", METRES)
        return Trace(path, "sumo", {"mobility": frame}, notes=notes, reading=metres)
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
        reading=format_option("sumo", GEO),
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
    gatherer = SampleGatherer()
    for _ in stream(path, start=gatherer.handler()):
        if len(gatherer.cells) >= rows * WIDTH:
            yield _frame(path, gatherer.take(), geo=geo)
    if gatherer.cells:
        yield _frame(path, gatherer.take(), geo=geo)
    empty = gatherer.empty_steps + gatherer.is_empty
    if empty:
        notes["timesteps without vehicles"] = empty
    if gatherer.placeless:
        rows = gatherer.placed + gatherer.placeless
        check_missing(path, "a place", gatherer.placeless, rows)
        notes["samples without a place, left out"] = gatherer.placeless
    if gatherer.persons:
        notes["samples of persons and containers, taken as nodes"] = gatherer.persons


def _frame(
    path: Path,
    columns: list[list[Any]],
    *,
    geo: bool,
) -> pl.DataFrame:
    """Samples as numbers. Raises DataError at the first bad one."""
    time_s, node, *texts = columns
    series = [
        pl.Series("time_s", time_s, dtype=pl.Float64),
        pl.Series("node", node, dtype=pl.String),
    ]
    for name, values in zip(
        list(_RAW)[2:],
        texts,
        strict=True,
    ):
        limit = _LIMITS.get(name, math.inf) if geo else math.inf
        text = pl.Series(name, values, dtype=pl.String)
        number = text.cast(pl.Float64, strict=False)
        if name not in _LIMITS:
            text, number = _without_nulls(text, number)
        good = number.is_finite() & (number.abs() <= limit)
        if name not in _LIMITS:
            good |= text.is_null()
        bad = ~good.fill_null(value=False)
        if bad.any():
            row = int(bad.arg_max() or 0)
            rule = "must be a finite number"
            if limit < math.inf:
                rule = f"must be degrees in -{limit:g}..{limit:g}"
            axis = name.partition("_")[0]
            where = f"{path}, time {time_s[row]:g}, {node[row]}, {axis}"
            raise DataError(rule, where=where, value=values[row])
        series.append(number)
    return pl.DataFrame(series)


def _without_nulls(text: pl.Series, number: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Texts and numbers of an attribute that a sample need not have, null where it stands for none.

    Most files have none of these.
    """
    if number.null_count() == text.null_count() and number.is_finite().all():
        return text, number
    missing = text.str.to_lowercase().is_in(NULLS)
    return text.set(missing, None), number.set(missing, None)


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
