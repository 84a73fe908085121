"""The channel and throughput tables of measurements."""

from __future__ import annotations

import polars as pl

from netsim.errors import DataError
from netsim.traces.tables.presets import TablePreset
from netsim.traces.tables.scan import RawTable
from netsim.traces.trace import GAIN_KINDS

MODE = "radio mode"
"""Column of the network mode, where a preset keeps the rows of one mode."""


def radio_tables(
    raw: RawTable,
    frame: pl.LazyFrame,
    metadata: dict[str, str],
    notes: dict[str, int],
) -> dict[str, pl.LazyFrame]:
    """Tables by name, of a frame with native columns. Raises DataError."""
    has = set(frame.collect_schema().names())
    tables = {}
    channel = _channel(raw, frame, has, metadata)
    if channel is not None:
        tables["channel"] = channel
    rate = _rate(raw, frame, has, notes)
    if rate is not None:
        rated = frame.with_columns(rate_bps=rate).filter(pl.col("rate_bps").is_not_null())
        tables["throughput"] = rated.select("time_s", "node", "rate_bps")
    return tables


def kept_mode(
    raw: RawTable, frame: pl.LazyFrame, preset: TablePreset, notes: dict[str, int]
) -> pl.LazyFrame:
    """The rows in the network mode that counts: the preset's, or the most frequent one."""
    assert preset.radio_mode is not None
    column, wanted = preset.radio_mode
    modes = raw.collect(
        frame.group_by(MODE)
        .len()
        .sort(
            "len",
            MODE,
            descending=True,
        )
    )
    counts = dict(modes.drop_nulls().rows())
    if not counts:
        raise DataError(f"{column} names no network mode in any row", where=raw.path)
    chosen = wanted if wanted in counts else next(iter(counts))
    if chosen != wanted:
        notes[f"no row has {column} = {wanted}"] = 0
    left_out = sum(counts.values()) - counts[chosen]
    notes[f"radio of rows with {column} = {chosen} only; others left out"] = left_out
    return frame.filter(pl.col(MODE) == chosen)


def _channel(
    raw: RawTable, frame: pl.LazyFrame, has: set[str], metadata: dict[str, str]
) -> pl.LazyFrame | None:
    """Gains in dB, else SNR; None without either."""
    if "ue" not in has:
        frame = frame.with_columns(ue=pl.col("node"))
    if "gnb" not in has:
        frame = frame.with_columns(gnb=pl.lit(None, dtype=pl.String))
    if not has & {"gain_db", "gain", "pathloss_db"}:
        return frame.select("time_s", "ue", "gnb", "snr_db") if "snr_db" in has else None
    if "gain_db" not in has:
        loss = -pl.col("pathloss_db") if "pathloss_db" in has else 10 * pl.col("gain").log10()
        frame = frame.with_columns(gain_db=loss)
    kind = metadata.setdefault("gain_kind", "total" if "attempt" in has else "large_scale")
    if kind not in GAIN_KINDS:
        rule = f"gain_kind must be one of {', '.join(GAIN_KINDS)}"
        raise DataError(rule, where=raw.path, value=kind)
    whole = [name for name in ("resource_block", "attempt") if name in has]
    frame = frame.with_columns(pl.col(whole).cast(pl.Int64))
    kept = ("gain", "resource_block", "attempt", "interference_w")
    optional = [name for name in kept if name in has]
    return frame.select("time_s", "ue", "gnb", "gain_db", *optional)


def _rate(
    raw: RawTable, frame: pl.LazyFrame, has: set[str], notes: dict[str, int]
) -> pl.Expr | None:
    """The rate in bit/s; None without one."""
    if "rate_bps" in has:
        return pl.col("rate_bps")
    if {"amount_bits", "duration_s"} <= has:
        return pl.col("amount_bits") / pl.col("duration_s")
    directions = [name for name in ("downlink_bps", "uplink_bps") if name in has]
    if not directions:
        return None
    if len(directions) == 1:
        return pl.col(directions[0])
    return _busier(raw, frame, notes)


def _busier(
    raw: RawTable,
    frame: pl.LazyFrame,
    notes: dict[str, int],
) -> pl.Expr:
    """The direction that carried more.

    The other's rate is that of acknowledgements, not of the link.
    """
    totals = raw.collect(frame.select(pl.col("downlink_bps", "uplink_bps").sum()))
    down, up = totals.row(0)
    chosen = "downlink_bps" if down >= up else "uplink_bps"
    notes[f"rate is the {chosen.removesuffix('_bps')}'s, which carried more"] = 0
    return pl.col(chosen)
