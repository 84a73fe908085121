"""`netsim export perfetto`: a run as one JSON file that Perfetto's UI and chrome://tracing open."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from netsim.reports.folders import export_file
from netsim.reports.trace_events import trace_events
from netsim.results.damage import naming_damage
from netsim.results.reader import Run


def write_perfetto(run: Run, out: Path) -> Path:
    """Write the trace, compressed if the name ends in .gz.

    Memory for one part of the tables at a time. Raises OutputError if `out` cannot be written.
    """
    with (
        export_file(out) as temporary,
        naming_damage(run),
        _opened(temporary, compressed=out.suffix == ".gz") as file,
    ):
        file.write('{"displayTimeUnit":"ms","traceEvents":[\n')
        comma = ""
        for event in trace_events(run):
            file.write(
                comma
                + json.dumps(
                    event,
                    separators=(",", ":"),
                    allow_nan=False,
                )
            )
            comma = ",\n"
        file.write("\n]}\n")
    return out


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
                    compresslevel=6,
                ) as packed,
                TextIOWrapper(packed, encoding="utf-8") as file,
            ):
                yield file
        else:
            with TextIOWrapper(raw, encoding="utf-8") as file:
                yield file
