"""Trace files of mobility, channel and throughput: one layer that reads them into native tables.

    netsim.traces.read_mobility("fcd.xml.gz")      # time_s, node, x_m, y_m[, z_m, speed_m_s, ...]
    netsim.traces.read_channel("gains.parquet")    # time_s, ue, gnb, gain_db | snr_db
    netsim.traces.read_throughput("lte.up")        # time_s, node, rate_bps

Trace files are untrusted: a bad one raises one DataError that names file, place, value and rule.

In reading order:

| file | what lives there |
|---|---|
| trace.py | what a reader gives: native tables, metadata, what was odd |
| formats.py, recognise.py | all formats; which one a file has |
| files.py, xml.py, missing.py | bytes, lines, elements; cells without a value |
| tables/ | CSV and Parquet with columns, of any origin |
| sumo.py (sumo_samples.py, sumo_degrees.py, sumo_writer.py) | SUMO's floating-car data in XML |
| ns2.py (ns2_writer.py), bonnmotion.py, gpx.py, gtfs.py, porto.py | mobility in other formats |
| mahimahi.py, fading.py | rates and fading |
| deepmimo.py, sionna.py, mat5.py, npz.py | ray-traced gains |
| tracks.py, series.py, fading_series.py, search.py | tables as arrays: what replay needs |
| seeds.py | traces that a run recorded |
| summary.py, convert.py | `netsim trace inspect` and `netsim trace convert` |
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from netsim.traces.formats import open_trace


def read_mobility(
    path: Path | str, format: str | None = None, *, columns: str = ""
) -> pl.LazyFrame:
    """The mobility table of a trace file, lazily. Metres in the plane; see `netsim.traces.trace`.

    `format` is recognised if None. Raises DataError, for streamed XML when it is collected.
    """
    return open_trace(path, format, columns=columns).table("mobility")


def read_channel(
    path: Path | str,
    format: str | None = None,
    *,
    columns: str = "",
) -> pl.LazyFrame:
    """The channel table of a trace file, lazily: gains in dB, or measured SNR in dB.

    Of a file with neither, its throughput table. Raises DataError.
    """
    trace = open_trace(path, format, columns=columns)
    only_rates = "channel" not in trace.tables and "throughput" in trace.tables
    return trace.table("throughput" if only_rates else "channel")


def read_throughput(
    path: Path | str, format: str | None = None, *, columns: str = ""
) -> pl.LazyFrame:
    """The throughput table of a trace file, lazily: rates in bit/s, each until the node's next.

    Raises DataError.
    """
    return open_trace(path, format, columns=columns).table("throughput")


__all__ = ["open_trace", "read_channel", "read_mobility", "read_throughput"]
