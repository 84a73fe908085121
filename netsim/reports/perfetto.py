"""`netsim export perfetto`: a run as one JSON file that Perfetto's UI and chrome://tracing open."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from netsim.reports.folders import export_file
from netsim.reports.trace_events import trace_events
from netsim.reports.trace_selection import Selection, select
from netsim.results.damage import naming_damage
from netsim.results.reader import Run

encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
ENDING = ".perfetto.json.gz"


def write_perfetto(
    run: Run,
    out: Path,
    rounds: Iterable[int] | None = None,
    moved: Callable[[float], None] = lambda _: None,
) -> Selection:
    """Write the trace, compressed if the name ends in .gz; what of the run it holds.

    `rounds` are the ones shown, by default all; of too many UEs or rounds some, evenly spaced.
    `moved` hears what fraction is written. Memory for one part of the tables at a time. Raises
    InputError for a round that there was not, OutputError if `out` cannot be written.
    """
    with export_file(out) as temporary, naming_damage(run):
        selection = select(run, rounds)
        with _opened(temporary, compressed=out.suffix == ".gz") as file:
            about = encode({"netsim": selection.note or "holds the whole run"})
            file.write(f'{{"displayTimeUnit":"ms","otherData":{about},"traceEvents":[\n')
            comma = ""
            for event in trace_events(run, selection, moved):
                file.write(comma + encode(event))
                comma = ",\n"
            file.write("\n]}\n")
    return selection


@contextmanager
def _opened(path: Path, *, compressed: bool) -> Iterator[IO[str]]:
    """A text file to write; a compressed one holds no name or time, so bytes are reproducible."""
    with path.open("wb") as raw:
        if compressed:
            with (
                gzip.GzipFile(
                    "",
                    "wb",
                    fileobj=raw,
                    mtime=0,
                    compresslevel=4,
                ) as packed,
                TextIOWrapper(packed, encoding="utf-8") as file,
            ):
                yield file
        else:
            with TextIOWrapper(raw, encoding="utf-8") as file:
                yield file
