"""Trace files of mobility, channel and throughput: one layer that reads them all into native
tables.

    netsim.traces.read_mobility("fcd.xml.gz")      # time_s, node, x_m, y_m[, z_m, speed_m_s, lat,
    lon] netsim.traces.read_channel("gains.parquet")    # time_s, ue, gnb, gain_db | snr_db
    netsim.traces.read_throughput("lte.up")        # time_s, node, rate_bps

Trace files are untrusted: a bad one raises one DataError that names file, place, value and rule.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from netsim.traces.detect import open_trace


def read_mobility(path: Path | str, format: str | None = None) -> pl.LazyFrame:
    """The mobility table of a trace file, lazily. Metres in the plane; see `netsim.traces.trace`.

    `format` is detected if None. Raises DataError, for streamed XML when it is collected.
    """
    return open_trace(path, format).table("mobility")


def read_channel(path: Path | str, format: str | None = None) -> pl.LazyFrame:
    """The channel table of a trace file, lazily: gains in dB, or measured SNR in dB; of a file with
    neither, its throughput table.
    """
    trace = open_trace(path, format)
    return trace.table(
        "channel" if "channel" in trace.tables or "throughput" not in trace.tables else "throughput"
    )


def read_throughput(path: Path | str, format: str | None = None) -> pl.LazyFrame:
    """The throughput table of a trace file, lazily: rates in bit/s, each until the node's next
    time.
    """
    return open_trace(path, format).table("throughput")


__all__ = ["open_trace", "read_channel", "read_mobility", "read_throughput"]
