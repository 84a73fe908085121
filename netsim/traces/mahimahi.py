"""Mahimahi link traces (.up, .down): a line per delivery opportunity of 1,500 bytes, its time in
whole ms.

The trace repeats after its last time. An opportunity at millisecond t becomes the rate of 1,500
bytes per ms over [t - 1, t), so that n packets from time 0 have passed at the n-th line; one at 0
falls to the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import lines
from netsim.traces.trace import Trace
from netsim.units import FloatArray, IntArray

OPPORTUNITY_BITS = 1500 * 8.0
MAX_MS = 10**9  # 11 days


def read_mahimahi(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """The throughput table of one node, named by the file: a row wherever the rate changes."""
    times = _times(path)
    period = int(times[-1])
    slot, count = np.unique((times - 1) % period, return_counts=True)
    edges = np.concatenate([slot, slot + 1, [0]])
    at = np.unique(edges[edges < period])
    rate = np.zeros(len(at))
    rate[np.searchsorted(at, slot)] = count * OPPORTUNITY_BITS * 1e3
    changed = np.concatenate([[True], np.diff(rate) != 0])
    frame = pl.DataFrame({"time_s": at[changed] / 1e3, "rate_bps": rate[changed]})
    frame = frame.insert_column(1, pl.lit(path.name.split(".")[0]).alias("node"))
    return Trace(path, "mahimahi", {"throughput": frame.lazy()}, {"period_s": repr(period / 1e3)})


def _times(path: Path) -> IntArray:
    values: list[int] = []
    for number, line in lines(path):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not text.isdecimal() or len(text) > 10 or int(text) > MAX_MS:
            raise DataError(
                f"must be whole milliseconds up to {MAX_MS}",
                where=f"{path}, line {number}",
                value=text,
            )
        if values and int(text) < values[-1]:
            raise DataError(
                "time must not go backwards", where=f"{path}, line {number}", value=text
            )
        values.append(int(text))
    if not values or values[-1] == 0:
        raise DataError("must end with a time after 0 ms, the period", where=path)
    return np.array(values, dtype=np.int64)


def write_mahimahi(time_s: FloatArray, rate_bps: FloatArray, period_s: float) -> Iterator[bytes]:
    """Opportunities at which the cumulated bits of a rate (each until the next time) reach whole
    packets.
    """
    ends = np.append(time_s[1:], period_s)
    bits = np.concatenate([[0.0], np.cumsum(rate_bps * (ends - time_s))])
    grid = np.arange(1, round(period_s * 1e3) + 1)
    passed = np.interp(grid / 1e3, np.append(time_s, period_s), bits)
    packets = np.floor(passed / OPPORTUNITY_BITS + 1e-6).astype(np.int64)
    counts = np.diff(packets, prepend=0)
    times = np.repeat(grid, counts).tolist()
    if not times:
        raise DataError("is too slow for one packet of 1,500 bytes", where="convert to Mahimahi")
    if times[-1] != grid[-1]:
        raise DataError(
            "a Mahimahi trace repeats after its last packet: the rate must not be 0 at the end",
            where="convert to Mahimahi",
            value=f"last packet at {times[-1]} ms of {grid[-1]} ms",
        )
    yield "".join(f"{time}\n" for time in times).encode()
