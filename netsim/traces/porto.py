"""The taxi trips of Porto (ECML/PKDD 2015): a row per trip, its places as a list in POLYLINE.

A place every 15 s from TIMESTAMP (Unix time) on, as `[[lon,lat],...]`. A trip is a node.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin, central_origin
from netsim.traces.files import READ_FAILURES
from netsim.traces.missing import NULLS, check_missing, count, no_fix
from netsim.traces.trace import Trace, origin_metadata, projected

STEP_S = 15.0
COLUMNS = ("TRIP_ID", "TIMESTAMP", "POLYLINE")
_PLACES = pl.List(pl.List(pl.Float64))


def is_porto(names: Sequence[str]) -> bool:
    """Whether a table has the columns of these trips."""
    return set(COLUMNS) <= set(names)


def read_porto(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The mobility table of all trips that have places. Raises DataError."""
    trips = _trips(path)
    notes: dict[str, int] = {}
    placed = trips.filter(pl.col("places").list.len() > 0)
    count(notes, "trips without places, left out", len(trips) - len(placed))
    if not len(placed):
        raise DataError("no trip has places", where=path)
    every = _samples(placed)
    samples = every.drop_nulls()
    samples = samples.filter(~no_fix(samples["lat"].to_numpy(), samples["lon"].to_numpy()))
    _check_degrees(samples, path)
    placeless = len(every) - len(samples)
    check_missing(path, "a place", placeless, rows=len(every))
    count(notes, "samples without a place, left out", placeless)
    begin_s = float(samples["time_s"].min())  # type: ignore[arg-type]
    samples = samples.with_columns(pl.col("time_s") - begin_s)
    origin = origin or central_origin(samples["lat"].to_numpy(), samples["lon"].to_numpy())
    order = ["time_s", "node", "x_m", "y_m", "lat", "lon"]
    mobility = projected(samples.lazy(), origin).select(order)
    return Trace(
        path,
        "porto",
        {"mobility": mobility},
        origin_metadata(origin),
        notes,
    )


def _trips(path: Path) -> pl.DataFrame:
    """Trips with their beginning and places. Raises DataError."""
    time_s = pl.col("TIMESTAMP").str.strip_chars().cast(pl.Float64, strict=False)
    text = pl.col("POLYLINE").str.strip_chars()
    is_none = text.str.to_lowercase().is_in(NULLS)
    places = pl.when(~is_none).then(text).str.json_decode(_PLACES)
    try:
        raw = pl.read_csv(
            path,
            columns=list(COLUMNS),
            infer_schema=False,
            glob=False,
        )
        trips = raw.select(node="TRIP_ID", time_s=time_s, places=places)
    except READ_FAILURES:
        rule = "must have TRIP_ID, TIMESTAMP and POLYLINE, a list [[lon,lat],...], in every row"
        raise DataError(rule, where=path) from None
    bad = trips["node"].is_null() | ~trips["time_s"].is_finite().fill_null(value=False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        where = f"{path}, row {row + 1}, TIMESTAMP"
        raise DataError(
            "must be Unix time in seconds",
            where=where,
            value=raw["TIMESTAMP"][row],
        )
    return trips


def _check_degrees(samples: pl.DataFrame, path: Path) -> None:
    """Raises DataError where a place is none on Earth."""
    good = (pl.col("lat").abs() <= 90) & (pl.col("lon").abs() <= 180)
    bad = samples.filter(~good)
    if len(bad):
        node, lat, lon = bad.select("node", "lat", "lon").row(0)
        rule = "places must be [lon, lat] in degrees"
        raise DataError(rule, where=f"{path}, trip {node}", value=[lon, lat])


def _samples(trips: pl.DataFrame) -> pl.DataFrame:
    """A row for each place; null where one is missing."""
    step = pl.int_range(pl.len()).over("trip")
    places = trips.with_row_index("trip").explode("places")
    return places.select(
        "node",
        time_s=pl.col("time_s") + STEP_S * step,
        lat=pl.col("places").list.get(1, null_on_oob=True),
        lon=pl.col("places").list.get(0, null_on_oob=True),
    )
