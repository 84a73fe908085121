"""Which column names the nodes: a row number does not, if another column repeats its values."""

from __future__ import annotations

import polars as pl

from netsim.traces.tables.cells import CellReader
from netsim.traces.tables.roles import alias_columns
from netsim.traces.tables.scan import RawTable


def node_column(
    raw: RawTable,
    cells: CellReader,
    time: str,
    notes: dict[str, int],
) -> str | None:
    """The column with the names of the nodes; None if none has them. A choice is noted."""
    candidates = [name for name in alias_columns("node", raw.names) if name != time]
    if not candidates:
        return None
    first = candidates[0]
    sample = raw.sample(first)[first]
    if sample.n_unique() < len(sample) or (len(candidates) == 1 and not _counts_up(sample)):
        return first
    counts = [pl.col(name).n_unique().alias(name) for name in candidates]
    at_times = pl.col(time).n_unique().alias("number of times")
    rows = pl.len().alias("number of rows")
    found = raw.collect(raw.frame.select(*counts, at_times, rows)).row(
        0,
        named=True,
    )
    if found["number of times"] == 1:
        return candidates[0]
    repeating = [name for name in candidates if found[name] < found["number of rows"]]
    if repeating:
        chosen = repeating[0]
        if chosen != candidates[0]:
            notes[f"nodes are named by {chosen}; {candidates[0]} differs in every row"] = 0
        return chosen
    if _numbers_rows(raw, cells, candidates[0]):
        notes[f"{candidates[0]} numbers the rows: taken for one node"] = 0
        return None
    return candidates[0]


def _counts_up(values: pl.Series) -> bool:
    """Whether values are whole numbers, each one more than the one before."""
    texts = values.cast(pl.String).str.strip_chars()
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count():
        return False
    steps = numbers.diff().drop_nulls()
    return bool((steps == 1).all())


def _numbers_rows(
    raw: RawTable,
    cells: CellReader,
    name: str,
) -> bool:
    """Whether a column counts the rows."""
    number = cells.text(name).cast(pl.Int64, strict=False)
    counts_up = (number.diff().drop_nulls() == 1).all() & (number.is_not_null()).all()
    several = pl.len() > 1
    return bool(raw.collect(raw.frame.select(counts_up & several)).item())
