"""ns-3 fading traces (.fad): gains in dB, a row per resource block, a column per millisecond, no
header.

Where lines do not show the shape it is ns-3's default, 100 x 10,000, or the user's:
`fad:100x10000`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.files import lines
from netsim.traces.trace import Trace
from netsim.units import FloatArray

STEP_S = 1e-3
DEFAULT = (100, 10_000)
LOWEST_DB, HIGHEST_DB = -200.0, 100.0


def read_fad(path: Path, detail: str = "", origin: Origin | None = None) -> Trace:
    """The channel table (`gain_kind` fading) with a resource block per row; it holds for every
    link.
    """
    gain_db = fading_matrix(path, detail)
    blocks, steps = gain_db.shape
    frame = pl.DataFrame(
        {
            "time_s": np.tile(np.arange(steps) * STEP_S, blocks),
            "resource_block": np.repeat(np.arange(blocks), steps),
            "gain_db": gain_db.ravel(),
        }
    ).with_columns(ue=pl.lit(None, dtype=pl.String), gnb=pl.lit(None, dtype=pl.String))
    table = frame.select("time_s", "ue", "gnb", "gain_db", "resource_block").lazy()
    return Trace(
        path, "fad", {"channel": table}, {"gain_kind": "fading", "period_s": repr(steps * STEP_S)}
    )


def fading_matrix(path: Path, detail: str = "") -> FloatArray:
    """Gains in dB, [resource_block, time]."""
    words: list[str] = []
    sizes: list[int] = []  # gains of each line that has some
    numbers: list[int] = []  # of these lines
    for number, line in lines(path):
        parts = line.replace(",", " ").split()
        if parts:
            words += parts
            sizes.append(len(parts))
            numbers.append(number)
    if not words:
        raise DataError("has no gains", where=path)
    values = pl.Series(words).cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    wrong = ~((values >= LOWEST_DB) & (values <= HIGHEST_DB))
    if wrong.any():
        at = int(wrong.argmax())
        number = numbers[int(np.searchsorted(np.cumsum(sizes), at, side="right"))]
        rule = f"must be gains in {LOWEST_DB:g}..{HIGHEST_DB:g} dB"
        raise DataError(rule, where=f"{path}, line {number}", value=words[at])
    return values.reshape(_shape(sizes, len(values), detail, path))


def _shape(sizes: list[int], size: int, detail: str, path: Path) -> tuple[int, int]:
    if detail:
        parts = detail.lower().split("x")
        if (
            len(parts) != 2
            or not all(p.isdecimal() for p in parts)
            or int(parts[0]) * int(parts[1]) != size
        ):
            raise DataError(
                f"fad:RxC must have R x C = {size}, its number of gains", where=path, value=detail
            )
        return int(parts[0]), int(parts[1])
    if len(sizes) > 1 and len(set(sizes)) == 1 and sizes[0] > 1:
        return len(sizes), sizes[0]
    if size == DEFAULT[0] * DEFAULT[1]:
        return DEFAULT
    raise DataError(
        "lines do not show the shape; say --format fad:BLOCKSxSTEPS",
        where=path,
        value=f"{size} gains",
    )


def write_fad(gain_db: FloatArray) -> Iterator[bytes]:
    """A line per resource block. [resource_block, time]."""
    for row in gain_db.tolist():
        yield " ".join(map(repr, row)).encode() + b"\n"
