"""A time column as seconds: of numbers, of clock times, or of dates.

Dates without a time zone are UTC. Whether 03/04/2025 is in March or April is seen from the file
where one order alone fits all rows, else asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from netsim.errors import DataError
from netsim.traces.tables.cells import CellReader
from netsim.traces.tables.roles import SourceColumn

_CLOCK = re.compile(r"(\d+:)?\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")
_CLOCK_PARTS = (1.0, 60.0, 3600.0, 86400.0)  # seconds of each, from the right
_DAY_S = 86400.0
_YEAR_FIRST = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}")
_YEAR_LAST = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(\d{4}|\d{2})")
_MONTH_WORD = re.compile(r"\d{1,2}([ -])[A-Za-z]{3}\1\d{4}")
_COMPACT = re.compile(r"(19|20)\d{6}")
_ALL_COMPACT = re.compile(r"(19|20)\d{12}")
_TIME_OF_DAY = re.compile(
    r"(?P<hour>\d{1,2})(?P<mark>[:.])\d{2}((?P=mark)\d{2}(?P<fraction>[.,]\d+)?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{0,2}))?"
)
_BETWEEN = re.compile(r"[ T_]")

DATE_RULE = "must be a date and time like the first"
CLOCK_RULE = "must be a clock time hh:mm:ss like the first"
NUMBER_RULE = "must be seconds, or a date and time as 2024-05-01 12:00:00"


@dataclass(frozen=True)
class RowTimes:
    """Times of the rows: seconds since 1970 if they are dates, else of the trace's own clock."""

    seconds: pl.Expr
    is_date: bool
    rule: str  # that every time obeys
    unit: str = ""  # order of day and month that was seen


def row_times_of(
    cells: CellReader,
    time: SourceColumn,
    date: SourceColumn | None,
    *,
    is_date: bool | None,
) -> RowTimes:
    """How to read the times; `is_date` where it is known. Raises DataError."""
    kind = cells.raw.frame.collect_schema()[time.name]
    if kind.is_temporal():
        return _of_temporal(time.name, kind)
    if not cells.raw.is_text(time.name):
        return RowTimes(cells.number(time), is_date=False, rule=NUMBER_RULE)
    first = _first_text(cells, time.name)
    if first is None or (_is_number(first, cells) and not _COMPACT.match(first)):
        return RowTimes(cells.number(time), is_date=False, rule=NUMBER_RULE)
    if _CLOCK.fullmatch(first):
        if date is not None:
            return _of_date_and_time(cells, date, time)
        return _of_clock(cells, time.name)
    if _is_number(first, cells) and (is_date is False or _pattern(first, "") is None):
        return RowTimes(cells.number(time), is_date=False, rule=NUMBER_RULE)
    return _of_dates(
        cells,
        cells.text(time.name),
        first,
        column=time,
    )


def _first_text(cells: CellReader, name: str) -> str | None:
    """The first value of a column that is not missing."""
    sample = cells.raw.sample(name)
    texts = sample.select(cells.text(name)).to_series()
    known = texts.drop_nulls()
    return str(known[0]) if len(known) else None


def _is_number(text: str, cells: CellReader) -> bool:
    try:
        float(text.replace(",", ".") if cells.decimal_comma else text)
    except ValueError:
        return False
    return True


def _of_temporal(name: str, kind: pl.DataType) -> RowTimes:
    """Of a column that has times already."""
    column = pl.col(name)
    if kind == pl.Time:
        seconds = column.cast(pl.Int64) / 1e9
        return RowTimes(seconds, is_date=False, rule=CLOCK_RULE)
    if kind == pl.Duration:
        return RowTimes(
            column.dt.total_microseconds() / 1e6,
            is_date=False,
            rule=NUMBER_RULE,
        )
    seconds = column.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    return RowTimes(seconds, is_date=True, rule=DATE_RULE)


def _of_clock(cells: CellReader, name: str) -> RowTimes:
    """Of `[days:]hh:mm:ss` or `hh:mm`."""
    text = cells.text(name).str.replace(
        ",",
        ".",
        literal=True,
    )
    parts = pl.when(text.str.count_matches(":") == 1).then(text + ":00").otherwise(text)
    backwards = parts.str.split(":").list.reverse()
    good = text.str.contains(r"^(\d+:)?\d{1,2}:[0-5]?\d(:[0-5]?\d(\.\d+)?)?$")
    seconds = pl.lit(0.0)
    for place, scale in enumerate(_CLOCK_PARTS):
        part = backwards.list.get(place, null_on_oob=True).cast(pl.Float64, strict=False)
        seconds = seconds + scale * part.fill_null(0.0)
    seconds = pl.when(good).then(seconds).otherwise(None)
    _refuse_midnight(cells, name, seconds)
    return RowTimes(seconds, is_date=False, rule=CLOCK_RULE)


def _refuse_midnight(
    cells: CellReader,
    name: str,
    seconds: pl.Expr,
) -> None:
    """Raises DataError where clock times fall back by more than half a day."""
    step = seconds.drop_nulls().diff()
    frame = cells.raw.frame.select((step < -_DAY_S / 2).any())
    if cells.raw.collect(frame).item():
        rule = "clock times pass midnight; name a column with the date: --columns date=COLUMN"
        raise DataError(rule, where=f"{cells.raw.path}, {name}")


def _of_date_and_time(
    cells: CellReader,
    date: SourceColumn,
    time: SourceColumn,
) -> RowTimes:
    """Of a date and a clock time in columns of their own."""
    days = cells.raw.frame.collect_schema()[date.name]
    day = pl.col(date.name).cast(pl.String) if days.is_temporal() else cells.text(date.name)
    joined = pl.concat_str([day, cells.text(time.name)], separator=" ")
    sample = cells.raw.sample(date.name, time.name).select(joined).to_series().drop_nulls()
    if not len(sample):
        raise DataError("has no row with a date and a time", where=cells.raw.path)
    return _of_dates(
        cells,
        joined,
        str(sample[0]),
        column=date if date.unit else time,
    )


def _of_dates(
    cells: CellReader,
    text: pl.Expr,
    first: str,
    *,
    column: SourceColumn,
) -> RowTimes:
    """Of dates that are written like the first one; the column's unit may be their order."""
    order = column.unit
    where = f"{cells.raw.path}, {column.name}"
    if _YEAR_LAST.match(first) is None:
        pattern = _pattern(first, "")
        if pattern is None:
            raise _unread(where, first)
        return RowTimes(_moments(text, pattern), is_date=True, rule=DATE_RULE)
    day_first = _pattern(first, "day_first")
    month_first = _pattern(first, "month_first")
    if day_first is None or month_first is None:
        raise _unread(where, first)
    patterns = {"day_first": day_first, "month_first": month_first}
    chosen = order
    if order not in patterns:
        chosen = _seen_order(cells, text, patterns, first)
    return RowTimes(
        _moments(text, patterns[chosen]),
        is_date=True,
        rule=DATE_RULE,
        unit=chosen,
    )


def _unread(where: str, first: str) -> DataError:
    rule = "times must be seconds, hh:mm:ss, or dates as 2024-05-01 12:00:00 or 01/05/2024 12:00"
    return DataError(rule, where=where, value=first)


def _seen_order(
    cells: CellReader,
    text: pl.Expr,
    patterns: dict[str, str],
    first: str,
) -> str:
    """The one order of day and month that fits all rows. Raises DataError if both do."""
    failures = [
        (_moments(text, pattern).is_null() & text.is_not_null()).sum().alias(order)
        for order, pattern in patterns.items()
    ]
    failed = cells.raw.collect(cells.raw.frame.select(failures)).row(0, named=True)
    both_fit = failed["day_first"] == failed["month_first"] and "." not in first[:3]
    short_year = not re.match(r"\d+\D\d+\D\d{4}", first)
    if both_fit or short_year:
        rule = "day or month may come first: say --columns time=day_first or time=month_first"
        raise DataError(rule, where=cells.raw.path, value=first)
    return "day_first" if failed["day_first"] <= failed["month_first"] else "month_first"


def _moments(text: pl.Expr, pattern: str) -> pl.Expr:
    """Seconds since 1970; null where the text is written otherwise."""
    text = text.str.replace(",", ".", literal=True)
    moment = text.str.to_datetime(pattern, strict=False, time_unit="us")
    return moment.dt.epoch("us") / 1e6


def _pattern(text: str, order: str) -> str | None:
    """The pattern of a date, and of a time behind it, in chrono's letters; None if unknown."""
    if _ALL_COMPACT.fullmatch(text):
        return "%Y%m%d%H%M%S"
    date, date_pattern = _date_pattern(text, order)
    if date_pattern is None or _COMPACT.fullmatch(text):
        return None
    rest = text[len(date) :]
    if not rest:
        return date_pattern
    between = _BETWEEN.match(rest)
    time = _TIME_OF_DAY.fullmatch(rest[1:]) if between else None
    if between is None or time is None:
        return None
    return f"{date_pattern}{between[0]}{_time_pattern(time)}"


def _date_pattern(text: str, order: str) -> tuple[str, str | None]:
    """The date that a text begins with, and its pattern."""
    if found := _YEAR_FIRST.match(text):
        return found[0], found[1].join(("%Y", "%m", "%d"))
    if found := _YEAR_LAST.match(text):
        year = "%Y" if len(found[2]) == 4 else "%y"
        parts = ("%d", "%m", year) if order == "day_first" else ("%m", "%d", year)
        return found[0], found[1].join(parts)
    if found := _MONTH_WORD.match(text):
        return found[0], found[1].join(("%d", "%b", "%Y"))
    if found := _COMPACT.match(text):
        return found[0], "%Y%m%d"
    return "", None


def _time_pattern(time: re.Match[str]) -> str:
    mark = time["mark"]
    half = time["half"] or ""
    parts = ["%I" if half else "%H", "%M"]
    if time[0].count(mark) > 1 or (mark == ":" and time[0].partition(" ")[0].count(":") > 1):
        parts.append("%S")
    pattern = mark.join(parts)
    if "%S" in pattern and mark == ":":
        pattern += "%.f"
    if half:
        pattern += " %p" if half.startswith(" ") else "%p"
    zone = time["zone"] or ""
    space = " " if zone.startswith(" ") else ""
    name = zone.strip()
    if name in ("Z", "UTC", "GMT"):
        return f"{pattern}{space}{name}"
    return f"{pattern}{space}%#z" if name else pattern
