"""The tracks of a trace: processes and threads, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from netsim.results.reader import Run

TraceEvent = dict[str, Any]

LEARNING = 1  # process of what belongs to no cell; gNB g is process g + FIRST_CELL
FIRST_CELL = 2
LANES = 64  # threads kept for a UE: activities that overlap without being nested need several
GNB_THREAD = 1
DEADLINES = LANES - 1  # a gNB's own threads are 1, 2, ...; UE u has those from (u + 1) * LANES + 1


@dataclass(frozen=True)
class Track:
    """A process and a thread of the trace."""

    pid: int
    tid: int

    @property
    def fields(self) -> TraceEvent:
        """As an event names it."""
        return {"pid": self.pid, "tid": self.tid}


def ue_names(run: Run) -> dict[int, str]:
    """{UE: how its threads are called}."""
    known = run.ues.collect_schema().names()
    columns = [name for name in ("ue", "class", "name") if name in known]
    names = {}
    for row in run.ues.select(columns).collect().iter_rows(named=True):
        words = ["UE", str(row["ue"]), row.get("name"), f"({row['class']})"]
        names[row["ue"]] = " ".join(word for word in words if word)
    return names


class TrackNames:
    """Introduces processes and threads by name before their first event."""

    def __init__(self, ue_names: dict[int, str]) -> None:
        self._ue_names = ue_names
        self._processes: set[int] = set()
        self._tracks: set[Track] = set()

    def introduce(self, event: TraceEvent) -> Iterator[TraceEvent]:
        """Names of the event's process and thread, if they are new."""
        track = Track(event["pid"], event["tid"])
        if track in self._tracks:
            return
        if track.pid not in self._processes:
            process = Track(track.pid, 0)
            yield named(
                "process_name",
                process,
                name=f"gNB {track.pid - FIRST_CELL}",
            )
            yield named(
                "process_sort_index",
                process,
                sort_index=track.pid,
            )
        self._processes.add(track.pid)
        self._tracks.add(track)
        yield named(
            "thread_name",
            track,
            name=self._thread_name(track),
        )
        yield named(
            "thread_sort_index",
            track,
            sort_index=track.tid,
        )

    def _thread_name(self, track: Track) -> str:
        if track.tid == DEADLINES:
            return "deadlines"
        block, lane = divmod(track.tid, LANES)
        ue = block - 1
        who = "gNB" if ue < 0 else self._ue_names.get(ue, f"UE {ue}")
        return f"{who} /{lane}" if lane > 1 else who


def named(kind: str, track: Track, **about: str | int) -> TraceEvent:
    """An event that says how a track is called or where it is shown."""
    return {
        "ph": "M",
        "name": kind,
        **track.fields,
        "args": about,
    }


def micro(seconds: float) -> float:
    """Microseconds in whole nanoseconds: what touches in the tables touches in the trace."""
    return round(seconds * 1e9) / 1e3
