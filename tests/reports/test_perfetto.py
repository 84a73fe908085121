"""Trace events: valid by the format's rules, and true to the tables."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from netsim.errors import InputError, OutputError
from netsim.reports import trace_events as trace_events_module
from netsim.reports import trace_selection
from netsim.reports.perfetto import write_perfetto
from netsim.reports.trace_events import trace_events
from netsim.reports.trace_selection import select
from netsim.reports.trace_tracks import FIRST_CELL, LANES
from netsim.results.reader import Run, open_run

Event = dict[str, Any]
NEEDED = {
    "X": {"name", "cat", "ts", "dur", "pid", "tid"},
    "i": {"name", "ts", "pid", "tid", "s"},
    "s": {"name", "cat", "id", "ts", "pid", "tid"},
    "f": {"name", "cat", "id", "ts", "pid", "tid", "bp"},
    "C": {"name", "ts", "pid", "args"},
    "M": {"name", "pid", "tid", "args"},
}
NAMES = {"process_name", "process_sort_index", "thread_name", "thread_sort_index"}


def validate(events: list[Event]) -> None:
    """The rules of the Trace Event Format that viewers rely on."""
    named: dict[str, set[tuple[int, int]]] = {"process_name": set(), "thread_name": set()}
    slices: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    ends: dict[str, dict[Any, list[Event]]] = {"s": defaultdict(list), "f": defaultdict(list)}
    for event in events:
        kind = event["ph"]
        assert NEEDED[kind] <= event.keys(), event
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        track = event["pid"], event["tid"]
        if kind == "M":
            assert event["name"] in NAMES
            named.get(event["name"], set()).add(track)
            continue
        assert event["ts"] >= 0
        if kind == "X":
            assert event["dur"] >= 0
            begin = round(event["ts"] * 1e3)
            slices[track].append((begin, begin + round(event["dur"] * 1e3)))
        elif kind == "C":
            assert all(isinstance(v, int | float) and v == v for v in event["args"].values())
        elif kind in "sf":
            ends[kind][event["cat"], event["name"], event["id"]].append(event)
    assert slices.keys() <= named["thread_name"]
    assert {pid for pid, _ in slices} <= {pid for pid, _ in named["process_name"]}
    for mine in slices.values():  # slices of a thread nest or follow: they never cross
        open_until: list[int] = []
        for begin, end in sorted(mine, key=lambda s: (s[0], -s[1])):
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)
    assert ends["s"].keys() == ends["f"].keys()
    for key, (start, *more) in ends["s"].items():
        (finish,) = ends["f"][key]
        assert not more
        assert start["ts"] <= finish["ts"]
        for event in (start, finish):  # a flow needs a slice to hold on to
            at = round(event["ts"] * 1e3)
            assert any(b <= at <= e for b, e in slices[event["pid"], event["tid"]]), event


@pytest.fixture(scope="module", params=["one cell", "cells", "attempts", "modules", "hostile"])
def made(request: pytest.FixtureRequest, network_run: Callable[..., Run], moving: Run) -> Run:
    runs: dict[str, Callable[[], Run]] = {
        "one cell": network_run,
        "cells": lambda: network_run(
            federation="network", radio__interference="network", ues__count=12
        ),
        "attempts": lambda: network_run(
            radio__retransmissions=2,
            radio__sinr_threshold_db=3.0,
            radio__reallocation="events",
            round__alloc_start="arrival",
        ),
        "modules": lambda: network_run(
            scheme__kind="model_switching",
            scheme__max_modules=2,
            scheme__participation=0.4,
            rounds=6,
        ),
        "hostile": lambda: moving,
    }
    return runs[request.param]()


def test_events_are_valid(made: Run) -> None:
    validate(list(trace_events(made, select(made))))


def test_slices_are_the_spans(made: Run) -> None:
    spans = made.spans.collect()
    slices = [
        e for e in trace_events(made, select(made)) if e["ph"] == "X" and e["cat"] != "deadline"
    ]
    assert len(slices) == len(spans)
    lengths: dict[Any, float] = defaultdict(float)
    for event in slices:
        ue = event["tid"] // LANES - 1
        lengths[event["cat"], event["pid"] - FIRST_CELL, ue] += event["dur"] / 1e6
    whose = pl.col("ue").fill_null(-1)
    truth = spans.group_by("kind", "gnb", whose).agg(
        (pl.col("end_s") - pl.col("start_s")).sum().alias("s")
    )
    assert len(lengths) == len(truth)
    for kind, gnb, ue, seconds in truth.iter_rows():
        assert lengths[kind, gnb, ue] == pytest.approx(seconds, abs=1e-6)


def test_an_upload_flows_to_its_aggregation_or_its_deadline(made: Run) -> None:
    uploads = made.uploads.collect()
    flows = [e for e in trace_events(made, select(made)) if e["ph"] == "f"]
    arrived = [e for e in flows if e["name"] == "upload arrives"]
    assert len(arrived) == (uploads["outcome"] == "on_time").sum() > 0
    assert len(flows) == len(uploads)
    closing = {
        (r, g): (d * 1e6, e * 1e6)
        for r, g, d, e in made.rounds.select("round", "gnb", "deadline_s", "end_s")
        .collect()
        .iter_rows()
    }
    for event in flows:
        number, gnb, _, _ = event["id"].split("/")
        deadline, end = closing[int(number), int(gnb)]
        assert event["ts"] <= max(end, deadline + 2) + 1e-3
        if event["name"] == "upload is cut":
            assert event["ts"] >= deadline - 1e-3


def test_counters_hold_what_is_on_the_air(made: Run) -> None:
    uplink = made.spans.filter(
        (pl.col("kind") == "uplink") & (pl.col("end_s") > pl.col("start_s"))
    ).collect()
    for name, unit, total in (
        ("bandwidth in use", "Hz", "bandwidth_hz"),
        ("power radiated", "W", None),
    ):
        steps: dict[int, list[tuple[float, float]]] = defaultdict(list)
        for event in trace_events(made, select(made)):
            if event["ph"] == "C" and event["name"] == name:
                steps[event["pid"] - FIRST_CELL].append((event["ts"] / 1e6, event["args"][unit]))
        area = sum(
            level * (after - at)
            for mine in steps.values()
            for (at, level), (after, _) in pairwise(mine)
        )
        amount = (
            uplink["energy_j"]
            if total is None
            else uplink[total] * (uplink["end_s"] - uplink["start_s"])
        )
        assert area == pytest.approx(amount.sum(), rel=1e-5)
        assert all(mine[-1][1] == 0 for mine in steps.values())


def test_accuracy_is_counted(learned: Path) -> None:
    run = open_run(learned)
    events = list(trace_events(run, select(run)))
    validate(events)
    found = [
        (e["ts"] / 1e6, e["args"]["accuracy"]) for e in events if e["name"] == "accuracy, ensemble"
    ]
    curve = run.learning_curve().collect()
    assert [a for _, a in found] == curve["accuracy"].to_list()
    assert [t for t, _ in found] == pytest.approx(curve["time_s"].to_list())


def test_file_is_json_plain_or_compressed_and_always_the_same(moving: Run, tmp_path: Path) -> None:
    plain, packed, again = (tmp_path / name for name in ("a.json", "a.json.gz", "b.json.gz"))
    for path in (plain, packed, again):
        write_perfetto(moving, path)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()
    trace = json.loads(plain.read_text(encoding="utf-8"))
    assert trace["traceEvents"] == list(trace_events(moving, select(moving)))
    assert trace["displayTimeUnit"] == "ms"
    assert trace["otherData"] == {"netsim": "holds the whole run"}
    with pytest.raises(OutputError, match="cannot be written"):
        write_perfetto(moving, plain / "a.json")


def test_of_a_long_run_it_holds_a_selection_and_says_so(
    network_run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = network_run(rounds=5, ues__count=12)
    monkeypatch.setattr(trace_selection, "MOST_ACTIVITIES", run.spans.collect().height // 4)
    monkeypatch.setattr(trace_selection, "FEWEST_UES", 4)
    monkeypatch.setattr(trace_events_module, "MOST_LEVELS", 8)
    path = tmp_path / "part.json"
    said: list[float] = []
    chosen = write_perfetto(run, path, moved=said.append)
    assert chosen.ues == (0, 4, 7, 11)
    assert chosen.rounds == (1, 3, 5)
    note = "holds 4 of 12 UEs, evenly spaced (counters are of all) and 3 of 5 rounds, evenly spaced"
    assert chosen.note == note
    assert said[-1] == 1
    trace = json.loads(path.read_text(encoding="utf-8"))
    assert trace["otherData"] == {"netsim": note}
    events = trace["traceEvents"]
    validate(events)
    slices = [e for e in events if e["ph"] == "X" and e["cat"] != "deadline"]
    assert {e["args"]["round"] for e in slices} <= {1, 3, 5}
    assert {e["tid"] // LANES - 1 for e in slices} == {-1, 0, 4, 7, 11}
    levels = [e for e in events if e["ph"] == "C" and e["name"] == "bandwidth in use"]
    assert 0 < len(levels) <= 9
    assert levels[-1]["args"]["Hz"] == 0

    asked = write_perfetto(run, path, rounds=[2])
    assert asked.rounds == (2,)
    assert asked.note.endswith("1 of 5 rounds, as asked for")
    with pytest.raises(InputError, match="has rounds 1 to 5"):
        write_perfetto(run, path, rounds=[6])
