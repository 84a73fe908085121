"""A run as trace events (JSON), which Perfetto's UI and chrome://tracing open.

Simulated time is the trace's clock. A gNB is a process and its UEs are threads; a UE's activities
are slices. An upload is a flow from its transmission to the aggregation that took it, or to the
deadline that cut it. Counters: band in use and power radiated per gNB, accuracy and loss.
Format: "Trace Event Format" by the Chromium authors (types X, i, s, f, C, M).
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import polars as pl

from netsim.errors import OutputError
from netsim.results.accuracy import target_name
from netsim.results.reader import Run

Event = dict[str, Any]

LEARNING = 1  # process of what belongs to no cell; gNB g is process g + FIRST_CELL
FIRST_CELL = 2
LANES = 64  # threads kept for a UE: activities that overlap without being nested need several
DEADLINES = LANES - 1  # a gNB's own threads are 1, 2, ...; UE u has those from (u + 1) * LANES + 1


def write_perfetto(run: Run, out: Path) -> Path:
    """Write the trace, compressed if the name ends in .gz; memory for one part of the tables at a
    time.

    Raises OutputError if `out` cannot be written.
    """
    temporary = out.with_name(out.name + ".tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _opened(temporary, compressed=out.suffix == ".gz") as file:
            file.write('{"displayTimeUnit":"ms","traceEvents":[\n')
            comma = ""
            for event in trace_events(run):
                file.write(comma + json.dumps(event, separators=(",", ":"), allow_nan=False))
                comma = ",\n"
            file.write("\n]}\n")
        temporary.replace(out)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot be written: {error.strerror or error}", where=out) from None
    return out


@contextmanager
def _opened(path: Path, *, compressed: bool) -> Iterator[IO[str]]:
    """A text file to write; compressed without name and time, so that the same run gives the same
    bytes.
    """
    with path.open("wb") as raw:
        if compressed:
            with (
                gzip.GzipFile("", "wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
                TextIOWrapper(packed, encoding="utf-8") as file,
            ):
                yield file
        else:
            with TextIOWrapper(raw, encoding="utf-8") as file:
                yield file


def trace_events(run: Run) -> Iterator[Event]:
    """All events, part by part."""
    names = _ue_names(run)
    named: set[tuple[int, int]] = set()
    yield _name("process_name", LEARNING, 0, "learning")
    for part in run.parts():
        spans = part.spans.sort("start_s", "end_s", "ue", "module", nulls_last=True).collect()
        last = pl.struct("round", "ue", "module", "kind").is_last_distinct() & (
            pl.col("kind") == "uplink"
        )
        spans = spans.with_columns(last.alias("last"))  # of the spans of its upload
        targets = _aggregations(spans)
        for event in _deadlines(part, targets):
            yield from _track_names(event, names, named)
            yield event
        for event in _slices(spans, targets):
            yield from _track_names(event, names, named)
            yield event
        yield from _counters(spans)
        yield from _accuracy(part)


Targets = dict[
    tuple[str, int, int], tuple[float, int]
]  # (outcome, round, gnb): when a flow ends, and its thread


def _slices(spans: pl.DataFrame, targets: Targets) -> Iterator[Event]:
    """A slice per span; a flow from every upload that ended."""
    busy_until: dict[tuple[int, int], list[float]] = defaultdict(list)
    for row in spans.iter_rows(named=True):
        pid, ue = FIRST_CELL + row["gnb"], row["ue"]
        start, end = row["start_s"], row["end_s"]
        whose = -1 if ue is None else ue
        lanes = busy_until[pid, whose]
        lane = next((i for i, until in enumerate(lanes) if until <= start + 1e-9), len(lanes))
        lane = min(lane, LANES - 3)
        lanes[lane : lane + 1] = [end]
        tid = (whose + 1) * LANES + lane + 1
        kind, outcome = row["kind"], row["outcome"]
        label = kind if row["module"] is None else f"{kind} {row['module']}"
        track = {"pid": pid, "tid": tid}
        yield {
            "ph": "X",
            "name": label if outcome in (None, "on_time") else f"{label}: {outcome}",
            "cat": kind,
            "ts": _micro(start),
            "dur": round(_micro(end) - _micro(start), 3),
            **track,
            "args": {
                k: v
                for k, v in row.items()
                if v is not None and k not in ("start_s", "end_s", "kind", "last")
            },
        }
        arrived = outcome == "on_time"
        target = targets.get(("arrived" if arrived else "cut", row["round"], row["gnb"]))
        if row["last"] and target is not None:
            flow = {
                "name": "upload arrives" if arrived else "upload is cut",
                "cat": "upload",
                "id": f"{row['round']}/{row['gnb']}/{ue}/{row['module']}",
            }
            at, thread = target
            yield {"ph": "s", **flow, "ts": _micro((start + end) / 2), **track}
            yield {"ph": "f", "bp": "e", **flow, "ts": _micro(at), "pid": pid, "tid": thread}


def _aggregations(spans: pl.DataFrame) -> Targets:
    """The middle of every gNB's aggregation: a flow binds to the slice around it."""
    first = spans.filter(pl.col("kind") == "aggregate").unique(
        ["round", "gnb"], keep="first"
    )  # not the core's
    rows = first.select("round", "gnb", "start_s", "end_s").iter_rows()
    return {("arrived", number, gnb): ((start + end) / 2, 1) for number, gnb, start, end in rows}


def _deadlines(part: Run, targets: Targets) -> Iterator[Event]:
    """An instant, and a slice to the end of the round for the flows of what was cut; adds to
    `targets`.
    """
    rounds = part.rounds.filter(pl.col("deadline_s").is_finite())
    for number, gnb, at, end in (
        rounds.select("round", "gnb", "deadline_s", "end_s").collect().iter_rows()
    ):
        here = {"cat": "deadline", "pid": FIRST_CELL + gnb, "tid": DEADLINES}
        end = max(end, at + 2e-6)
        targets["cut", number, gnb] = ((at + end) / 2, DEADLINES)
        name = f"deadline of round {number}"
        yield {
            "ph": "X",
            "name": name,
            "ts": _micro(at),
            "dur": round(_micro(end) - _micro(at), 3),
            **here,
        }
        yield {"ph": "i", "s": "p", "name": name, "ts": _micro(at), **here}


def _counters(spans: pl.DataFrame) -> Iterator[Event]:
    """Band in use and power radiated per gNB, at every change."""
    held = spans.filter((pl.col("kind") == "uplink") & (pl.col("end_s") > pl.col("start_s")))
    power = pl.col("energy_j") / (pl.col("end_s") - pl.col("start_s"))
    for name, unit, amount in (
        ("bandwidth in use", "Hz", pl.col("bandwidth_hz").fill_null(0.0)),
        ("power radiated", "W", power),
    ):
        rises = held.select(
            "gnb", pl.col("start_s").alias("at"), amount.alias("step"), pl.lit(1).alias("count")
        )
        falls = held.select(
            "gnb", pl.col("end_s").alias("at"), (-amount).alias("step"), pl.lit(-1).alias("count")
        )
        levels = (
            pl.concat([rises, falls])
            .group_by("gnb", "at")
            .agg(pl.col("step", "count").sum())
            .sort("gnb", "at")
            .with_columns(pl.col("step", "count").cum_sum().over("gnb"))
            .with_columns(
                pl.when(pl.col("count") > 0).then("step").otherwise(0.0)
            )  # no rounding left over
        )
        for gnb, at, level, _ in levels.iter_rows():
            yield {
                "ph": "C",
                "name": name,
                "ts": _micro(at),
                "pid": FIRST_CELL + gnb,
                "tid": 0,
                "args": {unit: max(level, 0.0)},
            }


def _accuracy(part: Run) -> Iterator[Event]:
    rows = part.evaluations.filter(pl.col("ue").is_null()).collect()
    for row in rows.iter_rows(named=True):
        for measure in ("accuracy", "loss"):
            yield {
                "ph": "C",
                "name": f"{measure}, {target_name(row['target'])}",
                "ts": _micro(row["time_s"]),
                "pid": LEARNING,
                "tid": 0,
                "args": {measure: row[measure]},
            }


def _ue_names(run: Run) -> dict[int, str]:
    known = run.ues.collect_schema().names()
    columns = ["ue", "name" if "name" in known else pl.lit(None, pl.String).alias("name"), "class"]
    rows = run.ues.select(columns).collect().iter_rows()
    return {ue: f"UE {ue}" + (f" {name}" if name else "") + f" ({kind})" for ue, name, kind in rows}


def _track_names(
    event: Event, names: dict[int, str], named: set[tuple[int, int]]
) -> Iterator[Event]:
    """Names of the process and the thread of an event, if they are new."""
    pid, tid = track = (event["pid"], event["tid"])
    if track in named:
        return
    if not any(p == pid for p, _ in named):
        yield _name("process_name", pid, 0, f"gNB {pid - FIRST_CELL}")
        yield {
            "ph": "M",
            "name": "process_sort_index",
            "pid": pid,
            "tid": 0,
            "args": {"sort_index": pid},
        }
    named.add(track)
    ue, lane = tid // LANES - 1, tid % LANES
    who = "gNB" if ue < 0 else names.get(ue, f"UE {ue}")
    text = "deadlines" if tid == DEADLINES else who + (f" /{lane}" if lane > 1 else "")
    yield _name("thread_name", pid, tid, text)
    yield {
        "ph": "M",
        "name": "thread_sort_index",
        "pid": pid,
        "tid": tid,
        "args": {"sort_index": tid},
    }


def _name(kind: str, pid: int, tid: int, text: str) -> Event:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": text}}


def _micro(seconds: float) -> float:
    """Microseconds in whole nanoseconds, so that what touches in the tables touches in the
    trace.
    """
    return round(seconds * 1e9) / 1e3
