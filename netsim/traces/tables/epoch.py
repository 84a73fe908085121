"""Times that count from 1970 as times from the first one on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from netsim.errors import DataError
from netsim.traces.tables.clock import RowTimes

_UNIX = (
    (1e17, 1e9, "ns"),
    (1e14, 1e6, "us"),
    (1e11, 1e3, "ms"),
    (1e8, 1.0, "s"),
)
"""From so large a number on, times count from 1970, in parts of a second."""


UNUSUAL = {
    "day_first": "dates are read day first",
    "month_first": "dates are read month first",
    "ms": "time is Unix time in milliseconds",
    "us": "time is Unix time in microseconds",
    "ns": "time is Unix time in nanoseconds",
}
"""Notes on what the file shows of its times."""


@dataclass(frozen=True)
class Epoch:
    """Times from the first one on, which lies at a known date."""

    seconds: pl.Expr
    origin: str  # ISO 8601 of the first
    unit: str = ""  # that was seen


def epoch_of(
    times: RowTimes, span: tuple[float, float], *, unit_is_said: bool, where: str
) -> Epoch | None:
    """The times of a trace that counts from 1970; None if it does not. Raises DataError."""
    begin, end = span
    per_second, unit = 1.0, "s"
    if not times.is_date:
        if begin < _UNIX[-1][0]:
            return None
        if not unit_is_said:
            per_second, unit = _unix_unit(begin)
            if _unix_unit(end)[0] != per_second:
                rule = "mixes Unix times in seconds and in smaller units"
                raise DataError(
                    rule,
                    where=where,
                    value=f"{begin:.0f} and {end:.0f}",
                )
    seconds = times.seconds
    if per_second != 1:
        seconds = seconds / per_second
        begin = begin / per_second
    try:
        origin = datetime.fromtimestamp(begin, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        raise DataError("must be a date", where=where, value=begin) from None
    return Epoch(
        seconds - begin,
        origin,
        "" if times.is_date or unit_is_said else unit,
    )


def _unix_unit(number: float) -> tuple[float, str]:
    """How many of the units of a Unix time make a second, and its name."""
    for least, per_second, unit in _UNIX:
        if number >= least:
            return per_second, unit
    return 1.0, "s"
