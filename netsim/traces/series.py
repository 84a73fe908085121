"""Channel and throughput tables as plain arrays to sample by time: what the radio replays.

A value holds from its time to the next of its key. A time before the first sample, or more than
three median
steps after a sample, is a gap: an error, unless `fill` says how it is bridged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.traces.fading import STEP_S
from netsim.traces.files import reading
from netsim.traces.search import last_sample
from netsim.traces.trace import Trace
from netsim.units import FloatArray, IntArray, from_db

FILLS = ("error", "hold", "interpolate")
STALE_STEPS = 3.0


@dataclass(frozen=True)
class Series:
    """Values of R keys over time; key r has the samples first[r]..first[r + 1], times
    increasing.
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
        time, value = self.time_s[part], self.value[part]
        asked = np.asarray(times_s, dtype=np.float64)
        if self.period_s is not None:
            asked = asked % self.period_s
        index = np.searchsorted(time, asked, side="right") - 1
        if self.period_s is not None:
            index %= len(time)  # before the first sample the last of the period before holds
            gap = np.isnan(value[index])
        else:
            step = float(np.median(np.diff(time))) if len(time) > 1 else np.inf
            age = asked - time[np.maximum(index, 0)]
            gap = (
                (index < 0)
                | (age > self.stale_steps * step)
                | np.isnan(value[np.maximum(index, 0)])
            )
        held = value[np.maximum(index, 0)]
        if not gap.any():
            return held
        if self.fill == "error":
            raise DataError(
                f"gap at {float(asked[gap][0]):g} s of {' - '.join(self.keys[row])}; set a fill rule "
                f"({', '.join(FILLS[1:])}) to bridge it",
                where=self.path,
            )
        known = ~np.isnan(value)
        if not known.any():
            raise DataError(f"has no value of {' - '.join(self.keys[row])}", where=self.path)
        if self.fill == "hold":
            index = np.searchsorted(time[known], asked, side="right") - 1
            filled = value[known][np.maximum(index, 0)]
        else:
            filled = np.interp(asked, time[known], value[known])
        return np.where(gap, filled, held)

    def at_rows(self, rows: IntArray, times_s: FloatArray) -> FloatArray:
        """Values of keys `rows` at times, [L], [T] -> [L, T]; as `at`, many at once."""
        if self.period_s is None and len(rows):
            begin, asked = self.first[rows], np.asarray(times_s, dtype=np.float64)
            index = last_sample(begin, self.first[rows + 1], self.time_s, asked)
            at = np.maximum(index, 0)
            late = asked - self.time_s[at] > self._stale_s[rows, None]
            if not ((index < begin[:, None]) | late | np.isnan(self.value[at])).any():
                return np.asarray(self.value[at])
        return (
            np.stack([self.at(row, times_s) for row in rows.tolist()])
            if len(rows)
            else np.empty((0, len(times_s)))
        )

    @cached_property
    def _stale_s(self) -> FloatArray:
        """[R] age at which a sample no longer holds."""
        steps = [np.diff(self.time_s[a:b]) for a, b in pairwise(self.first.tolist())]
        return self.stale_steps * np.array(
            [float(np.median(s)) if len(s) else np.inf for s in steps]
        )

    def row(self, *key: str) -> int | None:
        """The row of a key; None if the trace has it not."""
        return self.keys.index(key) if key in self.keys else None


def gain_series(trace: Trace, *, fill: str = "error") -> Series:
    """Linear gain per (ue, gnb); the column `gain` where there is one, else from dB."""
    frame = trace.table("channel")
    names = frame.collect_schema().names()
    if "gain_db" not in names:
        raise DataError("holds no gains", where=trace.path, value=", ".join(names))
    value = pl.col("gain") if "gain" in names else 10 ** (pl.col("gain_db") / 10)
    return _series(trace, frame, ("ue", "gnb"), value, fill)


def recorded_series(trace: Trace, column: str, *, fill: str = "error") -> Series:
    """`gain` or `interference_w` per (ue, gnb, attempt) of a recorded channel: values hold to the
    next.
    """
    frame = trace.table("channel").with_columns(pl.col("attempt").cast(pl.String))
    found = _series(trace, frame, ("ue", "gnb", "attempt"), pl.col(column), fill)
    return replace(found, stale_steps=np.inf)


def snr_series(trace: Trace, *, fill: str = "error") -> Series:
    """Measured linear SNR per ue, of whichever cell served it."""
    frame = trace.table("channel")
    names = frame.collect_schema().names()
    if "snr_db" not in names:
        raise DataError("holds no SNR", where=trace.path, value=", ".join(names))
    return _series(trace, frame, ("ue",), 10 ** (pl.col("snr_db") / 10), fill)


def rate_series(trace: Trace, *, fill: str = "error") -> Series:
    """Rate in bit/s per node."""
    return _series(trace, trace.table("throughput"), ("node",), pl.col("rate_bps"), fill)


def _series(
    trace: Trace, frame: pl.LazyFrame, keys: tuple[str, ...], value: pl.Expr, fill: str
) -> Series:
    if fill not in FILLS:
        raise DataError(f"fill must be one of {', '.join(FILLS)}", where=trace.path, value=fill)
    with reading(trace.path):
        table = frame.select(*keys, "time_s", value.cast(pl.Float64).alias("value")).collect()
    if any(table[k].null_count() for k in keys):
        raise DataError(f"{' and '.join(keys)} must be named in every row", where=trace.path)
    table = table.unique([*keys, "time_s"], keep="last", maintain_order=True)
    table = table.sort(*keys, "time_s", maintain_order=True)
    sizes = table.group_by(keys, maintain_order=True).len()
    first = np.concatenate([[0], np.cumsum(sizes["len"].to_numpy())]).astype(np.int64)
    period = trace.metadata.get("period_s")
    return Series(
        trace.path,
        tuple(sizes.select(keys).rows()),
        first,
        table["time_s"].to_numpy(),
        table["value"].fill_null(np.nan).to_numpy(),
        fill,
        float(period) if period else None,
    )


@dataclass(frozen=True)
class FadingTrace:
    """Linear fading gains [resource_block, time] in steps of STEP_S; the trace repeats."""

    gain: FloatArray

    def at(self, times_s: FloatArray, offset: IntArray) -> FloatArray:
        """Gain averaged over the resource blocks, for links that see the trace from `offset` [L]
        steps on.

        [T], [L] -> [L, T].
        """
        steps = np.floor(np.asarray(times_s) / STEP_S + 1e-9).astype(np.int64)
        mean = self.gain.mean(axis=0)
        return np.asarray(mean[(offset[:, None] + steps) % len(mean)])


def fading_trace(trace: Trace) -> FadingTrace:
    """The gains of a trace with a resource block per row of a grid of milliseconds."""
    frame = trace.table("channel")
    if not {"gain_db", "resource_block"} <= set(frame.collect_schema().names()):
        raise DataError("holds no gain_db per resource_block", where=trace.path)
    with reading(trace.path):
        table = (
            frame.select("resource_block", "time_s", "gain_db")
            .sort("resource_block", "time_s")
            .collect()
        )
    blocks, steps = table["resource_block"].n_unique(), table["time_s"].n_unique()
    if len(table) != blocks * steps:
        raise DataError("must have a gain for each resource block and time", where=trace.path)
    return FadingTrace(from_db(table["gain_db"].to_numpy().reshape(blocks, steps)))
