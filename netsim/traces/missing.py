"""Cells that hold no value: passed over and counted in every reader alike, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from netsim.errors import DataError
from netsim.traces.files import lines
from netsim.units import BoolArray, FloatArray

NULLS = ("", "-", "--", "nan", "na", "n/a", "null", "none", "?", "\\n")
"""Cells that hold no value, in lower case."""
MOST_MISSING = 0.5
"""Part of the rows that may lack a time, a node or a place; with more, a file is refused."""
FAR_DEG = 1.0
"""A fix at (0, 0) is none if the median of all lies further away."""
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


def no_fix(lat: FloatArray, lon: FloatArray) -> BoolArray:
    """Where places are (0, 0), which receivers give that have no fix. [S], [S] -> [S].

    Nowhere if the trace lies there.
    """
    at_zero = (lat == 0) & (lon == 0)
    if not at_zero.any():
        return np.asarray(at_zero)
    far = max(np.median(np.abs(lat)), np.median(np.abs(lon))) > FAR_DEG
    return np.asarray(at_zero & far)
