"""Cells that hold no value: passed over and counted in every reader alike, up to a limit."""

from __future__ import annotations

from pathlib import Path

from netsim.errors import DataError

NULLS = ("", "-", "--", "nan", "na", "n/a", "null", "none", "?", "\\n")
"""Cells that hold no value, in lower case."""
MOST_MISSING = 0.5
"""Part of the rows that may lack a time, a node or a place; with more, a file is refused."""


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
