"""`netsim export perfetto`: a run as one JSON file that Perfetto's UI and chrome://tracing open."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from netsim.errors import OutputError
from netsim.report.trace_events import trace_events
from netsim.results.reader import Run


def write_perfetto(run: Run, out: Path) -> Path:
    """Write the trace, compressed if the name ends in .gz.

    Memory for one part of the tables at a time. Raises OutputError if `out` cannot be written.
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
    """A text file to write; a compressed one holds no name or time, so bytes are reproducible."""
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
