"""The columns of a CSV or Parquet file as they stand, lazily, and its metadata."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from netsim.errors import DataError
from netsim.traces.files import PARQUET, head, reading
from netsim.traces.layouts import Layout, layout_of
from netsim.traces.seeds import SEEDS, seeds_beside

SEPARATORS = ",;\t| "
METADATA = (
    "origin_lat",
    "origin_lon",
    "time_origin",
    "gain_kind",
    "period_s",
    "source_format",
    *SEEDS,
)


def metadata_of(path: Path) -> dict[str, str]:
    """What a native table tells of itself besides its rows; {} of other files."""
    if path.is_dir():
        return seeds_beside(path)
    first = head(path)
    if first.startswith(PARQUET):
        with reading(path):
            found = pl.read_parquet_metadata(path)
        return {k: v for k, v in found.items() if k in METADATA}
    if not first.startswith(b"#"):
        return {}
    above = [line for line in _lines(first) if line.startswith("#")]
    pairs = (line.lstrip("# ").partition("=") for line in above)
    return {k.strip(): v.strip() for k, sep, v in pairs if sep and k.strip() in METADATA}


def scan(path: Path, layout: Layout | None) -> tuple[pl.LazyFrame, dict[str, str]]:
    """The file's own columns (text, in CSV) and its metadata. A folder is a table of a run, in
    parts.
    """
    metadata = metadata_of(path)
    if path.is_dir():
        with reading(path):
            frame = pl.scan_parquet(sorted(path.glob("*.parquet")))
            frame.collect_schema()
            return frame, metadata
    first = head(path)
    with reading(path):
        if first.startswith(PARQUET):
            frame = pl.scan_parquet(path)
            frame.collect_schema()
            return frame, metadata
        if b"\0" in first[:4096]:
            raise DataError("is not text in UTF-8: it has zero bytes", where=path)
        below = [line for line in _lines(first) if line.strip() and not line.startswith("#")]
        if not below:
            raise DataError("is empty", where=path)
        frame = pl.scan_csv(
            path,
            separator=layout.separator if layout and layout.header else separator_of(below[0]),
            has_header=not (layout and layout.header),
            new_columns=list(layout.header) if layout and layout.header else None,
            infer_schema=False,
            comment_prefix="#",
            encoding="utf8-lossy",
            quote_char='"' if '"' in below[0] else None,
        )
        frame = frame.rename({c: c.strip() for c in frame.collect_schema().names()})
        frame.collect_schema()  # fails where names are the same but for spaces
        return frame, metadata


def _lines(first: bytes) -> list[str]:
    return first.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()


def separator_of(header: str) -> str:
    """The separator under which a header has a layout, else the one that occurs most."""
    for separator in SEPARATORS:
        if layout_of([c.strip(' "') for c in header.split(separator)]) is not None:
            return separator
    return max(SEPARATORS, key=header.count)
