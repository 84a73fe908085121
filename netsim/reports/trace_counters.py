"""The counters of a trace: band in use and power radiated per gNB, accuracy and loss."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars import col

from netsim.reports.columns import evenly
from netsim.reports.trace_tracks import FIRST_CELL, LEARNING, TraceEvent, Track, micro
from netsim.results.accuracy import target_name
from netsim.results.reader import Run


def radio_counters(spans: pl.DataFrame, most: int) -> Iterator[TraceEvent]:
    """Band in use and power radiated per gNB, at every change, or at about `most` moments."""
    sending = spans.filter((col("kind") == "uplink") & (col("end_s") > col("start_s")))
    band_hz = col("bandwidth_hz").fill_null(0.0)
    power_w = col("energy_j") / (col("end_s") - col("start_s"))
    yield from _levels(
        sending,
        band_hz,
        most,
        name="bandwidth in use",
        unit="Hz",
    )
    yield from _levels(
        sending,
        power_w,
        most,
        name="power radiated",
        unit="W",
    )


def _levels(
    sending: pl.DataFrame,
    amount: pl.Expr,
    most: int,
    *,
    name: str,
    unit: str,
) -> Iterator[TraceEvent]:
    """The sum of `amount` over what is on the air at a gNB, at every change that is shown."""
    rises = sending.select(
        "gnb",
        at="start_s",
        step=amount,
        count=pl.lit(1),
    )
    falls = sending.select(
        "gnb",
        at="end_s",
        step=-amount,
        count=pl.lit(-1),
    )
    changes = pl.concat([rises, falls]).group_by("gnb", "at").agg(col("step", "count").sum())
    running = changes.sort("gnb", "at").with_columns(col("step", "count").cum_sum().over("gnb"))
    without_rounding = pl.when(col("count") > 0).then("step").otherwise(0.0)
    shown = _sampled(running, most).select("gnb", "at", without_rounding)
    for gnb, at_s, level in shown.iter_rows():
        track = Track(FIRST_CELL + gnb, 0)
        yield _counter(
            name,
            at_s,
            track,
            {unit: max(level, 0.0)},
        )


def _sampled(running: pl.DataFrame, most: int) -> pl.DataFrame:
    """Of too many changes the last in each of equal steps of time, at every gNB."""
    if len(running) <= most:
        return running
    gnbs = running["gnb"].n_unique()
    steps = max(most // gnbs, 1)
    whole_s = col("at").max() - col("at").min()
    step = ((col("at") - col("at").min()) / whole_s * steps).floor()
    numbered = running.with_columns(time_step=step)
    return numbered.group_by("gnb", "time_step", maintain_order=True).last()


def learning_counters(part: Run, most: int) -> Iterator[TraceEvent]:
    """Accuracy and loss of every target, at every evaluation or evenly spaced ones."""
    rows = part.evaluations.filter(col("ue").is_null()).collect()
    if len(rows) > most:
        numbers = rows["round"].unique().sort().to_list()
        shown = evenly(numbers, max(most * len(numbers) // len(rows), 1))
        rows = rows.filter(col("round").is_in(shown))
    track = Track(LEARNING, 0)
    for row in rows.iter_rows(named=True):
        target = target_name(row["target"])
        for measure in ("accuracy", "loss"):
            values = {measure: row[measure]}
            yield _counter(
                f"{measure}, {target}",
                row["time_s"],
                track,
                values,
            )


def _counter(
    name: str,
    at_s: float,
    track: Track,
    values: dict[str, float],
) -> TraceEvent:
    return {
        "ph": "C",
        "name": name,
        "ts": micro(at_s),
        **track.fields,
        "args": values,
    }
