"""Channel and throughput tables as plain arrays to sample by time: what the radio replays.

A value holds from its time to the next of its key. A time before the first sample, or more than
three median steps after a sample, is a gap: an error, unless `fill` says how it is bridged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.traces.files import reading
from netsim.traces.search import last_sample
from netsim.traces.trace import Trace
from netsim.units import BoolArray, FloatArray, IntArray, to_db

FILLS = ("error", "hold", "interpolate")
STALE_STEPS = 3.0
LARGEST = 1e30
"""Of a linear gain or SNR (300 dB) and of a rate: more is a slip of the pen."""
LEAST = 1e-30
"""Of a linear gain or SNR: less counts as that, so that results in dB stay finite."""
FILL_RULE = "set a fill rule (fill = hold or interpolate in its [[channel]]) to bridge it"


@dataclass(frozen=True)
class TraceSeries:
    """Values of R keys over time; key r has the samples first[r]..first[r + 1] - 1.

    Times of a key increase.
    """

    path: Path
    keys: tuple[tuple[str, ...], ...]  # R
    first: IntArray  # [R + 1]
    time_s: FloatArray  # [M]
    value: FloatArray  # [M] linear gain, linear SNR, or bit/s; NaN where missing
    fill: str = "error"
    period_s: float | None = None  # the trace repeats
    stale_steps: float = STALE_STEPS

    def at(self, row: int, times_s: FloatArray) -> FloatArray:
        """Value of key `row` at times, [T] -> [T]. Raises DataError in a gap."""
        part = slice(self.first[row], self.first[row + 1])
        time = self.time_s[part]
        value = self.value[part]
        asked = np.asarray(times_s, dtype=np.float64)
        if self.period_s is None:
            index = np.searchsorted(time, asked, side="right") - 1
            age = asked - time[np.maximum(index, 0)]
            gap = (index < 0) | (age > self._stale_s[row])
        else:
            asked = asked % self.period_s
            # before the first sample the last of the period before holds
            index = (np.searchsorted(time, asked, side="right") - 1) % len(time)
            gap = np.zeros(len(asked), dtype=bool)
        held = value[np.maximum(index, 0)]
        gap |= np.isnan(held)
        if not gap.any():
            return held
        if self.fill == "error":
            raise self._gap_error(row, float(asked[gap][0]))
        return np.where(gap, self._bridged(row, asked), held)

    def _gap_error(self, row: int, time_s: float) -> DataError:
        name = " - ".join(self.keys[row])
        part = self.time_s[self.first[row] : self.first[row + 1]]
        span = f"{part[0]:g} to {part[-1]:g} s"
        rule = f"gap at {time_s:g} s of {name}, which is given from {span}; {FILL_RULE}"
        return DataError(rule, where=self.path)

    def _bridged(self, row: int, asked_s: FloatArray) -> FloatArray:
        """Values by the fill rule, from the known samples around. [T] -> [T]."""
        part = slice(self.first[row], self.first[row + 1])
        known = ~np.isnan(self.value[part])
        if not known.any():
            raise DataError(f"has no value of {' - '.join(self.keys[row])}", where=self.path)
        time = self.time_s[part][known]
        value = self.value[part][known]
        if self.fill == "interpolate":
            return np.interp(asked_s, time, value)
        index = np.searchsorted(time, asked_s, side="right") - 1
        return value[np.maximum(index, 0)]

    def at_rows(self, rows: IntArray, times_s: FloatArray) -> FloatArray:
        """Values of keys `rows` at times, [L], [T] -> [L, T]; as `at`, many at once."""
        if not len(rows):
            return np.empty((0, len(times_s)))
        if self.period_s is None:
            value, gap = self._held(rows, np.asarray(times_s, dtype=np.float64))
            if not gap.any():
                return value
        return np.stack([self.at(row, times_s) for row in rows.tolist()])

    def _held(self, rows: IntArray, times_s: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Value of the last sample before each time, and where that is a gap. [L, T] each."""
        begin = self.first[rows]
        index = last_sample(
            begin,
            self.first[rows + 1],
            self.time_s,
            times_s,
        )
        at = np.maximum(index, 0)
        value = np.asarray(self.value[at])
        late = times_s - self.time_s[at] > self._stale_s[rows, None]
        early = index < begin[:, None]
        return value, early | late | np.isnan(value)

    @cached_property
    def _stale_s(self) -> FloatArray:
        """[R] age at which a sample no longer holds."""
        limits = []
        for begin, end in pairwise(self.first.tolist()):
            steps = np.diff(self.time_s[begin:end])
            limits.append(float(np.median(steps)) if len(steps) else np.inf)
        with np.errstate(over="ignore"):  # steps of nearly all time: they hold for ever
            return self.stale_steps * np.array(limits)

    def row(self, *key: str) -> int | None:
        """The row of a key; None if the trace does not have it."""
        return self.keys.index(key) if key in self.keys else None


def gain_series(trace: Trace, *, fill: str = "error") -> TraceSeries:
    """Linear gain per (ue, gnb); the column `gain` where there is one, else from dB."""
    names = trace.table("channel").collect_schema().names()
    if "gain_db" not in names:
        raise DataError(
            "holds no gains",
            where=trace.path,
            value=", ".join(names),
        )
    value = 10 ** (pl.col("gain_db") / 10)
    if "gain" in names:
        value = pl.col("gain")
    return _series(
        trace,
        trace.table("channel"),
        ("ue", "gnb"),
        value.clip(lower_bound=LEAST),
        fill=fill,
    )


def recorded_series(
    trace: Trace,
    column: str,
    *,
    fill: str = "error",
) -> TraceSeries:
    """`gain` or `interference_w` per (ue, gnb, attempt) of a recorded channel.

    Values hold to the next.
    """
    attempt = pl.col("attempt").cast(pl.String)
    frame = trace.table("channel").with_columns(attempt)
    value = pl.col(column)
    found = _series(
        trace,
        frame,
        ("ue", "gnb", "attempt"),
        value.clip(lower_bound=LEAST) if column == "gain" else value,
        fill=fill,
    )
    return replace(found, stale_steps=np.inf)


def snr_series(trace: Trace, *, fill: str = "error") -> TraceSeries:
    """Measured linear SNR per ue, of whichever cell served it."""
    frame = trace.table("channel")
    names = frame.collect_schema().names()
    if "snr_db" not in names:
        raise DataError(
            "holds no SNR",
            where=trace.path,
            value=", ".join(names),
        )
    value = 10 ** (pl.col("snr_db") / 10)
    return _series(trace, frame, ("ue",), value.clip(lower_bound=LEAST), fill=fill)


def rate_series(trace: Trace, *, fill: str = "error") -> TraceSeries:
    """Rate in bit/s per node."""
    frame = trace.table("throughput")
    return _series(
        trace,
        frame,
        ("node",),
        pl.col("rate_bps"),
        fill=fill,
    )


def _series(
    trace: Trace,
    frame: pl.LazyFrame,
    keys: tuple[str, ...],
    value: pl.Expr,
    *,
    fill: str,
) -> TraceSeries:
    """The values of each key in order of time. Raises DataError."""
    if fill not in FILLS:
        raise DataError(
            f"fill must be one of {', '.join(FILLS)}",
            where=trace.path,
            value=fill,
        )
    value = value.cast(pl.Float64).fill_null(np.nan)
    with reading(trace.path):
        table = frame.select(*keys, "time_s", value.alias("value")).collect()
    if table.is_empty():  # the others of its tables may hold more
        raise DataError("has no sample to replay", where=trace.path)
    if any(table[key].null_count() for key in keys):
        raise DataError(f"{' and '.join(keys)} must be named in every row", where=trace.path)
    check_size(table["value"].to_numpy(), trace.path)
    table = table.unique(
        [*keys, "time_s"],
        keep="last",
        maintain_order=True,
    )
    table = table.sort(*keys, "time_s", maintain_order=True)
    sizes = table.group_by(keys, maintain_order=True).len()
    ends = np.cumsum(sizes["len"].to_numpy())
    period_s = trace.metadata.get("period_s")
    return TraceSeries(
        trace.path,
        keys=tuple(sizes.select(keys).rows()),
        first=np.append(0, ends).astype(np.int64),
        time_s=table["time_s"].to_numpy(),
        value=table["value"].to_numpy(),
        fill=fill,
        period_s=float(period_s) if period_s else None,
    )


def check_size(values: FloatArray, path: Path) -> None:
    """Raises DataError for a number [..] that is too large to calculate with."""
    largest = np.fmax.reduce(values, axis=None, initial=0.0)  # NaN: missing
    if largest > LARGEST:
        rule = f"gains and ratios must be at most {to_db(LARGEST):g} dB, rates {LARGEST:g} bit/s"
        raise DataError(rule, where=path)
