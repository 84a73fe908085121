"""Rows that lack a time, a node or a place: counted in notes, and refused if there are too many."""

from __future__ import annotations

from collections.abc import Mapping

from netsim.traces.missing import BLANK_LINES, check_missing
from netsim.traces.tables.reading import TableReading
from netsim.traces.tables.scan import RawTable


def note_missing(
    raw: RawTable,
    reading: TableReading,
    found: Mapping[str, int],
) -> None:
    """Note how many rows of a checked table lack what; blank ones lack all. Raises DataError."""
    blank = found["blank"]
    rows = found["rows"] - blank
    if blank:
        reading.notes[BLANK_LINES] = blank
    for what, count in (("a time", found["timeless"]), ("a node", found["nameless"])):
        missing = count - blank
        if missing > 0:
            check_missing(raw.path, what, missing, rows)
            reading.notes[f"rows without {what}, left out"] = missing
    placeless = found["unplaced"] - blank
    if not reading.has_places or placeless <= 0:
        return
    if not reading.has_radio:
        check_missing(raw.path, "a place", placeless, rows)
    reading.notes["rows without a place, left out of mobility"] = placeless
