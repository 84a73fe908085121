"""Tables with columns, CSV or Parquet, to native tables; lazily, after one pass that checks every
value.

Dates and Unix times become seconds from the first sample, degrees become metres around the middle.
A column that is named `time_s` is taken as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin, origin_of
from netsim.traces.files import reading
from netsim.traces.layouts import Layout, layout_of
from netsim.traces.scan import scan
from netsim.traces.sumo import PEEK, forced_geo, looks_like_degrees
from netsim.traces.trace import GAIN_KINDS, Trace, origin_metadata, projected

UNIX_S = 1e8  # numbers beyond are dates (after 1973), beyond UNIX_MS in milliseconds
UNIX_MS = 1e11
LIMITS = {"lat": 90.0, "lon": 180.0}
DATES = (
    "%Y.%m.%d_%H.%M.%S",
    *(
        f"{day}{between}%H:%M:%S%.f{zone}"
        for day in ("%Y-%m-%d", "%Y/%m/%d")
        for between in (" ", "T")
        for zone in ("", "Z", "%#z")
    ),
)
_PEEKED = ("time_s", "node", "x_m", "y_m", "speed_m_s")
_OPTIONAL = {
    "z_m",
    "speed_m_s",
    "snr_db",
    "gain_db",
    "gain",
    "downlink_bps",
    "uplink_bps",
    "interference_w",
}


def read_columns(path: Path, layout: Layout | None, detail: str, origin: Origin | None) -> Trace:
    """Native tables of a CSV or Parquet file; `layout` where its columns have no names."""
    raw, metadata = scan(path, layout)
    names = raw.collect_schema().names()
    layout = layout or layout_of(names)
    if layout is None:
        raise DataError(
            "columns must name a time and either x_m, y_m or lat, lon, or a gain, SNR or rate",
            where=path,
            value=", ".join(names),
        )
    return _Reading(path, raw, layout, detail).trace(origin, metadata)


class _Reading:
    """One file on its way to native tables."""

    def __init__(self, path: Path, raw: pl.LazyFrame, layout: Layout, detail: str) -> None:
        self.path = path
        self.layout = layout
        self.detail = detail
        self.notes = dict(layout.notes)
        self.schema = raw.collect_schema()
        self.raw = raw
        self.with_dates = False
        self.parsed = self._parsed()

    def trace(self, origin: Origin | None, metadata: dict[str, str]) -> Trace:
        has = set(self.parsed)
        if self.layout.maybe_geo and {"x_m", "y_m"} <= has and self._is_geo():
            self.parsed["lon"] = self.parsed.pop("x_m")
            self.parsed["lat"] = self.parsed.pop("y_m")
            has = set(self.parsed)
        facts = self._check()
        metadata = dict(metadata)
        self._shift_time(facts, metadata)
        frame = self.raw.select(
            *(expression.alias(name) for name, expression in self.parsed.items()),
            *(
                [(pl.col(self.layout.keep[0]) == self.layout.keep[1]).alias("keep")]
                if self.layout.keep
                else []
            ),
        )
        if "node" not in has:
            name = pl.col("ue") if "ue" in has else pl.lit(self.path.name.split(".")[0])
            frame = frame.with_columns(name.alias("node"))
        tables: dict[str, pl.LazyFrame] = {}
        if {"x_m", "y_m"} <= has or {"lat", "lon"} <= has:
            tables["mobility"] = self._mobility(frame, has, facts, origin, metadata)
        tables |= self._radio(frame, has, metadata)
        return Trace(self.path, self.layout.format, tables, metadata, self.notes)

    def _parsed(self) -> dict[str, pl.Expr]:
        """Native column -> expression over the raw columns; null where it cannot be read."""
        found: dict[str, pl.Expr] = {}
        for native, column in self.layout.columns.items():
            source = pl.col(column.name)
            if native in ("node", "ue", "gnb"):
                found[native] = source.cast(pl.String)
            elif native == "point":
                parts = source.str.extract_groups(r"^POINT\s*\(\s*(\S+)\s+(\S+?)\s*\)$")
                for field, name in enumerate(("lat", "lon"), start=1):
                    found[name] = parts.struct.field(str(field)).cast(pl.Float64, strict=False)
            elif native == "time_s":
                found[native] = self._time(column.name) * column.factor
            else:
                number = self._number(column.name)
                found[native] = number * column.factor if column.factor != 1 else number
        return found

    def _number(self, name: str) -> pl.Expr:
        source = pl.col(name)
        if self.schema[name] == pl.String:
            text = source.str.strip_chars()
            source = pl.when(text.is_in(self.layout.nulls)).then(None).otherwise(text)
        return source.cast(pl.Float64, strict=False)

    def _time(self, name: str) -> pl.Expr:
        kind = self.schema[name]
        if kind.is_temporal():
            self.with_dates = True
            return pl.col(name).cast(pl.Datetime("us")).dt.epoch("us") / 1e6
        if kind != pl.String or self.layout.time_is_date is False:
            return self._number(name)
        with reading(self.path):
            sample = (
                self.raw.select(pl.col(name).str.strip_chars())
                .head(200)
                .collect()[name]
                .drop_nulls()
            )
        if not self.layout.time_is_date and sample.cast(pl.Float64, strict=False).null_count() == 0:
            return self._number(name)
        for pattern in DATES:
            moment = (
                pl.col(name)
                .str.strip_chars()
                .str.to_datetime(pattern, strict=False, time_unit="us")
            )
            if len(sample) and sample.head(1).to_frame(name).select(moment.is_not_null()).item():
                self.with_dates = True
                return moment.dt.epoch("us") / 1e6
        return self._number(name)

    def _check(self) -> dict[str, Any]:
        """One pass over the checked columns; raises DataError at the first bad value."""
        tests = {name: self._bad(name) for name in self.parsed if name not in ("node", "ue", "gnb")}
        if "node" in self.parsed and "ue" not in self.parsed:
            tests["node"] = self.parsed["node"].is_null()
        time = self.parsed["time_s"]
        facts = [time.min().alias("begin"), time.max().alias("end"), pl.len().alias("rows")]
        facts += [test.any().alias(f"bad {name}") for name, test in tests.items()]
        if {"lat", "lon"} <= set(self.parsed):
            phi, lam = self.parsed["lat"].radians(), self.parsed["lon"].radians()
            facts += [
                (phi.cos() * lam.cos()).mean().alias("east"),
                (phi.cos() * lam.sin()).mean().alias("north"),
                phi.sin().mean().alias("up"),
                (self.parsed["lat"].is_null() | self.parsed["lon"].is_null())
                .sum()
                .alias("unplaced"),
            ]
        with reading(self.path):
            found = self.raw.select(facts).collect(engine="streaming").row(0, named=True)
        for name, test in tests.items():
            if found[f"bad {name}"]:
                self._report(name, test)
        if not found["rows"]:
            raise DataError("has no rows", where=self.path)
        return found

    def _bad(self, name: str) -> pl.Expr:
        value = self.parsed[name]
        wrong = ~value.is_finite()
        if name in LIMITS:
            wrong |= value.abs() > LIMITS[name]
        if name == "gain":
            wrong |= value <= 0
        if name in ("rate_bps", "downlink_bps", "uplink_bps"):
            wrong |= value < 0
        may_miss = name in _OPTIONAL or (self.layout.missing_place_ok and name in LIMITS)
        if not may_miss:
            return wrong.fill_null(value=True)
        source = self.layout.columns.get(name)
        if source is None or self.schema[source.name] != pl.String:
            return wrong.fill_null(value=False)
        is_text = ~pl.col(source.name).str.strip_chars().is_in(self.layout.nulls)
        return (wrong | value.is_null() & is_text).fill_null(value=False)

    def _report(self, name: str, test: pl.Expr) -> None:
        column = self.layout.columns.get(name) or self.layout.columns.get("point")
        source = column.name if column else {"lat": "vehicle_y", "lon": "vehicle_x"}[name]
        with reading(self.path):
            row, value = (
                self.raw.with_row_index("row", offset=1)
                .filter(test)
                .select("row", source)
                .head(1)
                .collect()
                .row(0)
            )
        rule = "must be a finite number"
        if name in LIMITS:
            rule = f"must be degrees in -{LIMITS[name]:g}..{LIMITS[name]:g}"
        elif name in ("rate_bps", "downlink_bps", "uplink_bps"):
            rule = "must be a finite number, not negative"
        elif name == "gain":
            rule = "must be a finite number greater than 0"
        elif name == "node":
            rule = "must not be empty"
        elif name == "time_s" and self.with_dates:
            rule = "must be a date and time like the first"
        elif name == "time_s":
            rule = "must be seconds, or a date and time as 2024-05-01 12:00:00"
        raise DataError(rule, where=f"{self.path}, row {row}, {source}", value=value)

    def _shift_time(self, facts: dict[str, Any], metadata: dict[str, str]) -> None:
        """Dates and Unix times become seconds from the first."""
        begin, end = facts["begin"], facts["end"]
        if not self.with_dates and self.layout.time_is_date is False:
            return
        if not self.with_dates and not (
            self.layout.columns["time_s"].factor == 1 and begin >= UNIX_S
        ):
            return
        time = self.parsed["time_s"]
        if not self.with_dates and end >= UNIX_MS:
            if begin < UNIX_MS:
                raise DataError(
                    "mixes Unix times in seconds and in milliseconds",
                    where=f"{self.path}, {self.layout.columns['time_s'].name}",
                    value=f"{begin:.0f} and {end:.0f}",
                )
            self.notes["time is Unix time in milliseconds"] = 0
            time, begin = time / 1e3, begin / 1e3
        self.parsed["time_s"] = time - begin
        try:
            metadata["time_origin"] = datetime.fromtimestamp(begin, UTC).isoformat()
        except (OverflowError, ValueError, OSError):
            raise DataError("must be a date", where=f"{self.path}, time", value=begin) from None

    def _is_geo(self) -> bool:
        if self.detail:
            return forced_geo(self.path, self.detail)
        wanted = {c: self.parsed.get(c, pl.lit(None, dtype=pl.Float64)) for c in _PEEKED}
        with reading(self.path):
            first = self.raw.head(PEEK).select(**wanted).collect()
        geo = looks_like_degrees(first.drop_nulls(["x_m", "y_m"]))
        if geo:
            self.notes["x and y taken for longitude and latitude; force with sumo:metres"] = 0
        return geo

    def _mobility(
        self,
        frame: pl.LazyFrame,
        has: set[str],
        facts: dict[str, Any],
        origin: Origin | None,
        metadata: dict[str, str],
    ) -> pl.LazyFrame:
        optional: list[str] = [c for c in ("z_m", "speed_m_s") if c in has]
        if {"lat", "lon"} <= has:
            optional += ["lat", "lon"]
            if self.layout.missing_place_ok and facts["unplaced"]:
                frame = frame.filter(pl.col("lat").is_not_null() & pl.col("lon").is_not_null())
                self.notes["rows without a place, left out of mobility"] = facts["unplaced"]
            if not {"x_m", "y_m"} <= has or origin is not None:
                origin = origin or self._middle(facts)
                metadata |= origin_metadata(origin)
                frame = projected(frame, origin)
        return frame.select("time_s", "node", "x_m", "y_m", *optional)

    def _middle(self, facts: dict[str, Any]) -> Origin:
        if facts["east"] is None:
            raise DataError("has no places", where=self.path)
        return origin_of(facts["east"], facts["north"], facts["up"])

    def _radio(
        self, frame: pl.LazyFrame, has: set[str], metadata: dict[str, str]
    ) -> dict[str, pl.LazyFrame]:
        tables: dict[str, pl.LazyFrame] = {}
        if self.layout.keep:
            frame = frame.filter("keep")
            self.notes[f"radio of rows with {self.layout.keep[0]} = {self.layout.keep[1]} only"] = 0
        named = frame if "ue" in has else frame.with_columns(ue=pl.col("node"))
        if "gnb" not in has:
            named = named.with_columns(gnb=pl.lit(None, dtype=pl.String))
        optional = [c for c in ("gain", "resource_block", "attempt", "interference_w") if c in has]
        if has & {"gain_db", "gain"}:
            if "gain_db" not in has:
                named = named.with_columns(gain_db=10 * pl.col("gain").log10())
            kind = metadata.setdefault("gain_kind", "total" if "attempt" in has else "large_scale")
            if kind not in GAIN_KINDS:
                raise DataError(
                    f"gain_kind must be one of {', '.join(GAIN_KINDS)}", where=self.path, value=kind
                )
            whole = [c for c in ("resource_block", "attempt") if c in has]
            named = named.with_columns(pl.col(c).cast(pl.Int64) for c in whole)
            tables["channel"] = named.select("time_s", "ue", "gnb", "gain_db", *optional)
        elif "snr_db" in has:
            tables["channel"] = named.select("time_s", "ue", "gnb", "snr_db")
        if "downlink_bps" in has:
            frame = frame.with_columns(rate_bps=self._busier(frame))
        if has & {"downlink_bps", "rate_bps"}:
            tables["throughput"] = frame.filter(pl.col("rate_bps").is_not_null()).select(
                "time_s", "node", "rate_bps"
            )
        return tables

    def _busier(self, frame: pl.LazyFrame) -> pl.Expr:
        """The direction that carried more: the other's rate is that of acknowledgements, not of the
        link.
        """
        with reading(self.path):
            total = frame.select(pl.col("downlink_bps", "uplink_bps").sum()).collect().row(0)
        chosen = "downlink_bps" if total[0] >= total[1] else "uplink_bps"
        self.notes[f"rate is the {chosen.removesuffix('_bps')}'s, which carried more"] = 0
        return pl.col(chosen)
