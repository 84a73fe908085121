"""Cells that hold no value: passed over and counted in every reader alike, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from netsim.errors import DataError
from netsim.traces.files import lines

NULLS = ("", "-", "--", "nan", "na", "n/a", "null", "none", "?", "\\n")
"""Cells that hold no value, in lower case."""
MOST_MISSING = 0.5
"""Part of the rows that may lack a time, a node or a place; with more, a file is refused."""
BLANK_LINES = "blank lines, passed over"
COMMENTS = "lines beginning with #, passed over"


def is_missing(text: str | None) -> bool:
    """Whether a cell holds no value."""
    return text is None or text.strip().lower() in NULLS


def check_missing(
    path: Path,
    what: str,
    missing: int,
    rows: int,
) -> None:
    """Raises DataError where too many rows lack something, as "a place"."""
    if missing and missing >= rows:
        raise DataError(f"no row has {what}", where=path)
    if missing > MOST_MISSING * rows:
        thing = what.split(" ", 1)[1]
        rule = f"more than {MOST_MISSING:.0%} of the rows have no {thing}"
        raise DataError(
            rule,
            where=path,
            value=f"{missing} of {rows}",
        )


def count(notes: dict[str, int], text: str, more: int = 1) -> None:
    """Add to what a note counts."""
    if more:
        notes[text] = notes.get(text, 0) + more


def filled_lines(path: Path, notes: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Numbered lines that are neither blank nor comments; these are counted in `notes`.

    Comments above the first line are the file's own head and are not counted.
    """
    begun = False
    for number, line in lines(path):
        text = line.strip()
        if not text:
            count(notes, BLANK_LINES)
        elif text.startswith("#"):
            count(notes, COMMENTS, begun)
        else:
            begun = True
            yield number, text
