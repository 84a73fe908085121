"""Mahimahi link traces (.up, .down): a line per delivery opportunity of 1,500 bytes, in whole ms.

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
from netsim.traces.missing import check_missing, filled_lines, is_missing
from netsim.traces.trace import Trace, node_of_file
from netsim.units import FloatArray, IntArray

OPPORTUNITY_BITS = 1500 * 8.0
MOST_LINES = 4_000_000
MOST_MS = 20_000_000  # that are written: over five hours, a line for each packet
MAX_MS = 10**9  # 11 days


def read_mahimahi(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The throughput table of one node, named by the file: a row wherever the rate changes."""
    notes: dict[str, int] = {}
    times_ms = _times_ms(path, notes)
    period_ms = int(times_ms[-1])
    slot, count = np.unique((times_ms - 1) % period_ms, return_counts=True)
    edges = np.concatenate([slot, slot + 1, [0]])
    begin_ms = np.unique(edges[edges < period_ms])
    rate_bps = np.zeros(len(begin_ms))
    rate_bps[np.searchsorted(begin_ms, slot)] = count * OPPORTUNITY_BITS * 1e3
    changed = np.append(True, np.diff(rate_bps) != 0)
    table = pl.DataFrame(
        {
            "time_s": begin_ms[changed] / 1e3,
            "node": node_of_file(path),
            "rate_bps": rate_bps[changed],
        }
    )
    metadata = {"period_s": repr(period_ms / 1e3)}
    return Trace(
        path,
        "mahimahi",
        {"throughput": table.lazy()},
        metadata,
        notes,
    )


def _times_ms(path: Path, notes: dict[str, int]) -> IntArray:
    """Times of the opportunities, ascending. Raises DataError."""
    values: list[int] = []
    missing = 0
    for number, text in filled_lines(path, notes):
        if is_missing(text):
            missing += 1
            continue
        where = f"{path}, line {number}"
        if not text.isdecimal() or len(text) > 10 or int(text) > MAX_MS:
            rule = f"must be whole milliseconds up to {MAX_MS}"
            raise DataError(rule, where=where, value=text)
        if values and int(text) < values[-1]:
            raise DataError("time must not go backwards", where=where, value=text)
        values.append(int(text))
        if len(values) > MOST_LINES:
            raise DataError(f"may have at most {MOST_LINES} opportunities", where=path)
    if missing:
        check_missing(path, "a time", missing, missing + len(values))
        notes["lines without a time, passed over"] = missing
    if not values or values[-1] == 0:
        raise DataError("must end with a time after 0 ms, the period", where=path)
    return np.array(values, dtype=np.int64)


def write_mahimahi(
    time_s: FloatArray,
    rate_bps: FloatArray,
    period_s: float,
) -> Iterator[bytes]:
    """Opportunities at which the cumulated bits of a rate reach whole packets.

    A rate holds until the next time. Raises DataError for rates that Mahimahi cannot hold.
    """
    if not 0 < period_s * 1e3 <= MOST_MS:
        raise DataError(f"may be at most {MOST_MS} ms long", where="convert to Mahimahi")
    edges_s = np.append(time_s, period_s)
    bits = np.append(0.0, np.cumsum(rate_bps * np.diff(edges_s)))
    grid_ms = np.arange(1, round(period_s * 1e3) + 1)
    passed_bits = np.interp(grid_ms / 1e3, edges_s, bits)
    packets = np.floor(passed_bits / OPPORTUNITY_BITS + 1e-6)
    if packets[-1] > MOST_LINES:
        raise DataError(f"may hold at most {MOST_LINES} packets", where="convert to Mahimahi")
    packets = packets.astype(np.int64)
    times_ms = np.repeat(grid_ms, np.diff(packets, prepend=0)).tolist()
    where = "convert to Mahimahi"
    if not times_ms:
        raise DataError("is too slow for one packet of 1,500 bytes", where=where)
    if times_ms[-1] != grid_ms[-1]:
        rule = "a Mahimahi trace repeats after its last packet: the rate must not be 0 at the end"
        value = f"last packet at {times_ms[-1]} ms of {grid_ms[-1]} ms"
        raise DataError(rule, where=where, value=value)
    yield "".join(f"{time_ms}\n" for time_ms in times_ms).encode()
