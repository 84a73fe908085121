"""A run as trace events.

Simulated time is the trace's clock. A gNB is a process and its UEs are threads; a UE's activities
are slices. An upload is a flow from its transmission to the aggregation that took it, or to the
deadline that cut it. Counters: band in use and power radiated per gNB, accuracy and loss. Of a long
run it is a selection.
Format: "Trace Event Format" by the Chromium authors (types X, i, s, f, C, M).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
from polars import col

from netsim.reports.trace_counters import learning_counters, radio_counters
from netsim.reports.trace_selection import MOST_EVALUATIONS, MOST_LEVELS, Selection
from netsim.reports.trace_tracks import (
    DEADLINES,
    FIRST_CELL,
    GNB_THREAD,
    LANES,
    LEARNING,
    TraceEvent,
    Track,
    TrackNames,
    micro,
    named,
    ue_names,
)
from netsim.results.reader import Run

# (arrived or cut, round, gnb): when a flow ends, and on which thread of the gNB
FlowTargets = dict[tuple[str, int, int], tuple[float, int]]


def trace_events(
    run: Run,
    selection: Selection,
    moved: Callable[[float], None] = lambda _: None,
) -> Iterator[TraceEvent]:
    """All events of a selection, part by part; `moved` hears what fraction is through."""
    tracks = TrackNames(ue_names(run))
    yield named(
        "process_name",
        Track(LEARNING, 0),
        name="learning",
    )
    parts = selection.parts(run)
    for number, part in enumerate(parts):
        spans = _spans_in_order(selection.of_rounds(part.spans))
        deadlines = _finite_deadlines(selection.of_rounds(part.rounds))
        targets = _aggregations(spans) | _deadline_targets(deadlines)
        for event in _deadlines(deadlines):
            yield from tracks.introduce(event)
            yield event
        for event in _slices(selection.of_ues(spans), targets):
            yield from tracks.introduce(event)
            yield event
        yield from radio_counters(spans, MOST_LEVELS // len(parts))
        yield from learning_counters(part, MOST_EVALUATIONS // len(parts))
        moved((number + 1) / len(parts))


def _spans_in_order(spans: pl.LazyFrame) -> pl.DataFrame:
    """Spans by time; `last` marks the last uplink span of every upload."""
    ordered = spans.sort(
        "start_s",
        "end_s",
        "ue",
        "module",
        nulls_last=True,
    )
    of_its_kind = pl.struct("round", "ue", "module", "kind").is_last_distinct()
    return ordered.collect().with_columns(last=of_its_kind & (col("kind") == "uplink"))


# -- activities and uploads ----------------------------------------------------------------------


def _slices(spans: pl.DataFrame, targets: FlowTargets) -> Iterator[TraceEvent]:
    """A slice per span; a flow from every upload that ended."""
    lanes = _Lanes()
    for span in spans.iter_rows(named=True):
        track = lanes.track(span)
        yield _slice(span, track)
        if span["last"]:
            yield from _flow(span, track, targets)


class _Lanes:
    """Which thread of its UE an activity is drawn on: the first that is free."""

    def __init__(self) -> None:
        self._busy_until: dict[Track, list[float]] = defaultdict(list)

    def track(self, span: dict[str, Any]) -> Track:
        """The track of a span; spans come by start."""
        pid = FIRST_CELL + span["gnb"]
        whose = -1 if span["ue"] is None else span["ue"]
        first_thread = (whose + 1) * LANES + 1
        lanes = self._busy_until[Track(pid, first_thread)]
        lane = min(_first_free(lanes, span["start_s"]), LANES - 3)
        lanes[lane : lane + 1] = [span["end_s"]]
        return Track(pid, first_thread + lane)


def _first_free(busy_until: list[float], start_s: float) -> int:
    for lane, until_s in enumerate(busy_until):
        if until_s <= start_s + 1e-9:
            return lane
    return len(busy_until)


def _slice(span: dict[str, Any], track: Track) -> TraceEvent:
    kind = span["kind"]
    outcome = span["outcome"]
    name = kind if span["module"] is None else f"{kind} {span['module']}"
    if outcome not in (None, "on_time"):
        name = f"{name}: {outcome}"
    elsewhere = ("start_s", "end_s", "kind", "last")
    details = {k: v for k, v in span.items() if v is not None and k not in elsewhere}
    start_us = micro(span["start_s"])
    return {
        "ph": "X",
        "name": name,
        "cat": kind,
        "ts": start_us,
        "dur": round(micro(span["end_s"]) - start_us, 3),
        **track.fields,
        "args": details,
    }


def _flow(
    span: dict[str, Any],
    track: Track,
    targets: FlowTargets,
) -> Iterator[TraceEvent]:
    """From an upload to the aggregation that took it, or the deadline that cut it."""
    arrived = span["outcome"] == "on_time"
    target = targets.get(("arrived" if arrived else "cut", span["round"], span["gnb"]))
    if target is None:
        return
    numbers = (span["round"], span["gnb"], span["ue"], span["module"])
    flow = {
        "name": "upload arrives" if arrived else "upload is cut",
        "cat": "upload",
        "id": "/".join(map(str, numbers)),
    }
    middle_s = (span["start_s"] + span["end_s"]) / 2
    at_s, thread = target
    end = Track(track.pid, thread)
    yield {
        "ph": "s",
        **flow,
        "ts": micro(middle_s),
        **track.fields,
    }
    yield {
        "ph": "f",
        "bp": "e",
        **flow,
        "ts": micro(at_s),
        **end.fields,
    }


def _aggregations(spans: pl.DataFrame) -> FlowTargets:
    """The middle of every gNB's aggregation: a flow binds to the slice around it."""
    aggregating = spans.filter(col("kind") == "aggregate")
    own = aggregating.unique(["round", "gnb"], keep="first")  # not the core's
    middle_s = (col("start_s") + col("end_s")) / 2
    rows = own.select(
        "round",
        "gnb",
        middle_s=middle_s,
    ).iter_rows()
    return {("arrived", number, gnb): (at_s, GNB_THREAD) for number, gnb, at_s in rows}


# -- deadlines -----------------------------------------------------------------------------------


def _finite_deadlines(rounds: pl.LazyFrame) -> pl.DataFrame:
    """round, gnb, deadline_s, end_s: the end of the round, or just after the deadline."""
    soonest = col("deadline_s") + 2e-6  # a slice has a length
    finite = rounds.filter(col("deadline_s").is_finite())
    ends = pl.max_horizontal("end_s", soonest)
    return finite.select(
        "round",
        "gnb",
        "deadline_s",
        end_s=ends,
    ).collect()


def _deadline_targets(deadlines: pl.DataFrame) -> FlowTargets:
    """Where flows of what was cut end."""
    targets: FlowTargets = {}
    for number, gnb, at_s, end_s in deadlines.iter_rows():
        targets["cut", number, gnb] = ((at_s + end_s) / 2, DEADLINES)
    return targets


def _deadlines(deadlines: pl.DataFrame) -> Iterator[TraceEvent]:
    """An instant, and a slice to the end of the round for the flows of what was cut."""
    for number, gnb, at_s, end_s in deadlines.iter_rows():
        track = Track(FIRST_CELL + gnb, DEADLINES)
        about = {
            "name": f"deadline of round {number}",
            "cat": "deadline",
            "ts": micro(at_s),
            **track.fields,
        }
        yield {
            "ph": "X",
            **about,
            "dur": round(micro(end_s) - micro(at_s), 3),
        }
        yield {
            "ph": "i",
            "s": "p",
            **about,
        }
