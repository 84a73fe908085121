"""ns-3 fading traces (.fad): gains in dB, a row per resource block, a column per millisecond.

There is no header. Where lines do not show the shape it is ns-3's default, 100 x 10,000, or the
user's: `fad:100x10000`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from netsim.errors import DataError
from netsim.projection import Origin
from netsim.traces.missing import NULLS, check_missing, filled_lines
from netsim.traces.trace import Trace, format_option
from netsim.units import BoolArray, FloatArray

STEP_S = 1e-3
DEFAULT_SHAPE = (100, 10_000)
MOST_GAINS = 4_000_000
LOWEST_DB, HIGHEST_DB = -200.0, 100.0


def read_fad(
    path: Path,
    detail: str = "",
    origin: Origin | None = None,
) -> Trace:
    """The channel table (`gain_kind` fading) with a resource block per row.

    It holds for every link: ue and gnb are null. Raises DataError.
    """
    notes: dict[str, int] = {}
    gain_db = fading_matrix(path, detail, notes)
    blocks, steps = gain_db.shape
    every_link = pl.repeat(
        None,
        gain_db.size,
        dtype=pl.String,
        eager=True,
    )
    table = pl.DataFrame(
        {
            "time_s": np.tile(np.arange(steps) * STEP_S, blocks),
            "ue": every_link,
            "gnb": every_link,
            "gain_db": pl.Series(gain_db.ravel(), nan_to_null=True),
            "resource_block": np.repeat(np.arange(blocks), steps),
        }
    )
    metadata = {"gain_kind": "fading", "period_s": repr(steps * STEP_S)}
    return Trace(
        path,
        "fad",
        {"channel": table.lazy()},
        metadata,
        notes,
        reading=format_option("fad", f"{blocks}x{steps}"),
    )


def fading_matrix(
    path: Path,
    detail: str = "",
    notes: dict[str, int] | None = None,
) -> FloatArray:
    """Gains in dB, [resource_block, time]; NaN where one is missing, as `notes` say.

    Raises DataError.
    """
    notes = {} if notes is None else notes
    words: list[str] = []
    sizes: list[int] = []  # gains of each line that has some
    numbers: list[int] = []  # of these lines
    for number, line in filled_lines(path, notes):
        parts = line.replace(",", " ").split()
        words += parts
        if len(words) > MOST_GAINS:
            raise DataError(f"may have at most {MOST_GAINS} gains", where=path)
        sizes.append(len(parts))
        numbers.append(number)
    if not words:
        raise DataError("has no gains", where=path)
    texts = pl.Series(words)
    missing = texts.str.to_lowercase().is_in(NULLS).to_numpy()
    values = texts.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    _note_missing(path, missing, notes)
    wrong = ~((values >= LOWEST_DB) & (values <= HIGHEST_DB) | missing)
    if wrong.any():
        first = int(wrong.argmax())
        line_index = int(
            np.searchsorted(
                np.cumsum(sizes),
                first,
                side="right",
            )
        )
        rule = f"must be gains in {LOWEST_DB:g}..{HIGHEST_DB:g} dB"
        raise DataError(
            rule,
            where=f"{path}, line {numbers[line_index]}",
            value=words[first],
        )
    return values.reshape(_shape(sizes, detail, path))


def _note_missing(
    path: Path,
    missing: BoolArray,
    notes: dict[str, int],
) -> None:
    """Count the gains that are missing. Raises DataError where too many are."""
    without = int(missing.sum())
    if without:
        check_missing(path, "a gain", without, rows=len(missing))
        notes["gains that are missing"] = without


def _shape(
    sizes: list[int],
    detail: str,
    path: Path,
) -> tuple[int, int]:
    """Resource blocks and steps, of lines with `sizes` gains. Raises DataError."""
    size = sum(sizes)
    if detail:
        return _given_shape(detail, size, path)
    if len(sizes) > 1 and len(set(sizes)) == 1 and sizes[0] > 1:
        return len(sizes), sizes[0]
    blocks, steps = DEFAULT_SHAPE
    if size == blocks * steps:
        return DEFAULT_SHAPE
    rule = "lines do not show the shape; say --format fad:BLOCKSxSTEPS"
    raise DataError(rule, where=path, value=f"{size} gains")


def _given_shape(
    detail: str,
    size: int,
    path: Path,
) -> tuple[int, int]:
    blocks, _, steps = detail.lower().partition("x")
    if blocks.isdecimal() and steps.isdecimal() and int(blocks) * int(steps) == size:
        return int(blocks), int(steps)
    rule = f"fad:RxC must have R x C = {size}, its number of gains"
    raise DataError(rule, where=path, value=detail)


def write_fad(gain_db: FloatArray) -> Iterator[bytes]:
    """A line per resource block. [resource_block, time]."""
    for row in gain_db.tolist():
        numbers = [repr(gain) for gain in row]
        yield " ".join(numbers).encode() + b"\n"
